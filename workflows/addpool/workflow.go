// Package addpool is the workflow "Add a node pool": AKS Engine makes more VMs
// of another size, or for other work.
package addpool

import (
	"context"
	"encoding/json"
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
const ID = "addpool"

const (
	defaultSize  = "Standard_D2_v2"
	defaultCount = 3
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	Pool   w.NodePool
	Subnet string // of the other pools, where the network is one's own
}

// profile is what the engine reads.
func (s *State) profile() ([]byte, error) {
	p := aksengine.NewPool(s.Pool.Name, s.Pool.Count, s.Pool.Size)
	p.VnetSubnetID = s.Subnet
	return json.MarshalIndent(p, "", "  ")
}

type flow struct{ operate.Engine }

// New makes the workflow.
func New(n operate.Needs) w.Definition {
	f := flow{operate.New(n)}
	return w.Workflow[State]{
		ID:     ID,
		Title:  "Add a node pool",
		Why:    "Nodes of another size, or for other work, form a pool of their own.",
		Scope:  w.ScopeSite,
		Begin:  f.begin,
		Pages:  []w.Page[State]{f.page()},
		Checks: f.checks(),
		Plan:   plan,
		Steps: append([]w.Step[State]{
			{ID: "prepare", Title: "Make sure of the API model", Why: "The engine must work with this cluster's own.", Weight: 2, Timeout: 5 * time.Minute,
				Run: func(ctx context.Context, s *State, log w.Log) error { return f.Prepare(ctx, &s.Change, "addpool", log) }},
			{ID: "addpool", Title: "Add the pool with AKS Engine", Why: "The Hub makes its VMs and they join the cluster.", Weight: 60, Timeout: 60 * time.Minute, Run: f.add},
		}, operate.Steps(f.Engine, change, func(*State) bool { return false })...),
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result: func(s *State) w.Result {
			return w.Result{
				Headline: fmt.Sprintf("The pool %s is there with %s.", s.Pool.Name, operate.Plural(s.Pool.Count, "node")),
				Facts: []w.SummaryItem{
					{Label: "VM size", Value: s.Pool.Size}, {Label: "Ready nodes of the cluster", Value: strconv.Itoa(s.Ready)},
					{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)},
				},
				Next: &w.NextStep{Title: "Look at the cluster", Why: "Its nodes as they are now.", Link: "/clusters/" + s.Cluster.ID},
			}
		},
	}.Erase()
}

func change(s *State) *operate.Change { return &s.Change }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	c, err := f.BeginChange(ctx, t)
	if err != nil {
		return nil, err
	}
	model, err := f.Model(ctx, &c)
	if err != nil {
		return nil, err
	}
	return &State{Change: c, Pool: w.NodePool{Count: defaultCount, Size: defaultSize}, Subnet: model.AgentSubnet}, nil
}

func (f flow) page() w.Page[State] {
	return w.Page[State]{
		ID: "pool", Title: "The new pool", Why: "A pool's name and size can't be changed later; its count can.",
		Fields: []w.Field[State]{
			{Name: "name", Label: "Name", Kind: w.FieldText, Help: "Small letters and digits, at most twelve, beginning with a letter. It is part of the nodes' names.", Placeholder: "bigpool"},
			{Name: "count", Label: "Nodes", Kind: w.FieldNumber, Default: func(*State) string { return strconv.Itoa(defaultCount) }},
			{Name: "size", Label: "VM size", Kind: w.FieldSelect, Default: func(*State) string { return defaultSize }, Options: f.sizes},
		},
		Bind: bind,
	}
}

func (f flow) sizes(ctx context.Context, s *State) ([]w.Option, error) {
	hub, err := f.OpenHub(ctx, s.Stack)
	if err != nil {
		return nil, err
	}
	all, err := hub.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b w.VMSize) int {
		if a.Cores != b.Cores {
			return a.Cores - b.Cores
		}
		return strings.Compare(a.Name, b.Name)
	})
	const leastCores = 2
	var out []w.Option
	for _, v := range all {
		if v.Cores >= leastCores && !strings.HasPrefix(v.Name, "Basic_") {
			out = append(out, w.Option{Value: v.Name, Label: v.Name, Note: fmt.Sprintf("%d cores, %d MiB", v.Cores, v.MemoryMB)})
		}
	}
	return out, nil
}

