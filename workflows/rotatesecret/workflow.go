// Package rotatesecret is the workflow "Rotate the service principal's
// secret": a new secret or certificate is tried, then replaces the old one
// with Hubwright, in the API model and on the nodes.
package rotatesecret

import (
	"context"
	"fmt"
	"strings"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "rotate-secret"

// Where the new secret comes from.
const (
	FromNew   = "new"   // it is given here
	FromStack = "stack" // the Stack has it already
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	operate.Shells

	From string
	New  w.SecretRef // the secret, or PEM of certificate and key; "" with FromStack

	Nodes   []string // that have it
	Skipped bool     // the API model holds no secret: neither do the nodes
}

// Needs is what the workflow needs of the world.
type Needs struct {
	Engine operate.Needs
	// SaveStack replaces a Stack of that version, or returns ErrStale.
	SaveStack func(ctx context.Context, s *w.Stack) error
}

type flow struct {
	operate.Engine
	saveStack func(ctx context.Context, s *w.Stack) error
}

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{operate.New(n.Engine), n.SaveStack}
	return w.Workflow[State]{
		ID:    ID,
		Title: "Rotate the service principal's secret",
		Why:   "When it ends, the cluster can make no disks and no load balancers any more, and no change works.",
		Scope: w.ScopeSite,
		Begin: func(ctx context.Context, t w.Target) (*State, error) {
			c, err := f.BeginChange(ctx, t)
			return &State{Change: c, From: FromNew}, err
		},
		Pages:  []w.Page[State]{secretPage(), f.nodesPage()},
		Checks: f.checks(),
		Plan:   plan,
		Steps: []w.Step[State]{
			{ID: "try", Title: "Try the new one", Why: "Nothing is replaced by what does not work.", Weight: 2, Timeout: 2 * time.Minute, Run: f.try},
			{ID: "model", Title: "Put it into the API model", Why: "Nodes that are made from now on get it from there.", Weight: 3, Timeout: 5 * time.Minute, Run: f.model},
			{ID: "stack", Title: "Put it into the Stack's settings", Why: "Hubwright itself logs in with it.", Weight: 1, Timeout: time.Minute, When: func(s *State) bool { return s.From == FromNew }, Run: f.stack},
			{ID: "nodes", Title: "Bring it to the nodes", Why: "Kubelet and the cloud controller manager read it once, when they start: both are restarted.", Weight: 10, Timeout: 30 * time.Minute, When: reaches, Run: f.nodes},
			{ID: "verify", Title: "Look whether all is well", Why: "The Hub must take it, and every node must be Ready.", Weight: 4, Timeout: 10 * time.Minute, Run: f.verify},
		},
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}.Erase()
}

func change(s *State) *operate.Change                    { return &s.Change }
func shells(s *State) (*operate.Change, *operate.Shells) { return &s.Change, &s.Shells }

// reaches says that the nodes are reached over SSH. A certificate comes to
// them with their set-up only.
func reaches(s *State) bool { return !s.certificate() }

func (s *State) certificate() bool { return s.Stack.Credential.Method == w.AuthCertificate }

func (f flow) nodesPage() w.Page[State] {
	p := operate.ShellsPage(shells)
	p.When = reaches
	return p
}

func secretPage() w.Page[State] {
	given := func(s *State) bool { return s.From == FromNew }
	return w.Page[State]{
		ID: "secret", Title: "The new secret", Why: "Make it in the identity system first, beside the old one: both are valid while it is rotated.",
		Fields: []w.Field[State]{
			{
				Name: "from", Label: "Where it comes from", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string { return s.From },
				Options: func(context.Context, *State) ([]w.Option, error) {
					return []w.Option{
						{Value: FromNew, Label: "It is given here", Note: "It replaces the one in the Stack's settings."},
						{Value: FromStack, Label: "The Stack's settings have it already", Note: "For a second cluster on the same Stack: it is brought there only."},
					}, nil
				},
			},
			{Name: "secret", Label: "New client secret", Kind: w.FieldSecret, When: func(s *State) bool { return given(s) && !s.certificate() }, Help: "The secret's value, not its id. It is sealed as soon as it arrives."},
			{Name: "certificate", Label: "New certificate with its private key", Kind: w.FieldSecretArea, When: func(s *State) bool { return given(s) && s.certificate() }, Help: "PEM, both together, the key without a passphrase. It is sealed as soon as it arrives."},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.From, s.New = a.Get("from"), ""
			field, words := "secret", "Give the new client secret."
			if s.certificate() {
				field, words = "certificate", "Give the new certificate and its private key."
			}
			switch s.From {
			case FromStack:
				return nil
			case FromNew:
				if s.New = w.SecretRef(a.Get(field)); s.New == "" {
					return []w.FieldError{{Field: field, Message: words}}
				}
				return nil
			}
			return []w.FieldError{{Field: "from", Message: "Choose one of the two."}}
		},
	}
}

func (s *State) what() string {
	if s.certificate() {
		return "certificate"
	}
	return "secret"
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	p := w.Plan{
		Title: fmt.Sprintf("Rotate the service principal's %s for %s", s.what(), s.Cluster.Name),
		Summary: []w.SummaryItem{
			{Label: "Service principal", Value: s.Stack.Credential.ClientID}, {Label: "New " + s.what(), Value: map[string]string{FromNew: "given here", FromStack: "from the Stack's settings"}[s.From], Page: "secret"},
		},
		Changes:  []w.Change{{Verb: "change", What: "The API model, in custody and on the helper VM"}},
		Duration: "about a minute a node", Disruption: "None for what runs. While a node's kubelet restarts, for some seconds, no pod starts there.",
	}
	if s.From == FromNew {
		p.Changes = append(p.Changes, w.Change{Verb: "change", What: "The settings of the Stack " + s.Stack.Name, Note: "other clusters on it need this workflow, too"})
	}
	if reaches(s) {
		p.Summary = append(p.Summary, w.SummaryItem{Label: "SSH host", Value: s.SSHHost, Page: "ssh"})
		p.Changes = append(p.Changes, w.Change{Verb: "change", What: "azure.json on " + operate.Plural(s.Cluster.Nodes(), "node"), Note: "kubelet and cloud controller manager restart, one node after the other"})
		p.Commands = []w.Command{{Title: "On each node, after the file was replaced", Text: restartScript}}
	} else {
		p.Changes = append(p.Changes, w.Change{Verb: "none", What: "The nodes", Note: "they get the certificate when they are made anew: renew their OS image afterwards"})
		p.Disruption = "None."
	}
	return p, nil
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: fmt.Sprintf("%s works with the new %s.", s.Cluster.Name, s.what()),
		Facts: []w.SummaryItem{
			{Label: "Nodes that have it", Value: fmt.Sprint(len(s.Nodes))}, {Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)},
			{Label: "The old " + s.what(), Value: "Delete it in the identity system when all clusters of this Stack have the new one."},
		},
		Next: &w.NextStep{Title: "Look at the cluster", Why: "Nodes and components as they are now.", Link: "/clusters/" + s.Cluster.ID},
	}
	if s.certificate() {
		r.Headline = "The new certificate is with Hubwright. The nodes still have the old one."
		r.Facts[0] = w.SummaryItem{Label: "Nodes", Value: "They still work with the old certificate. Renew their OS image before it ends: they are made anew with the new one."}
	}
	if s.Skipped {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "API model", Value: "It holds no secret of its own; nothing had to change in it."})
	}
	return r
}

// oneLine is a command's output in a sentence.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
