package stacktest

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// stage is one thing that must be right before the next makes sense.
type stage struct {
	id, title, why string
	severity       w.Severity
	look           func(ctx context.Context, t tester, v view) (w.Finding, error)
}

// view is the Stack with its Hub, which is nil when it could not be opened.
type view struct {
	stack   w.Stack
	engine  string
	hub     Hub
	openErr error
}

// chain is the order in which things depend on each other: what is behind
// cannot be known while something before fails.
func chain() []stage {
	return []stage{
		{"name", "The name resolves", "Every request goes to the ARM endpoint by name, from this server and from the helper VM.", w.SeverityBlock, lookName},
		{"tls", "TLS is trusted", "Most Hubs have a certificate of their own authority. Without its root nothing can be asked, and nodes could not ask either.", w.SeverityBlock, lookTLS},
		{"metadata", "The Hub is who the record says", "Identity system and tenant decide how AKS Engine logs in; a mix-up fails late and unclear.", w.SeverityBlock, lookMetadata},
		{"login", "The service principal can log in", "AKS Engine and the cluster itself use this principal. Its secret ends after a year unless another time was chosen.", w.SeverityBlock, lookLogin},
		{"subscription", "The subscription is visible", "The principal must see the subscription in which the cluster is made.", w.SeverityBlock, lookSubscription},
	}
}

// rest need all of the chain, but not each other.
func rest() []stage {
	return []stage{
		{"contributor", "The principal is a Contributor", "It makes VMs, networks, disks and load balancers, today and whenever the cluster needs one.", w.SeverityBlock, lookRole},
		{"providers", "The resource providers are registered", "A subscription may use only what was registered for it.", w.SeverityBlock, lookProviders},
		{"image", "The AKS base image is in the marketplace", "AKS Engine takes exactly one version of its image. The Hub's operator must have downloaded that one.", w.SeverityBlock, lookImage},
		{"extension", "The CustomScript extension is in the marketplace", "Each node sets itself up with it.", w.SeverityBlock, lookExtension},
		{"quota", "The quota has room for a cluster", "Three and three nodes, and one more VM during upgrades.", w.SeverityWarn, lookQuota},
	}
}

func (t tester) checks() []w.Check[State] {
	var out []w.Check[State]
	before := chain()
	for i, st := range before {
		out = append(out, t.check(st, before[:i]))
	}
	for _, st := range rest() {
		out = append(out, t.check(st, before))
	}
	return out
}

func (t tester) check(st stage, before []stage) w.Check[State] {
	return w.Check[State]{
		ID: st.id, Title: st.title, Why: st.why, Severity: st.severity, Timeout: 45 * time.Second,
		Run: func(ctx context.Context, s *State) w.Finding { return t.run(ctx, s, st, before) },
	}
}

// run looks at one stage. Only when it fails the stages before it are looked
// at, to say which of them is the cause: then this one is skipped, so that
// one failure is told once.
func (t tester) run(ctx context.Context, s *State, st stage, before []stage) w.Finding {
	stack, err := t.Records.Stack(ctx, s.StackID)
	if err != nil {
		return failed(err)
	}
	v := view{stack: stack, engine: s.Engine}
	v.hub, v.openErr = t.OpenHub(ctx, stack)
	f, err := look(ctx, t, st, v)
	if err == nil {
		return f
	}
	for _, b := range before {
		if bf, berr := look(ctx, t, b, v); berr != nil || bf.Status == w.CheckFailed {
			return w.Skip(fmt.Sprintf("Cannot be known yet: %q does not pass.", b.title))
		}
	}
	return failed(err)
}

// look is a stage's finding, or an error when there is nothing to find.
func look(ctx context.Context, t tester, st stage, v view) (w.Finding, error) {
	// The record's own identity needs no Hub; all else does.
	if v.hub == nil && st.id != "metadata" {
		return w.Finding{}, v.openErr
	}
	return st.look(ctx, t, v)
}

func failed(err error) w.Finding { return problem.Finding(err) }
