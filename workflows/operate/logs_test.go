package operate_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
	"hubwright/workflows/collectlogs"
)

func (b *bed) collection() w.Definition {
	return collectlogs.New(collectlogs.Needs{Engine: b.needs(), Keep: func(_ context.Context, runID, name string, fill func(io.Writer) error) (string, int64, error) {
		var out bytes.Buffer
		if err := errors.Join(fill(&out), b.keepErr); err != nil {
			return "", 0, err
		}
		b.keptFile = out.String()
		return "/data/" + runID + "/" + name, int64(out.Len()), nil
	}})
}

// collecting is a bed whose engine fetches an archive from each node.
type collecting struct {
	*bed
	nodes   []string
	content map[string]string // of a node's archive; else its name
	sizes   map[string]int64  // as the helper VM tells them
	dead    []string          // the engine stops at these
	said    string            // and says this
}

func newCollecting(t *testing.T, nodes ...string) *collecting {
	b := &collecting{bed: newBed(t), nodes: nodes, content: map[string]string{}, sizes: map[string]int64{}}
	b.cluster.SSHKey, b.sealed["sec_ssh"] = "sec_ssh", nodeKey
	b.answer = b.say
	b.engine = func(j *job) []func() {
		target := strings.TrimPrefix(j.flag("--output-directory"), "~/")
		if b.files[keyFile] != nodeKey || !strings.HasPrefix(b.files[strings.TrimPrefix(j.flag("--linux-script"), "~/")], "#!/bin/sh\n") {
			t.Error("the engine lacks the key or the script")
		}
		var turns []func()
		for _, node := range b.wanted(j) {
			turns = append(turns, func() {
				j.say("INFO[0000] Processing node: " + node + "    ")
				if slices.Contains(b.dead, node) {
					j.say(b.words(node))
					j.end(1)
					return
				}
				b.files[target+"/"+node+".zip"] = b.content[node] + "PK" + node
			})
		}
		return append(turns, func() { j.say("INFO[0001] Logs downloaded to x"); j.end(0) })
	}
	return b
}

// wanted are the nodes that a command line names.
func (b *collecting) wanted(j *job) []string {
	names := strings.Split(j.flag("--vm-names"), ",")
	return slices.DeleteFunc(slices.Clone(b.nodes), func(name string) bool {
		return names[0] != "" && !slices.Contains(names, name) || slices.Contains(j.Argv, "--control-plane-only") && !strings.Contains(name, "master")
	})
}

func (b *collecting) words(node string) string {
	if b.said != "" {
		return b.said
	}
	return "Error: : the script failed on " + node
}

// say plays the shell.
func (b *collecting) say(script string) string {
	quoted := func(after string) []string {
		_, rest, _ := strings.Cut(script, after)
		rest, _, _ = strings.Cut(rest, " && ")
		return strings.Fields(strings.ReplaceAll(rest, "'", ""))
	}
	switch {
	case strings.Contains(script, "rm -rf -- "):
		for _, path := range quoted("rm -rf -- ") {
			maps.DeleteFunc(b.files, func(name, _ string) bool { return name == path || strings.HasPrefix(name, path+"/") })
		}
	case strings.Contains(script, "wc -c"):
		var out strings.Builder
		for _, node := range b.nodes {
			name := quoted("cd ")[0] + "/" + node + ".zip"
			doc, there := b.files[name]
			if size := b.sizes[node]; there && size > 0 {
				fmt.Fprintf(&out, "%d %s.zip\n", size, node)
			} else if there {
				fmt.Fprintf(&out, "%d %s.zip\n", len(doc), node)
			}
		}
		return out.String()
	}
	return ""
}

// onHelper is how many files of the collection the helper VM has.
func (b *collecting) onHelper() int {
	n := 0
	for name := range b.files {
		if name == keyFile || strings.HasPrefix(name, folder+"logs-") {
			n++
		}
	}
	return n
}

func (b *collecting) archive() map[string]string {
	b.t.Helper()
	z, err := zip.NewReader(strings.NewReader(b.keptFile), int64(len(b.keptFile)))
	if err != nil {
		b.t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			b.t.Fatal(err)
		}
		got[f.Name] = string(text)
	}
	return got
}

func runs(id string) context.Context {
	return w.WithOrigin(context.Background(), w.Origin{RunID: id})
}

