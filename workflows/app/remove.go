package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	w "hubwright/workflows"
)

// RemoveID is the id of the workflow that takes the application away.
const RemoveID = "app-remove"

// Removal is what that workflow knows.
type Removal struct {
	SiteID, SiteName string
	Releases         []w.Release // of the application and its ingress controller
	Driver           bool        // a run of ours put the disk driver on the cluster
	Ingress          bool        // the controller goes too

	Removed []string // releases
	Scalers []string // autoscalers
}

// NewRemoval makes the workflow that undoes what New's did. The disk driver
// stays: other applications may have disks.
func NewRemoval(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[Removal]{
		ID: RemoveID, Title: "Remove the application", Why: "Its Helm releases go; its disks and the Secret that opens them stay.",
		Scope: w.ScopeSite, Begin: f.beginRemoval, Pages: removalPages(), Checks: f.removalChecks(), Plan: removalPlan, Steps: f.removalSteps(),
		LockKey: func(s *Removal) string { return "site:" + s.SiteID },
		Result: func(s *Removal) w.Result {
			r := w.Result{Headline: "The application is removed from " + s.SiteName + "."}
			for _, name := range s.Removed {
				r.Facts = append(r.Facts, w.SummaryItem{Label: "Release " + name, Value: "removed"})
			}
			for _, name := range s.Scalers {
				r.Facts = append(r.Facts, w.SummaryItem{Label: "Autoscaler " + name, Value: "removed"})
			}
			var stays []string
			for _, c := range s.staying() {
				stays = append(stays, c.What)
			}
			r.Facts = append(r.Facts, w.SummaryItem{Label: "What stays", Value: strings.Join(stays, "; ")})
			return r
		},
	}.Erase()
}

func (f flow) beginRemoval(ctx context.Context, t w.Target) (*Removal, error) {
	site, err := f.Records.Site(ctx, t.SiteID)
	if err != nil {
		return nil, err
	}
	s := &Removal{SiteID: site.ID, SiteName: site.Name}
	all, err := f.Records.Releases(ctx, site.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Role == w.ReleaseApp || r.Role == w.ReleaseIngress {
			s.Releases = append(s.Releases, r)
		}
		s.Driver = s.Driver || r.Role == w.ReleaseStorage
	}
	if len(s.Releases) == 0 {
		return nil, &w.Problem{Code: "app.none", What: "There is no application on " + site.Name, Why: "none was deployed by Hubwright, or it was removed", Fix: "Deploy it first: it is step 7 of the guide."}
	}
	return s, nil
}

func removalPages() []w.Page[Removal] {
	return []w.Page[Removal]{{
		ID: "what", Title: "What goes", Why: "The public address goes back to the Hub with what holds it.",
		Fields: []w.Field[Removal]{{Name: "ingress", Label: "Ingress controller", Kind: w.FieldRadio, Default: func(*Removal) string { return "no" }, Options: func(_ context.Context, s *Removal) ([]w.Option, error) {
			stays, goes := "Other applications may need it, and the next one gets the same address.", "The public address is given back."
			if s.byGateway() {
				stays, goes = "Other applications may need it. This one's Gateway goes, and its public address with it.", "No Gateway of its class works any more. Definitions of the Gateway API stay."
			}
			return []w.Option{{Value: "no", Label: "It stays", Note: stays}, {Value: "yes", Label: "It goes too", Note: goes}}, nil
		}}},
		Bind: func(a w.Answers, s *Removal) []w.FieldError { s.Ingress = a.Get("ingress") == "yes"; return nil },
	}}
}

// byGateway says whether the only controller is one of the Gateway API.
func (s *Removal) byGateway() bool {
	gateway, ingress := false, false
	for _, r := range s.Releases {
		gateway = gateway || r.Role == w.ReleaseIngress && r.Name == gatewayRelease
		ingress = ingress || r.Role == w.ReleaseIngress && r.Name != gatewayRelease
	}
	return gateway && !ingress
}

// going are the releases to remove, the application first.
func (s *Removal) going() []w.Release {
	var out []w.Release
	for _, role := range []w.ReleaseRole{w.ReleaseApp, w.ReleaseIngress} {
		for _, r := range s.Releases {
			if r.Role == role && (role == w.ReleaseApp || s.Ingress) {
				out = append(out, r)
			}
		}
	}
	return out
}

func (f flow) removalChecks() []w.Check[Removal] {
	return []w.Check[Removal]{{ID: "cluster", Title: "The cluster is reachable", Why: "Helm takes its objects away through the API server.", Severity: w.SeverityBlock, Timeout: patience, Run: func(ctx context.Context, s *Removal) w.Finding {
		return f.checkCluster(ctx, &State{SiteID: s.SiteID})
	}}}
}

