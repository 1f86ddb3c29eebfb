// Package collectlogs is the workflow "Collect logs": AKS Engine runs a script
// on the nodes and fetches what it packs; one archive of all is kept with the
// run.
package collectlogs

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "collect-logs"

// Which nodes.
const (
	WhichAll     = "all"
	WhichMasters = "masters"
	WhichNamed   = "named"
)

//go:embed collect-logs.sh
var script []byte

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	operate.Shells

	Which string
	Names []string // with WhichNamed

	Seen      []string // nodes that the engine has begun with
	Rest      []string // those that are left, after it stopped at one
	Failed    []string // nodes without logs, with the reason
	Collected bool     // the helper VM has archives
	Packed    []string // nodes whose logs are in the archive
	Left      []string // nodes whose logs are too large
	File      string   // name of the archive
	Path      string   // where it lies on the server
	Size      int64    // bytes
}

// Downloads offers the archive.
func (s *State) Downloads() []w.Download {
	if s.File == "" {
		return nil
	}
	return []w.Download{{Name: s.File, Title: "Logs of " + operate.Plural(len(s.Packed), "node") + " of " + s.Cluster.Name, Kept: true}}
}

// Needs is what the workflow needs of the world.
type Needs struct {
	Engine operate.Needs
	// Keep writes a file that is kept with the run: whole, or not at all. It
	// tells where the file lies and how many bytes it has.
	Keep func(ctx context.Context, runID, name string, fill func(io.Writer) error) (path string, size int64, err error)
}

type flow struct {
	operate.Engine
	keepFile func(ctx context.Context, runID, name string, fill func(io.Writer) error) (path string, size int64, err error)
}

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{operate.New(n.Engine), n.Keep}
	return w.Workflow[State]{
		ID:     ID,
		Title:  "Collect logs",
		Why:    "One archive with what the nodes' services, their set-up and their system pods have written, for whoever looks for a cause.",
		Scope:  w.ScopeSite,
		Begin:  f.begin,
		Pages:  []w.Page[State]{nodesPage(), operate.ShellsPage(shells)},
		Checks: f.checks(),
		Plan:   plan,
		Steps: []w.Step[State]{
			{ID: "prepare", Title: "Make sure of the API model", Why: "The engine finds the nodes with it.", Weight: 5, Timeout: 5 * time.Minute, Run: f.prepare},
			{ID: "collect", Title: "Collect with AKS Engine", Why: "A script packs the logs of one node after the other.", Weight: 70, Timeout: time.Hour, Run: f.collect},
			{ID: "keep", Title: "Bring the archives here", Why: "They are kept with this run.", Weight: 20, Timeout: 30 * time.Minute, Run: f.keep},
			{ID: "sweep", Title: "Tidy up on the helper VM", Why: "The nodes' SSH key and their logs have no business there.", Weight: 5, Timeout: 5 * time.Minute, Always: true, Run: f.sweep},
		},
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}.Erase()
}

func change(s *State) *operate.Change                    { return &s.Change }
func shells(s *State) (*operate.Change, *operate.Shells) { return &s.Change, &s.Shells }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	c, err := f.BeginChange(ctx, t)
	if err != nil {
		return nil, err
	}
	return &State{Change: c, Which: WhichAll}, nil
}

func nodesPage() w.Page[State] {
	return w.Page[State]{
		ID: "nodes", Title: "Which nodes", Why: "Nothing is interrupted. Logs of nodes may hold secrets that programs wrote there: nothing in them is masked. Operators of Hubwright can download the archive, and each download is audited.",
		Fields: []w.Field[State]{
			{
				Name: "which", Label: "Logs of", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string { return s.Which },
				Options: func(_ context.Context, s *State) ([]w.Option, error) {
					return []w.Option{
						{Value: WhichAll, Label: "All nodes", Note: fmt.Sprintf("%d of them. When the API server does not answer, the engine knows those of the control plane only.", s.Cluster.Nodes())},
						{Value: WhichMasters, Label: "The control plane", Note: operate.Plural(s.Cluster.MasterCount, "node") + "."},
						{Value: WhichNamed, Label: "Nodes by name", Note: "For a large cluster, or to leave one out that does not answer."},
					}, nil
				},
			},
			{
				Name: "names", Label: "Names", Kind: w.FieldArea, When: func(s *State) bool { return s.Which == WhichNamed }, Help: "One a line, as kubectl get nodes shows them.",
			},
		},
		Bind: bind,
	}
}