func TestCollectLogs(t *testing.T) {
	b := newCollecting(t, "k8s-a", "k8s-b")
	b.content["k8s-b"] = "\x1f\x8b"
	b.loginErr = errors.New("the Hub is down") // it is not needed for this
	x := b.start(collectlogs.ID, w.Answers{})
	if x.Downloads() != nil {
		t.Error("there is something to download before the run")
	}
	b.must(x, "prepare", "collect")
	if err := x.Run(runs("run_1"), "keep", b.log); err != nil {
		t.Fatal(err)
	}
	b.must(x, "sweep")
	if diff := cmp.Diff(map[string]string{"k8s-a.zip": "PKk8s-a", "k8s-b.tar.gz": "\x1f\x8bPKk8s-b"}, b.archive()); diff != "" {
		t.Error(diff)
	}
	if n := b.onHelper(); n != 0 {
		t.Errorf("%d files are left on the helper VM", n)
	}
	if diff := cmp.Diff([]w.Download{{Name: "logs-ratings-seattle-20261123-100000.zip", Title: "Logs of 2 nodes of ratings-seattle", Kept: true}}, x.Downloads()); diff != "" {
		t.Error(diff)
	}
	text := fmt.Sprint(x.Result())
	for _, part := range []string{"The logs of 2 nodes are collected. They may hold secrets.", "/data/run_1/logs-ratings-seattle-20261123-100000.zip on this server, until somebody deletes it", "k8s-a, k8s-b"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
	b.logged("nothing in them is masked")
	if argv := strings.Join(b.jobs[b.order[0]].Argv, " "); strings.Contains(argv, "client") || strings.Contains(argv, secret) {
		t.Errorf("the engine needs no login for this: %s", argv)
	}
}

func TestCollectLogsOfWhich(t *testing.T) {
	master, second := "k8s-master-"+suffix+"-0", worker("linuxpool", 1)
	for _, tt := range []struct {
		name  string
		a     w.Answers
		wrong string
		flags string // the last of the command line
	}{
		{"all", w.Answers{}, "", ""},
		{"masters", w.Answers{"which": "masters"}, "", " --control-plane-only"},
		{"named", w.Answers{"which": "named", "names": strings.ToUpper(second) + ", " + master + "\r\n" + master}, "", " --vm-names " + second + "," + master},
		{"none named", w.Answers{"which": "named", "names": " , "}, "names", ""},
		{"not asked yet", w.Answers{"which": "named"}, "names", ""},
		{"another's", w.Answers{"which": "named", "names": "k8s-master-00000000-0"}, "names", ""},
		{"no node", w.Answers{"which": "named", "names": master + "\n--upload-sas-url"}, "names", ""},
		{"unknown", w.Answers{"which": "some"}, "which", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newCollecting(t, master)
			s := b.open(collectlogs.ID, tt.a)
			if errs := s.Errors(); len(errs) > 0 || tt.wrong != "" {
				if len(errs) != 1 || errs[0].Field != tt.wrong {
					t.Errorf("%+v, want one of %q", errs, tt.wrong)
				}
				return
			}
			b.must(b.start(collectlogs.ID, tt.a), "prepare", "collect")
			argv := strings.Join(b.jobs[b.order[0]].Argv, " ")
			if _, rest, _ := strings.Cut(argv, "--output-directory "); strings.TrimPrefix(rest, strings.Fields(rest)[0]) != tt.flags {
				t.Errorf("%s, want %s at the end", argv, tt.flags)
			}
		})
	}
}

// TestCollectLogsAroundDeadNodes: the engine stops at each of them.
func TestCollectLogsAroundDeadNodes(t *testing.T) {
	first, second, third := worker("linuxpool", 0), worker("linuxpool", 1), worker("linuxpool", 2)
	all := []string{first, second, third, "k8s-master-" + suffix + "-0", "k8s-master-" + suffix + "-1", "k8s-master-" + suffix + "-2"}
	masters := all[3:]
	for _, tt := range []struct {
		name   string
		a      w.Answers
		dead   []string
		starts []string // the last flags of each start
		packed int
	}{
		{"one of all", w.Answers{}, []string{second}, []string{"--output-directory", "--vm-names " + strings.Join(append(masters[:3:3], third), ",")}, 5},
		{"two of all", w.Answers{}, []string{first, masters[2]}, []string{"--output-directory", "--vm-names " + strings.Join(append(masters[:3:3], second, third), ","), ""}, 4},
		{"the last", w.Answers{}, []string{masters[2]}, []string{""}, 5},
		{"a master", w.Answers{"which": "masters"}, masters[:1], []string{"--control-plane-only", "--vm-names " + strings.Join(masters[1:], ",")}, 2},
		{"a named one", w.Answers{"which": "named", "names": first + " " + second}, []string{first}, []string{"--vm-names " + first + "," + second, "--vm-names " + second}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newCollecting(t, all...)
			b.dead = tt.dead
			x := b.start(collectlogs.ID, tt.a)
			b.must(x, "prepare", "collect")
			for i := range b.order {
				if i < len(tt.starts) && !strings.Contains(strings.Join(b.jobs[b.order[i]].Argv, " ")+" ", strings.TrimSpace(tt.starts[i])+" ") {
					t.Errorf("start %d: %v, want %s", i+1, b.jobs[b.order[i]].Argv, tt.starts[i])
				}
			}
			if tt.name != "two of all" && len(b.order) != len(tt.starts) {
				t.Errorf("%d starts", len(b.order))
			}
			b.must(x, "keep", "sweep")
			if got := b.archive(); len(got) != tt.packed {
				t.Errorf("%v", got)
			}
			text := fmt.Sprint(x.Result())
			for _, name := range tt.dead {
				if !strings.Contains(text, name+" (") {
					t.Errorf("no %s in %s", name, text)
				}
				b.logged("The logs of " + name + " could not be collected.")
			}
			if b.onHelper() != 0 {
				t.Errorf("%d files are left on the helper VM", b.onHelper())
			}
		})
	}
}