func removalPlan(_ context.Context, s *Removal) (w.Plan, error) {
	p := w.Plan{
		Title: "Remove the application from " + s.SiteName, Duration: "about 2 min",
		Disruption: "The application stops answering on this Site. Take the Site out of rotation first.",
		Summary:    []w.SummaryItem{{Label: "Site", Value: s.SiteName}},
	}
	for _, r := range s.going() {
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: fmt.Sprintf("Release %s in namespace %s", r.Name, r.Namespace), Note: r.Chart + " " + r.ChartVersion})
		p.Commands = append(p.Commands, w.Command{Title: "Release " + r.Name, Text: "helm uninstall " + r.Name + " --namespace " + r.Namespace + " --wait"})
	}
	for _, namespace := range s.emptied() {
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "The autoscalers in namespace " + namespace + " that Hubwright set", Note: "they would have nothing to scale"},
			w.Change{Verb: "delete", What: "The certificates in namespace " + namespace + " that Hubwright made", Note: "where it made any"})
	}
	p.Changes = append(p.Changes, s.staying()...)
	return p, nil
}

// emptied are the namespaces from which an application goes.
func (s *Removal) emptied() []string {
	var out []string
	for _, r := range s.going() {
		if r.Role == w.ReleaseApp {
			out = append(out, r.Namespace)
		}
	}
	return out
}

// staying is what the removal leaves on the cluster.
func (s *Removal) staying() []w.Change {
	var out []w.Change
	spaces := map[string]bool{}
	for _, r := range s.Releases {
		if !spaces[r.Namespace] {
			spaces[r.Namespace] = true
			out = append(out, w.Change{Verb: "none", What: "Namespace " + r.Namespace, Note: "stays: Helm does not take away what others may use"})
		}
		if r.Role == w.ReleaseIngress && !s.Ingress {
			note := "stays with its external address"
			if r.Name == gatewayRelease {
				note = "stays; the external address goes with the application's Gateway"
			}
			out = append(out, w.Change{Verb: "none", What: "Release " + r.Name + " in namespace " + r.Namespace, Note: note})
		}
	}
	if s.Ingress {
		out = append(out, w.Change{Verb: "none", What: "Definitions (CRDs) of the ingress controller", Note: "stay: Helm never takes definitions away"})
	}
	if s.Driver {
		out = append(out, w.Change{Verb: "none", What: "The disk driver", Note: "stays: others may have disks"})
	}
	return append(out, w.Change{Verb: "none", What: "Disks, and the Secret with the database's passwords", Note: "stay, so that the application can come back with its data"})
}

// Left is what a removal that did not succeed has not taken away.
func (s *Removal) Left() w.Left {
	var l w.Left
	for _, r := range s.going() {
		value := "still there, perhaps in part: a retry goes on"
		if slices.Contains(s.Removed, r.Name) {
			value = "removed"
		}
		l.Items = append(l.Items, w.SummaryItem{Label: "Release " + r.Name, Value: value})
	}
	return l
}

func (f flow) removalSteps() []w.Step[Removal] {
	return []w.Step[Removal]{
		{ID: "remove", Title: "Remove the releases", Why: "Helm knows which objects are theirs.", Run: f.remove},
		{ID: "forget", Title: "Forget where it answered", Why: "Nothing should be sent there any more.", Run: func(ctx context.Context, s *Removal, log w.Log) error {
			if err := f.Records.DeleteEndpoint(ctx, s.SiteID); err != nil && !errors.Is(err, w.ErrNotFound) {
				return err
			}
			log.Good("The Site has no endpoint any more")
			return nil
		}},
	}
}

func (f flow) remove(ctx context.Context, s *Removal, log w.Log) error {
	return f.with(ctx, &State{SiteID: s.SiteID}, func(k Kube) error {
		s.Removed = nil
		for _, r := range s.going() {
			if r.Role == w.ReleaseApp {
				if err := f.removeScalers(ctx, s, k, r.Namespace, log); err != nil {
					return err
				}
			}
			log.Command("helm uninstall " + r.Name + " --namespace " + r.Namespace + " --wait")
			if err := k.Uninstall(ctx, r.Namespace, r.Name, log); err != nil {
				return err
			}
			if err := f.Records.DeleteRelease(ctx, s.SiteID, r.Namespace, r.Name); err != nil {
				return err
			}
			s.Removed = append(s.Removed, r.Name)
			if r.Role != w.ReleaseApp {
				continue
			}
			gone, err := k.DeleteCertificates(ctx, r.Namespace)
			if err != nil {
				return err
			}
			for _, name := range gone {
				log.Good("Secret %s/%s is gone", r.Namespace, name)
			}
		}
		return nil
	})
}

// removeScalers takes away the autoscalers that runs of ours have set: Helm
// does not know of them.
func (f flow) removeScalers(ctx context.Context, s *Removal, k Kube, namespace string, log w.Log) error {
	all, err := k.Autoscalers(ctx, namespace)
	if err != nil {
		return err
	}
	for _, a := range all {
		if !a.Ours {
			continue
		}
		if err := k.DeleteAutoscaler(ctx, namespace, a.Name); err != nil {
			return err
		}
		log.Good("Autoscaler %s/%s is gone", namespace, a.Name)
		s.Scalers = append(s.Scalers, namespace+"/"+a.Name)
	}
	return nil
}
