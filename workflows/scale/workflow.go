// Package scale is the workflow "Scale a node pool": AKS Engine adds VMs to a
// pool, or drains some and takes them away.
package scale

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "scale"

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	operate.Pair

	Pool string
	From int // nodes when the draft was opened
	To   int

	Deleted aksengine.Deletions
}

type flow struct{ operate.Engine }

// New makes the workflow.
func New(n operate.Needs) w.Definition {
	f := flow{operate.New(n)}
	return operate.Careful(f.Engine, w.Workflow[State]{
		ID:     ID,
		Title:  "Scale a node pool",
		Why:    "More nodes carry more work; fewer leave room for others on the stamp.",
		Scope:  w.ScopeSite,
		Row:    11,
		Begin:  f.begin,
		Pages:  []w.Page[State]{page()},
		Checks: f.checks(),
		Plan:   plan,
		Steps: append([]w.Step[State]{
			{ID: "prepare", Title: "Make sure of the API model", Why: "The engine must work with this cluster's own.", Weight: 2, Timeout: 5 * time.Minute,
				Run: func(ctx context.Context, s *State, log w.Log) error { return f.Prepare(ctx, &s.Change, "scale", log) }},
			{ID: "scale", Title: "Scale with AKS Engine", Why: "VMs are made, or drained and deleted.", Weight: 60, Timeout: 60 * time.Minute, Run: f.scale},
		}, operate.Steps(f.Engine, change, func(*State) bool { return false })...),
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}, change, pair, (*State).in).Erase()
}

func result(s *State) w.Result {
	facts := []w.SummaryItem{
		{Label: "Before", Value: strconv.Itoa(s.From)}, {Label: "Ready nodes of the cluster", Value: strconv.Itoa(s.Ready)},
		{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)},
	}
	if len(s.Deleted.Half()) > 0 {
		facts = append(facts, w.SummaryItem{Label: "Perhaps left over", Value: s.sweep()})
	}
	return w.Result{
		Headline: fmt.Sprintf("The pool %s has %s.", s.Pool, operate.Plural(s.To, "node")), Facts: facts,
		Next: &w.NextStep{Title: "Look at the cluster", Why: "Its nodes as they are now.", Link: "/clusters/" + s.Cluster.ID},
	}
}

func change(s *State) *operate.Change { return &s.Change }
func pair(s *State) *operate.Pair     { return &s.Pair }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	c, err := f.BeginChange(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(c.Cluster.Pools) == 0 {
		return nil, &w.Problem{Code: "scale.nopool", What: "The cluster has no node pool", Why: "Only pools can be scaled, not the control plane.", Fix: "Add a pool instead."}
	}
	return &State{Change: c}, nil
}

func page() w.Page[State] {
	return w.Page[State]{
		ID: "pool", Title: "Pool and count", Why: "The control plane cannot be scaled.",
		Fields: []w.Field[State]{
			{
				Name: "pool", Label: "Node pool", Kind: w.FieldSelect, Default: func(s *State) string { return s.Cluster.Pools[0].Name },
				Options: func(_ context.Context, s *State) ([]w.Option, error) {
					var out []w.Option
					for _, p := range s.Cluster.Pools {
						out = append(out, w.Option{Value: p.Name, Label: p.Name, Note: fmt.Sprintf("%s × %s", operate.Plural(p.Count, "node"), p.Size)})
					}
					return out, nil
				},
			},
			{
				Name: "count", Label: "Nodes", Kind: w.FieldNumber, Default: func(s *State) string { return strconv.Itoa(s.Cluster.Pools[0].Count) },
				Help: "Scaling in takes the nodes with the highest numbers.",
			},
		},
		Bind: bind,
	}
}

func bind(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	s.Pool, s.From = a.Get("pool"), 0
	for _, p := range s.Cluster.Pools {
		if p.Name == s.Pool {
			s.From = p.Count
		}
	}
	if s.From == 0 {
		errs = append(errs, w.FieldError{Field: "pool", Message: "Choose one of the cluster's pools."})
	}
	most := aksengine.MaxNodes - (s.Cluster.Nodes() - s.From)
	n, err := strconv.Atoi(a.Get("count"))
	switch {
	case err != nil || n < 1:
		errs = append(errs, w.FieldError{Field: "count", Message: "Give a whole number from 1: a pool cannot be emptied."})
	case n > most:
		errs = append(errs, w.FieldError{Field: "count", Message: fmt.Sprintf("At most %d: a cluster on Azure Stack Hub has up to %d nodes.", most, aksengine.MaxNodes)})
	case n == s.From:
		errs = append(errs, w.FieldError{Field: "count", Message: fmt.Sprintf("The pool has %d already.", n)})
	}
	s.To = n
	return errs
}

// in says that nodes are taken away.
func (s *State) in() bool { return s.To < s.From }

// scale runs the command and then sees to what it forgets: after a scale-out
// that was interrupted, the same command finds all VMs there and leaves the
// old count in the API model, which makes a later upgrade lose a node.
func (f flow) scale(ctx context.Context, s *State, log w.Log) error {
	return f.Stoppable(ctx, &s.Change, log, func() error { return f.scaleOnce(ctx, s, log) })
}

