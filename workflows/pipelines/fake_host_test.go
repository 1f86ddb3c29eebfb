package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	w "hubwright/workflows"
)

type kube struct {
	b   *bed
	raw string
}

func (k kube) Close() error { k.b.open--; return nil }

func (k kube) ServerVersion(ctx context.Context) (string, error) {
	if err := k.b.tick(ctx); err != nil {
		return "", err
	}
	return "v1.33.10", nil
}

func (k kube) EnsureAccount(ctx context.Context, a Account) (Access, error) {
	if err := k.b.tick(ctx); err != nil {
		return Access{}, err
	}
	k.b.accounts++
	k.b.there[a.Namespace+"/"+a.Name] = true
	raw := fmt.Sprintf("server=https://ratings.seattle.test token=jwt-%d context=%s", k.b.accounts, a.Name)
	return Access{Kubeconfig: []byte(raw), Expires: k.b.now.Add(a.TTL), Existed: k.b.accounts > 1}, nil
}

func (k kube) DeleteAccount(ctx context.Context, namespace, name string) error {
	if err := k.b.tick(ctx); err != nil {
		return err
	}
	delete(k.b.there, namespace+"/"+name)
	k.b.deleted = append(k.b.deleted, namespace+"/"+name)
	return nil
}

func (k kube) Can(ctx context.Context, namespace, _, _, resource string) (bool, error) {
	if err := k.b.tick(ctx); err != nil {
		return false, err
	}
	return resource != k.b.denied && (namespace != "" || strings.Contains(k.raw, "context=admin")), nil
}

type host struct{ b *bed }

func (h host) Close() error { h.b.open--; return nil }

func (h host) Run(ctx context.Context, script string, stdin io.Reader) (Output, error) {
	if err := h.b.tick(ctx); err != nil {
		return Output{}, err
	}
	in, _ := io.ReadAll(stdin)
	h.b.scripts, h.b.stdin = append(h.b.scripts, script), append(h.b.stdin, string(in))
	is := func(ok bool) Output { return Output{ExitCode: map[bool]int{true: 0, false: 1}[ok]} }
	switch {
	case strings.Contains(script, "register.sh"):
		if h.b.config.ExitCode == 0 {
			h.b.ids++
			h.b.agents = []Agent{{ID: h.b.ids, Name: "seattle-agent", Version: "4.261.0", Enabled: true}}
			if err := h.b.tick(ctx); err != nil { // Azure DevOps has it, the folder not
				return Output{}, err
			}
			h.b.own = h.b.ids
		}
		return h.b.config, nil
	case strings.Contains(script, "service.sh"):
		if !h.b.systemd {
			return Output{ExitCode: 91}, nil
		}
		h.online()
		return Output{}, nil
	case strings.Contains(script, "remove.sh"):
		h.b.files, h.b.own, h.b.agents = map[string]bool{}, 0, nil
		return Output{}, nil
	case strings.Contains(script, "/.agent"):
		return Output{Stdout: fmt.Sprintln(h.b.own)}, nil
	case strings.Contains(script, "/config.sh\" ]"):
		return is(h.b.files["config.sh"]), nil
	}
	return Output{}, nil
}

func (h host) online() {
	for i := range h.b.agents {
		h.b.agents[i].Online = !h.b.deaf && h.b.agents[i].ID == h.b.own
	}
}

func (h host) StartJob(ctx context.Context, j Job) (bool, error) {
	if err := h.b.tick(ctx); err != nil {
		return false, err
	}
	if strings.Contains(strings.Join(j.Argv, " ")+fmt.Sprint(j.Env), theToken) {
		h.b.t.Errorf("the job %s has the token", j.ID)
	}
	h.b.jobs[j.ID] = "running"
	if strings.Contains(j.ID, "download") {
		h.b.jobs[j.ID], h.b.files["config.sh"] = "exited", true
	} else {
		h.online()
	}
	return true, nil
}

func (h host) JobState(ctx context.Context, id string) (string, int, int64, error) {
	if err := h.b.tick(ctx); err != nil {
		return "", 0, 0, err
	}
	if st := h.b.jobs[id]; st != "" {
		return st, 0, 0, nil
	}
	return "absent", 0, 0, nil
}

func (h host) SignalJob(ctx context.Context, id, signal string) error {
	if err := h.b.tick(ctx); err != nil {
		return err
	}
	h.b.jobs[id] = "exited"
	return nil
}

// log keeps what steps say.
type log struct{ text string }

func (l *log) add(level, f string, a ...any) { l.text += level + " " + fmt.Sprintf(f, a...) + "\n" }
func (l *log) Info(f string, a ...any)       { l.add("info", f, a...) }
func (l *log) Warn(f string, a ...any)       { l.add("warn", f, a...) }
func (l *log) Error(f string, a ...any)      { l.add("error", f, a...) }
func (l *log) Good(f string, a ...any)       { l.add("good", f, a...) }
func (l *log) Phase(f string, a ...any)      { l.add("phase", f, a...) }
func (l *log) Command(text string)           { l.add("command", "%s", text) }
func (l *log) Progress(int, string)          {}
func (l *log) Mask(string)                   {}

func (l *log) Cursor(context.Context, string) (w.Cursor, error) {
	return nil, errors.New("nothing is followed here")
}