func bind(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Pool.Name, s.Pool.Size = a.Get("name"), a.Get("size")
	switch {
	case !aksengine.PoolName(s.Pool.Name):
		bad("name", "A pool's name has small letters and digits, at most twelve, and begins with a letter.")
	case slices.ContainsFunc(s.Cluster.Pools, func(p w.NodePool) bool { return p.Name == s.Pool.Name }):
		bad("name", "The cluster has a pool of this name already. Scale that one instead, or choose another name.")
	case s.Pool.Name == "master":
		bad("name", "The control plane has this name.")
	}
	n, err := strconv.Atoi(a.Get("count"))
	most := aksengine.MaxNodes - s.Cluster.Nodes()
	switch {
	case err != nil || n < 1:
		bad("count", "Give a whole number from 1.")
	case n > most:
		bad("count", fmt.Sprintf("At most %d more: a cluster on Azure Stack Hub has up to %d nodes.", max(most, 0), aksengine.MaxNodes))
	}
	s.Pool.Count = n
	if s.Pool.Size == "" {
		bad("size", "Choose a VM size.")
	}
	return errs
}

func (s *State) file() string { return s.Folder() + "/newpool.json" }

// add runs the command. Whether all its VMs came, the last step compares: the
// engine would not add the pool again.
func (f flow) add(ctx context.Context, s *State, log w.Log) error {
	return f.Stoppable(ctx, &s.Change, log, func() error {
		return f.Work(ctx, &s.Change, log, operate.Task{
			Before:  func(ctx context.Context, x *operate.World) (bool, error) { return f.write(ctx, s, x.Host, log) },
			Command: func(call aksengine.Deploy) aksengine.Command { return call.AddPool(operate.Home(s.file())) },
			Read: func(line string) {
				if doing := aksengine.ScaleDoing(line); doing != "" {
					log.Progress(-1, doing)
				}
			},
		})
	})
}

// write writes what the engine reads. A pool that is in the API model already
// was added before: the engine would refuse it.
func (f flow) write(ctx context.Context, s *State, host operate.Host, log w.Log) (needed bool, err error) {
	if err := f.Unmoved(ctx, &s.Change, func(w.Cluster) bool { return true }); err != nil {
		return false, err
	}
	_, model, err := f.FetchModel(ctx, &s.Ground, host, log)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(model.Pools, func(p w.NodePool) bool { return p.Name == s.Pool.Name }) {
		log.Info("The API model has the pool already.")
		return false, nil
	}
	doc, err := s.profile()
	if err != nil {
		return false, err
	}
	return true, operate.Upload(ctx, host, s.file(), doc)
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	doc, err := s.profile()
	if err != nil {
		return w.Plan{}, err
	}
	return w.Plan{
		Title:   fmt.Sprintf("Add the pool %s", s.Pool.Name),
		Summary: []w.SummaryItem{{Label: "Pool", Value: s.Pool.Name, Page: "pool"}, {Label: "Nodes", Value: fmt.Sprintf("%d × %s", s.Pool.Count, s.Pool.Size), Page: "pool"}},
		Changes: []w.Change{
			{Verb: "create", What: "Availability set of the pool " + s.Pool.Name},
			{Verb: "create", What: fmt.Sprintf("%s of the pool %s", operate.Plural(s.Pool.Count, "VM"), s.Pool.Name), Note: "with network interfaces and disks"},
		},
		Commands:   []w.Command{{Title: "On the helper VM", Text: s.Call().AddPool(operate.Home(s.file())).Display()}},
		Documents:  []w.Document{{Name: "newpool.json", MIME: "application/json", Body: string(doc)}},
		Duration:   "about 20 min on a real stamp",
		Disruption: "Nothing that runs is touched.",
	}, nil
}

func (f flow) checks() []w.Check[State] {
	return append(operate.Checks(f.Engine, change),
		w.Check[State]{ID: "quota", Title: "The quota is large enough", Why: "A pool that runs out of quota stops half-made.", Page: "pool", Severity: w.SeverityBlock, Waivable: true, Timeout: time.Minute,
			Run: func(ctx context.Context, s *State) w.Finding {
				return f.Room(ctx, &s.Change, s.Pool.Count, s.Pool.Size)
			}})
}