func bind(a w.Answers, s *State) []w.FieldError {
	s.Which, s.Names = a.Get("which"), nil
	switch s.Which {
	case WhichAll, WhichMasters:
		return nil
	case WhichNamed:
	default:
		return []w.FieldError{{Field: "which", Message: "Choose one of the three."}}
	}
	s.Names = strings.FieldsFunc(strings.ToLower(a.Get("names")), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	slices.Sort(s.Names)
	s.Names = slices.Compact(s.Names)
	if len(s.Names) == 0 {
		return []w.FieldError{{Field: "names", Message: "Give the name of at least one node."}}
	}
	var pools []string
	for _, p := range s.Cluster.Pools {
		pools = append(pools, regexp.QuoteMeta(strings.ToLower(p.Name)))
	}
	ours := regexp.MustCompile("^k8s-(" + strings.Join(append(pools, "master"), "|") + ")-" + regexp.QuoteMeta(s.Cluster.NameSuffix) + `-\d+$`)
	for _, name := range s.Names {
		if !ours.MatchString(name) {
			return []w.FieldError{{Field: "names", Message: fmt.Sprintf("%q is no node of this cluster: they are called like %s.", name, aksengine.MasterName(s.Cluster.NameSuffix, 0))}}
		}
	}
	return nil
}

// expected is how many nodes the engine is to visit.
func (s *State) expected() int {
	switch s.Which {
	case WhichMasters:
		return s.Cluster.MasterCount
	case WhichNamed:
		return len(s.Names)
	}
	return s.Cluster.Nodes()
}

// checks leave out what the engine does not need for logs: they are wanted
// most when a cluster is ill.
func (f flow) checks() []w.Check[State] {
	needed := []string{"engine", "idle", "api-model"}
	return append(slices.DeleteFunc(operate.Checks(f.Engine, change), func(c w.Check[State]) bool { return !slices.Contains(needed, c.ID) }),
		operate.ShellsCheck(f.Engine, shells))
}

// Paths on the helper VM, below the home folder.

func (s *State) folder() string { return s.Folder() + "/" + s.JobBase }
func (s *State) script() string { return s.folder() + "/collect-logs.sh" }

func (s *State) command(call aksengine.Deploy) aksengine.Command {
	l := aksengine.LogCollection{Script: operate.Home(s.script()), Folder: operate.Home(s.folder()), ControlPlaneOnly: s.Which == WhichMasters, Nodes: s.Names}
	if len(s.Rest) > 0 {
		l.ControlPlaneOnly, l.Nodes = false, s.Rest
	}
	return call.CollectLogs(s.Via(s.Shells), l)
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	whose := map[string]string{WhichAll: "all nodes", WhichMasters: "the control plane", WhichNamed: strings.Join(s.Names, ", ")}[s.Which]
	shown := *s
	shown.JobBase = "logs-" + s.DNSPrefix + "-TIME"
	return w.Plan{
		Title: "Collect logs of " + s.Cluster.Name,
		Summary: []w.SummaryItem{
			{Label: "Cluster", Value: s.Cluster.Name}, {Label: "Logs of", Value: whose, Page: "nodes"}, {Label: "SSH host", Value: s.SSHHost, Page: "ssh"},
		},
		Changes: []w.Change{
			{Verb: "create", What: "/tmp/logs.zip on " + operate.Plural(s.expected(), "node"), Note: "it stays there until the next collection or restart"},
			{Verb: "create", What: "One archive on this server", Note: fmt.Sprintf("in the data folder, not sealed and not masked; at most %s", size(mostBytes))},
			{Verb: "create", What: "~/" + s.NodeKey() + " on the helper VM", Note: "the nodes' SSH key, removed when the run ends"},
		},
		Commands:   []w.Command{{Title: "On the helper VM", Text: shown.command(s.Call()).Display()}},
		Documents:  []w.Document{{Name: "collect-logs.sh", MIME: "text/plain", Body: string(script)}},
		Duration:   "about 1 min a node on a real stamp",
		Disruption: "Nothing is interrupted.",
	}, nil
}

func result(s *State) w.Result {
	facts := []w.SummaryItem{
		{Label: "Archive", Value: fmt.Sprintf("%s, %s", s.File, size(s.Size))},
		{Label: "Kept at", Value: s.Path + " on this server, until somebody deletes it there"},
		{Label: "Nodes", Value: strings.Join(s.Packed, ", ")},
	}
	if len(s.Failed) > 0 {
		facts = append(facts, w.SummaryItem{Label: "Not collected", Value: strings.Join(s.Failed, ", ")})
	}
	if len(s.Left) > 0 {
		facts = append(facts, w.SummaryItem{Label: "Too large to bring here", Value: strings.Join(s.Left, ", ")})
	}
	return w.Result{
		Headline: fmt.Sprintf("The logs of %s are collected. They may hold secrets.", operate.Plural(len(s.Packed), "node")), Facts: facts,
		Next: &w.NextStep{Title: "Look at the cluster", Why: "Its nodes as they are now.", Link: "/clusters/" + s.Cluster.ID},
	}
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (bytes+1023)/1024)
}
