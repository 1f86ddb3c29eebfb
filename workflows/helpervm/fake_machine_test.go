package helpervm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// machine is a host that understands the scripts that we send.
type machine struct {
	key       string // host key
	scanErr   []error
	dialErr   []error
	facts     string
	stderr    string
	factsCode int
	engines   map[string]string // version folder → what it says
	files     map[string]string
	jobs      map[string]*remoteJob
	jobCode   int // how jobs end
	ca        string
	httpCode  string
	curlErr   string
	losses    int      // how often the connection ends while the engine is asked what it makes
	changing  []string // scripts and calls that change something
	dials     []Target
	uploads   int
}

type remoteJob struct {
	state  string
	output []string
}

const linuxFacts = "kernel=Linux\nmachine=x86_64\nos=Ubuntu 22.04.5 LTS\nhome=/home/azureuser\nfree=9000000\n"

func newMachine() *machine {
	return &machine{key: "ssh-ed25519 HOSTKEY", facts: linuxFacts, engines: map[string]string{},
		files: map[string]string{}, jobs: map[string]*remoteJob{}, httpCode: "200"}
}

func (m *machine) scan(context.Context, Target) (string, string, error) {
	if err := pop(&m.scanErr); err != nil {
		return "", "", err
	}
	return m.key, "SHA256:" + strings.TrimPrefix(m.key, "ssh-ed25519 "), nil
}

func (m *machine) dial(_ context.Context, t Target) (Host, error) {
	m.dials = append(m.dials, t)
	if err := pop(&m.dialErr); err != nil {
		return nil, err
	}
	if keyBody(t.HostKey) != m.key {
		return nil, &w.Problem{Code: "ssh.hostkey", What: "dialled with the wrong host key", Fix: "x"}
	}
	return m, nil
}

func pop(list *[]error) error {
	if len(*list) == 0 {
		return nil
	}
	err := (*list)[0]
	*list = (*list)[1:]
	return err
}

func (m *machine) Close() error { return nil }

func (m *machine) Run(_ context.Context, script string, stdin io.Reader) (Output, error) {
	switch {
	case strings.Contains(script, "uname -s"):
		return Output{Stdout: m.facts, Stderr: m.stderr, ExitCode: m.factsCode}, nil
	case strings.Contains(script, "hub-ca.pem"):
		given, _ := io.ReadAll(stdin)
		if string(given) == m.ca {
			return Output{Stdout: "system=same\nbundle=same\n"}, nil
		}
		m.ca = string(given)
		m.changing = append(m.changing, "ca")
		return Output{Stdout: "system=none\nbundle=changed\n"}, nil
	case strings.Contains(script, "metadata/endpoints"), strings.Contains(script, "https://github.com/"):
		if m.curlErr != "" {
			return Output{Stderr: m.curlErr, ExitCode: 7}, nil
		}
		return Output{Stdout: m.httpCode}, nil
	case strings.HasPrefix(script, "sha256sum"):
		if body, ok := m.files[between(script, `$HOME/`, `"`)]; ok {
			return Output{Stdout: sumOf(body) + "\n"}, nil
		}
		return Output{}, nil
	case strings.Contains(script, "tar -tzf"):
		return m.unpack(script)
	case strings.HasSuffix(script, " version"):
		if says := m.engines[versionIn(script)]; says != "" {
			return Output{Stdout: "Version: " + says + "\nGitCommit: x\n"}, nil
		}
		return Output{Stderr: "sh: not found", ExitCode: 127}, nil
	case strings.Contains(script, " get-versions --azure-env AzureStackCloud -o json"):
		if m.losses > 0 {
			m.losses--
			return Output{}, &w.Problem{Code: "ssh.lost", What: "The SSH connection was lost"}
		}
		return Output{Stdout: `{"orchestrators":[{"orchestratorVersion":"1.33.10","default":true,"upgrades":[{"orchestratorVersion":"1.34.4"}]},{"orchestratorVersion":"1.34.4"}]}`}, nil
	}
	return Output{}, fmt.Errorf("unexpected script: %s", script)
}

func (m *machine) unpack(script string) (Output, error) {
	archive := strings.TrimPrefix(between(script, "set -- '", "'"), "/home/azureuser/")
	body, ok := m.files[archive]
	if !ok {
		return Output{Stderr: "tar: cannot open", ExitCode: 2}, nil
	}
	m.changing = append(m.changing, "unpack")
	version := versionIn(script)
	m.engines[version] = strings.TrimPrefix(body, "archive of ")
	return Output{Stdout: "unpacked\n"}, nil
}

func versionIn(script string) string { return between(script, ".hubwright/engine/", `/'"`) }

// between is what stands behind begin, up to any character of end.
func between(s, begin, end string) string {
	_, rest, ok := strings.Cut(s, begin)
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, end); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

func (m *machine) Upload(_ context.Context, path string, _ os.FileMode, _ int64, r io.Reader, progress func(int64)) error {
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		return err
	}
	progress(int64(b.Len()))
	m.files[path] = b.String()
	m.uploads++
	m.changing = append(m.changing, "upload")
	return nil
}

func (m *machine) StartJob(_ context.Context, j Job) (bool, error) {
	if m.jobs[j.ID] != nil {
		return false, nil
	}
	m.changing = append(m.changing, "job "+j.ID)
	m.jobs[j.ID] = &remoteJob{state: "running", output: []string{"getting it", "downloaded 50 % of 60 MiB"}}
	return true, nil
}

func (m *machine) JobState(_ context.Context, id string) (string, int, int64, error) {
	j := m.jobs[id]
	if j == nil {
		return "absent", 0, 0, nil
	}
	return j.state, m.jobCode, int64(len(strings.Join(j.output, "\n"))), nil
}

// follow lets a job run to its end: then the archive lies there.
func (m *machine) follow(ctx context.Context, _ Target, id string, cur w.Cursor, onLine, _ func(string)) (int, error) {
	j := m.jobs[id]
	if j == nil {
		return 0, errors.New("no such job")
	}
	j.state = "exited"
	var lines []w.OutputLine
	for _, l := range j.output {
		onLine(l)
		lines = append(lines, w.OutputLine{Level: w.LevelOutput, Text: l})
	}
	if err := cur.Append(ctx, int64(len(strings.Join(j.output, "\n"))), lines); err != nil {
		return 0, err
	}
	if m.jobCode == 0 {
		version := between(id, "engine-", "")
		version = version[:strings.LastIndex(version, "-")]
		m.files[".hubwright/downloads/"+aksengine.ArchiveName(version)] = "archive of " + version
	}
	return m.jobCode, nil
}