func TestCollectLogsOfNone(t *testing.T) {
	node := "k8s-master-" + suffix + "-0"
	for _, tt := range []struct{ name, line, code string }{
		{"no node answers", "Error: : the script failed", "engine.exit.1"},
		{"the SSH host refuses the key", "Error: : creating SSH client: dialing jumpbox (h): ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]", "engine.sshkey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newCollecting(t, node)
			b.dead, b.said = []string{node}, tt.line
			x := b.start(collectlogs.ID, w.Answers{"which": "named", "names": node})
			b.must(x, "prepare")
			b.fails(x, "collect", tt.code)
			b.must(x, "sweep")
			if len(b.order) != 1 || b.onHelper() != 0 {
				t.Errorf("%d starts, %d files are left on the helper VM", len(b.order), b.onHelper())
			}
		})
	}
}

// TestCollectLogsWithoutHub: which nodes there are is not known then.
func TestCollectLogsWithoutHub(t *testing.T) {
	b := newCollecting(t, "k8s-a", "k8s-b", "k8s-c")
	b.dead, b.hubErr = []string{"k8s-b"}, errors.New("the Hub is down")
	x := b.start(collectlogs.ID, w.Answers{})
	b.must(x, "prepare", "collect", "keep")
	if diff := cmp.Diff(map[string]string{"k8s-a.zip": "PKk8s-a"}, b.archive()); diff != "" {
		t.Error(diff)
	}
	b.logged("Run this again with their names")
}

func TestCollectLogsTooLarge(t *testing.T) {
	const mib = 1 << 20
	many := map[string]int64{}
	for i := range 10 {
		many[fmt.Sprintf("k8s-%d", i)] = 120 * mib
	}
	for _, tt := range []struct {
		name   string
		sizes  map[string]int64
		code   string
		packed int
		says   string
	}{
		{"one of two", map[string]int64{"k8s-a": 129 * mib, "k8s-b": 0}, "", 1, "The logs of k8s-a have 129.0 MiB; at most 128.0 MiB"},
		{"all", map[string]int64{"k8s-a": 129 * mib}, "logs.large", 0, "at most 128.0 MiB of one node and 1.0 GiB together"},
		{"together", many, "logs.large", 0, "10 nodes have 1.2 GiB"},
		{"nothing", nil, "logs.none", 0, "fetched no archive"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newCollecting(t)
			for name := range tt.sizes {
				b.nodes = append(b.nodes, name)
			}
			b.sizes = tt.sizes
			x := b.start(collectlogs.ID, w.Answers{})
			b.must(x, "prepare", "collect")
			if tt.code != "" {
				b.fails(x, "keep", tt.code, tt.says)
				return
			}
			b.must(x, "keep")
			if len(b.archive()) != tt.packed {
				t.Errorf("%v", b.archive())
			}
			b.logged(tt.says)
			if text := fmt.Sprint(x.Result()); !strings.Contains(text, "Too large to bring here") {
				t.Error(text)
			}
		})
	}
}

// TestCollectLogsOnAFullDisk: the nodes' logs wait on the helper VM for the retry.
func TestCollectLogsOnAFullDisk(t *testing.T) {
	b := newCollecting(t, "k8s-a")
	b.keepErr = errors.New("no space left on device")
	x := b.start(collectlogs.ID, w.Answers{})
	b.must(x, "prepare", "collect")
	b.fails(x, "keep", "logs.write", "no space left on device", "disk is full")
	b.must(x, "sweep")
	b.logged("stay in ~/" + folder + "logs-")
	if b.files[keyFile] != "" || b.onHelper() == 0 {
		t.Errorf("key %q, %d files", b.files[keyFile], b.onHelper())
	}
	b.keepErr = nil
	x = b.resume(collectlogs.ID, b.state(x))
	b.must(x, "keep", "sweep")
	if b.onHelper() != 0 || len(b.archive()) != 1 {
		t.Errorf("%d files on the helper VM, %v", b.onHelper(), b.archive())
	}
}

func TestCollectLogsChecksAndPlan(t *testing.T) {
	b := newCollecting(t)
	s := b.open(collectlogs.ID, w.Answers{})
	var ids []string
	for _, c := range s.Checks() {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{"engine", "idle", "api-model", "ssh"}, ids); diff != "" {
		t.Error(diff)
	}
	p, err := s.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(p)
	for _, part := range []string{"get-logs", "not masked", "at most 1.0 GiB", "journalctl", "Nothing is interrupted"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in the plan", part)
		}
	}
}
