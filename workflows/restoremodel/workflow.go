// Package restoremodel is the workflow "Restore the API model": a version in
// custody is put on the helper VM, which may be a new one.
package restoremodel

import (
	"context"
	"fmt"
	"strconv"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "restore-model"

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change

	Versions []Version // in custody, the newest first
	Version  int       // to be put back
	MovedTo  string    // where the helper VM's own file went, "" when there was none
}

// Version is a version in custody.
type Version struct {
	Number int
	At     time.Time
	SHA256 string
}

type flow struct{ operate.Engine }

// New makes the workflow.
func New(n operate.Needs) w.Definition {
	f := flow{operate.New(n)}
	return w.Workflow[State]{
		ID:     ID,
		Title:  "Restore the API model",
		Why:    "AKS Engine can change the cluster only with its own API model. Hubwright keeps every version, also when the helper VM is lost.",
		Scope:  w.ScopeSite,
		Begin:  f.begin,
		Pages:  []w.Page[State]{page()},
		Checks: operate.RestoreChecks(f.Engine, change, func(s *State) int { return s.Version }),
		Plan:   plan,
		Steps: []w.Step[State]{
			{ID: "restore", Title: "Put the version on the helper VM", Why: "What lies there is kept beside it.", Weight: 5, Timeout: 5 * time.Minute, Run: f.restore},
			{ID: "custody", Title: "Make it the newest in custody", Why: "The next change starts from the newest.", Weight: 2, Timeout: 5 * time.Minute, Run: f.custody},
		},
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}.Erase()
}

func change(s *State) *operate.Change { return &s.Change }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	c, err := f.BeginChange(ctx, t)
	if err != nil {
		return nil, err
	}
	kept, err := f.Records.APIModels(ctx, c.Cluster.ID)
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, &w.Problem{Code: "cluster.modellost", What: "There is no API model in custody", Why: "The deploy run has not fetched it.", Fix: "Retry the deploy run of this cluster: it fetches what is missing."}
	}
	s := &State{Change: c, Version: kept[0].Version}
	for _, m := range kept {
		s.Versions = append(s.Versions, Version{m.Version, m.At, m.SHA256})
	}
	return s, nil
}

func page() w.Page[State] {
	return w.Page[State]{
		ID: "version", Title: "Which version", Why: "Usually the newest: it describes the cluster as it is.",
		Fields: []w.Field[State]{{
			Name: "model", Label: "Version in custody", Kind: w.FieldSelect, Default: func(s *State) string { return strconv.Itoa(s.Version) },
			Help: "An older version describes an older cluster. Take it only when the newest is known to be wrong; compare them on the cluster's page first.",
			Options: func(_ context.Context, s *State) ([]w.Option, error) {
				var out []w.Option
				for i, v := range s.Versions {
					label := fmt.Sprintf("Version %d, kept %s", v.Number, v.At.UTC().Format("2 Jan 2006, 15:04 UTC"))
					if i == 0 {
						label += " (newest)"
					}
					out = append(out, w.Option{Value: strconv.Itoa(v.Number), Label: label})
				}
				return out, nil
			},
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			n, err := strconv.Atoi(a.Get("model"))
			for _, v := range s.Versions {
				if err == nil && v.Number == n {
					s.Version = n
					return nil
				}
			}
			return []w.FieldError{{Field: "model", Message: "Choose a version that is in custody."}}
		},
	}
}

func (f flow) restore(ctx context.Context, s *State, log w.Log) error {
	moved, err := f.Restore(ctx, &s.Change, s.Version, log)
	if moved != "" {
		s.MovedTo = moved
	}
	return err
}

// custody keeps an older version once more, as the newest, and writes the
// cluster's record from it.
func (f flow) custody(ctx context.Context, s *State, log w.Log) error {
	return f.Keep(ctx, &s.Change, log)
}

func (s *State) older() bool { return s.Version != s.Versions[0].Number }

func plan(_ context.Context, s *State) (w.Plan, error) {
	p := w.Plan{
		Title: fmt.Sprintf("Restore version %d of the API model of %s", s.Version, s.Cluster.Name),
		Summary: []w.SummaryItem{
			{Label: "Version", Value: strconv.Itoa(s.Version), Page: "version"}, {Label: "Helper VM", Value: s.Helper.Address},
		},
		Changes: []w.Change{
			{Verb: "create", What: "~/" + s.OutputModel() + " on the helper VM", Note: "another file that lies there is kept beside it"},
			{Verb: "none", What: "The cluster itself"},
		},
		Duration: "under a minute", Disruption: "None.",
	}
	if s.older() {
		p.Changes = append(p.Changes, w.Change{Verb: "change", What: "The newest version in custody, and the cluster's record", Note: fmt.Sprintf("version %d once more: the next change starts from it", s.Version)})
	}
	return p, nil
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: fmt.Sprintf("Version %d of the API model is on the helper VM.", s.Version),
		Facts:    []w.SummaryItem{{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)}},
		Next:     &w.NextStep{Title: "Check for drift", Why: "See whether Hub and cluster are as this version says.", WorkflowID: "drift-check"},
	}
	if s.MovedTo != "" {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "What lay there before", Value: "~/" + s.MovedTo})
	}
	return r
}
