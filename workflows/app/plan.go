package app

import (
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// plan pins each chart's digest: the run takes nothing else.
func (f flow) plan(ctx context.Context, s *State) (w.Plan, error) {
	p := w.Plan{
		Title: "Deploy the application on " + s.SiteName, Duration: "about 5 min",
		Disruption: "Pods that the charts change are replaced one by one. Nothing else on the cluster is touched.",
		Summary:    s.summary(),
	}
	k, err := f.open(ctx, s)
	if err != nil {
		return p, err
	}
	defer k.Close()
	if err := f.planDefinitions(ctx, s, k, &p); err != nil {
		return p, err
	}
	if s.ownCertificate() {
		p.Changes = append(p.Changes, w.Change{Verb: "install", What: "Secret " + s.App.TLSSecret + " in namespace " + s.App.Namespace, Note: "a certificate for " + s.App.Host + " that signs itself; one that fits stays"})
	}
	for _, part := range s.parts() {
		c, err := f.chart(ctx, s, part.source)
		if err != nil {
			return p, err
		}
		s.pin(part.role, c.Digest)
		p.Summary = append(p.Summary, w.SummaryItem{Label: "Chart of the " + part.title(), Value: fmt.Sprintf("%s %s, SHA-256 %s", c.Name, c.Version, c.Digest)})
		if err := f.CheckValues(c, part.values); err != nil {
			return p, err
		}
		diff, changed, err := k.Compare(ctx, part.spec(c))
		if err != nil {
			// What another chart of this plan brings cannot be compared yet.
			diff, changed = "It cannot be compared before what comes above is there: "+err.Error(), -1
		}
		p.Changes = append(p.Changes, changeOf(part, c, changed))
		p.Documents = append(p.Documents, w.Document{Name: part.name + ".diff", MIME: "text/plain", Body: orNone(diff)}, w.Document{Name: part.name + "-values.yaml", MIME: "text/plain", Body: f.Hide(part.values)})
		p.Commands = append(p.Commands, w.Command{Title: "The " + part.title(), Text: part.command()})
	}
	exposing := "ingresses"
	if s.gateway() {
		exposing = "gateways,httproutes"
	}
	p.Commands = append(p.Commands, w.Command{Title: "How it is", Text: "kubectl -n " + s.App.Namespace + " get pods,deployments,statefulsets,services," + exposing})
	return p, nil
}

// planDefinitions pins the definitions of the Gateway API where the cluster
// lacks them.
func (f flow) planDefinitions(ctx context.Context, s *State, k Kube, p *w.Plan) error {
	if !s.gateway() {
		return nil
	}
	have, err := k.GatewayDefinitions(ctx)
	if err != nil {
		return err
	}
	if len(have.Missing) == 0 || !s.installsDefinitions() {
		p.Changes = append(p.Changes, w.Change{Verb: "none", What: "Definitions of the Gateway API", Note: "stay as they are: " + release(have)})
		return nil
	}
	file, err := f.definitions(ctx, s)
	if err != nil {
		return err
	}
	s.Ingress.Definitions.Digest = file.Digest
	p.Summary = append(p.Summary, w.SummaryItem{Label: "Definitions of the Gateway API", Value: release(file) + ", SHA-256 " + file.Digest})
	p.Changes = append(p.Changes, w.Change{Verb: "install", What: "Definitions of the Gateway API: " + release(file), Note: strings.Join(file.Kinds, ", ")})
	p.Commands = append(p.Commands, w.Command{Title: "The definitions of the Gateway API", Text: s.definitionsCommand()})
	return nil
}

func orNone(diff string) string {
	if diff == "" {
		return "Nothing changes.\n"
	}
	return diff
}

func changeOf(p part, c w.Chart, changed int) w.Change {
	out := w.Change{Verb: "install", What: fmt.Sprintf("Release %s in namespace %s: chart %s %s", p.name, p.namespace, c.Name, c.Version)}
	switch changed {
	case -1:
	case 0:
		out.Verb, out.Note = "none", "nothing changes"
	case 1:
		out.Note = "1 object changes"
	default:
		out.Note = fmt.Sprintf("%d objects change", changed)
	}
	return out
}

func (s *State) pin(role w.ReleaseRole, digest string) {
	switch role {
	case w.ReleaseStorage:
		s.Storage.Source.Digest = digest
	case w.ReleaseIngress:
		s.Ingress.Source.Digest = digest
	case w.ReleaseApp:
		s.App.Source.Digest = digest
	}
}

func (s *State) summary() []w.SummaryItem {
	out := []w.SummaryItem{
		{Label: "Cluster", Value: s.Cluster.Name + ", Kubernetes " + s.Cluster.Version},
		{Label: "Ingress controller", Value: s.ingressWords(), Page: "ingress"},
		{Label: "Disk driver", Value: s.driverWords(), Page: "storage"},
		{Label: "Application", Value: s.App.Name + " in namespace " + s.App.Namespace, Page: "app"},
		{Label: "Host", Value: orAny(s.App.Host), Page: "app"},
	}
	out = append(out, w.SummaryItem{Label: "TLS", Value: map[string]string{TLSNone: "None", TLSSelf: "A certificate that signs itself", TLSSecret: "Secret " + s.App.TLSSecret}[s.App.TLS], Page: "app"})
	if s.ratings() {
		out = append(out, w.SummaryItem{Label: "Size", Value: fmt.Sprintf("%d web replicas, %s of %d GiB on %s", s.App.Web, members(s.App.Database), s.Storage.Size, s.Storage.Class), Page: "app"})
	}
	return out
}

func members(n int) string {
	if n == 1 {
		return "one database"
	}
	return fmt.Sprintf("a replica set of %d", n)
}

func orAny(host string) string {
	if host == "" {
		return "Any"
	}
	return host
}

func (s *State) ingressWords() string {
	switch s.Ingress.Kind {
	case IngressGateway:
		return "NGINX Gateway Fabric, Gateway class " + s.Ingress.Class
	case IngressGatewayExisting:
		return "The cluster's own, Gateway class " + s.Ingress.Class
	case IngressExisting:
		return "The cluster's own, class " + s.Ingress.Class
	case IngressCommunity:
		return "ingress-nginx (retired), class " + s.Ingress.Class
	}
	return "NGINX of F5, class " + s.Ingress.Class
}

func (s *State) driverWords() string {
	if !s.Storage.Install {
		return "Stays as it is"
	}
	return "Azure Disk CSI, installed where it is missing"
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: fmt.Sprintf("%s answers on %s with %d.", s.App.Name, s.SiteName, s.Found.Status),
		Facts: []w.SummaryItem{
			{Label: "External address", Value: strings.TrimSpace(s.Found.Address + " " + s.Found.DNSName)},
			{Label: "Answer through the ingress", Value: fmt.Sprintf("%d in %d ms%s", s.Found.Status, s.Found.Millis, by(s.Found.Served))},
		},
		Next: &w.NextStep{Title: "Autoscale", Why: "Let the number of replicas follow the load.", WorkflowID: "autoscale"},
	}
	if g := s.Found.Gateway; s.gateway() {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Gateway " + g.Name, Value: "class " + g.Class + ", set up by " + s.Found.Controller})
		for _, l := range g.Listeners {
			r.Facts = append(r.Facts, w.SummaryItem{Label: "Listener " + l.Name, Value: listenerWords(l)})
		}
	}
	for _, p := range []Placed{s.Found.Driver, s.Found.Ingress, s.Found.App} {
		if p.Name != "" {
			r.Facts = append(r.Facts, w.SummaryItem{Label: "Release " + p.Name, Value: fmt.Sprintf("%s %s, revision %d%s", p.Chart, p.Version, p.Revision, unchanged(p))})
		}
	}
	for _, x := range s.Found.Works {
		r.Facts = append(r.Facts, w.SummaryItem{Label: x.Kind + " " + x.Name, Value: fmt.Sprintf("%d of %d ready", x.Ready, x.Want)})
	}
	for _, e := range s.Found.Exposed {
		value := fmt.Sprintf("%s, ports %s, %d endpoints", e.Type, e.Ports, e.Endpoints)
		if e.External != "" {
			value += ", external " + e.External
		}
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Service " + e.Name, Value: value})
	}
	return r
}

func by(server string) string {
	if server == "" {
		return ""
	}
	return ", answered by " + server
}

func unchanged(p Placed) string {
	if p.Changed {
		return ""
	}
	return ", nothing to change"
}