func (f flow) scaleOnce(ctx context.Context, s *State, log w.Log) error {
	command := func(call aksengine.Deploy) aksengine.Command { return call.Scale(s.Pool, s.To, s.Cluster.FQDN) }
	read := func(line string) {
		s.Deleted.Read(line)
		if doing := aksengine.ScaleDoing(line); doing != "" {
			log.Progress(-1, doing)
		}
	}
	before := func(ctx context.Context, _ *operate.World) (bool, error) {
		if s.in() { // nodes are drained
			if err := f.AwaitAPI(ctx, &s.Change, log); err != nil {
				return false, err
			}
		}
		return true, f.Unmoved(ctx, &s.Change, func(now w.Cluster) bool {
			return slices.ContainsFunc(now.Pools, func(p w.NodePool) bool { return p.Name == s.Pool && (p.Count == s.From || p.Count == s.To) })
		})
	}
	if err := f.Work(ctx, &s.Change, log, operate.Task{Before: before, Command: command, Read: read}); err != nil {
		return err
	}
	vms, err := f.VMs(ctx, &s.Change)
	if err != nil {
		return err
	}
	if have := operate.Members(vms, s.Cluster.NameSuffix, s.Pool); len(have) != s.To {
		s.JobsEnded++
		return &w.Problem{
			Code: "scale.count", What: "The pool does not have the nodes that were asked for", Why: fmt.Sprintf("%s exist: %s.", operate.Plural(len(have), "VM"), strings.Join(have, ", ")),
			Fix: "Retry from this step: the engine goes on with what is missing.",
		}
	}
	if half := s.Deleted.Half(); len(half) > 0 {
		log.Warn("An interrupted command deleted %s and perhaps not the network interface and the disk that go with each; the engine does not look for them. %s", strings.Join(half, ", "), s.sweep())
	}
	if err := f.correct(ctx, s, log); err != nil {
		return err
	}
	log.Good("The pool %s has %s on the Hub.", s.Pool, operate.Plural(s.To, "VM"))
	return nil
}

// sweep says what to do about what an interrupted scale-in left.
func (s *State) sweep() string {
	var left []string
	for _, vm := range s.Deleted.Half() {
		left = append(left, fmt.Sprintf("the network interface %s and the disk %s_OsDisk_…", aksengine.NICName(vm), vm))
	}
	return "If they are there, delete in the resource group " + s.ResourceGroup + ": " + strings.Join(left, "; ") + "."
}

// correct sets the count in the engine's API model right.
func (f flow) correct(ctx context.Context, s *State, log w.Log) error {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	doc, _, err := f.FetchModel(ctx, &s.Ground, host, log)
	if err != nil {
		return err
	}
	corrected, changed, err := aksengine.WithPoolCount(doc, s.Pool, s.To)
	if err != nil {
		return &w.Problem{Code: "cluster.modelbroken", What: "The engine's API model does not have the pool", Why: err.Error() + ".", Fix: "Compare ~/" + s.OutputModel() + " on the helper VM with the newest version on the cluster's page."}
	}
	if !changed {
		return nil
	}
	if err := operate.Upload(ctx, host, s.OutputModel(), corrected); err != nil {
		return err
	}
	log.Warn("The engine left another count in the API model, as it does after an interrupted run. It is corrected to %d.", s.To)
	return nil
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	verb, note := "create", "with network interface and disk"
	n, disruption := s.To-s.From, "Nothing that runs is touched."
	if s.in() {
		verb, note, n = "delete", "those with the highest numbers; each is drained first", s.From-s.To
		disruption = "Pods on these nodes move to others, as far as disruption budgets let them. What lies on a node's own disk is lost."
	}
	return w.Plan{
		Title:      fmt.Sprintf("Scale %s to %s", s.Pool, operate.Plural(s.To, "node")),
		Summary:    []w.SummaryItem{{Label: "Pool", Value: s.Pool, Page: "pool"}, {Label: "Nodes", Value: fmt.Sprintf("%d → %d", s.From, s.To), Page: "pool"}},
		Changes:    []w.Change{{Verb: verb, What: operate.Plural(n, "VM") + " of the pool " + s.Pool, Note: note}},
		Commands:   []w.Command{{Title: "On the helper VM", Text: s.Call().Scale(s.Pool, s.To, s.Cluster.FQDN).Display()}},
		Duration:   "about 15 min on a real stamp",
		Disruption: disruption,
	}, nil
}

func (f flow) checks() []w.Check[State] {
	return append(operate.Checks(f.Engine, change),
		w.Check[State]{ID: "quota", Title: "The quota is large enough", Why: "A scale-out that runs out of quota stops half-made.", Page: "pool", Severity: w.SeverityBlock, Waivable: true, Timeout: time.Minute,
			When: func(s *State) bool { return !s.in() }, Run: f.checkQuota},
		w.Check[State]{ID: "budgets", Title: "Disruption budgets let pods go", Why: "A budget with no room makes scaling in fail when the drain's time is over.", Page: "pool", Severity: w.SeverityBlock, Waivable: true, Timeout: time.Minute,
			When: func(s *State) bool { return s.in() }, Run: func(ctx context.Context, s *State) w.Finding { return f.Budgets(ctx, &s.Change) }})
}

func (f flow) checkQuota(ctx context.Context, s *State) w.Finding {
	i := -1
	for j, p := range s.Cluster.Pools {
		if p.Name == s.Pool {
			i = j
		}
	}
	if i < 0 {
		return w.Skip("No pool is chosen.")
	}
	return f.Room(ctx, &s.Change, s.To-s.From, s.Cluster.Pools[i].Size)
}
