package pipelines

import (
	"context"
	"fmt"
	"strings"
	"time"

	w "hubwright/workflows"
)

// label makes a name's text fit for names in Kubernetes and of hosts.
func label(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if out := strings.Trim(b.String(), "-"); out != "" {
		return out
	}
	return "site"
}

func lines(all []string) string { return strings.Join(all, "\n") }

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// reason is why the jobs run there.
func (s *State) reason() string {
	switch {
	case s.Where == WhereHosted:
		return "Microsoft's machines, because the Hub and the cluster's API are reachable from the Internet"
	case s.ARM != "yes":
		return s.place() + ", because the Hub cannot be managed from the Internet"
	case s.API != "yes":
		return s.place() + ", because the cluster's API cannot be reached from the Internet"
	}
	return s.place() + ", as chosen; Microsoft's machines could reach both"
}

func (s *State) place() string {
	if onPods(s) {
		return s.podsPlace()
	}
	if s.Where == WhereVM || s.Where == WhereHost || s.Where == WhereOwn {
		return "The agent " + s.Agent + " on " + s.machine()
	}
	return "Agents of the pool " + s.Pool
}

func (f flow) plan(_ context.Context, s *State) (w.Plan, error) {
	if s.removes() {
		return removalPlan(s), nil
	}
	p := w.Plan{
		Title: "Connect Azure Pipelines to " + s.SiteName, Duration: "about a minute", Disruption: "Nothing that runs on the cluster is touched.",
		Summary: []w.SummaryItem{
			{Label: "Organization", Value: s.Connection + ", " + s.Organization, Page: "organization"}, {Label: "Project", Value: s.Project, Page: "organization"},
			{Label: "Jobs run on", Value: s.reason(), Page: "agents"}, {Label: "Service connection", Value: s.Name, Page: "access"},
			{Label: "It logs in with", Value: "The cluster-admin kubeconfig: whoever may edit a pipeline owns the cluster", Page: "access"},
		},
		Changes: []w.Change{{Verb: "create", What: "Service connection " + s.Name, Note: "in " + s.Project + "; one that is there is renewed in place"}},
	}
	if s.usesAccount() {
		p.Summary[4].Value = fmt.Sprintf("The service account %s in %s, for %d days", s.Account, s.Namespace, s.Days)
		if err := f.planAccount(s, &p); err != nil {
			return p, err
		}
	}
	for _, project := range s.Share {
		p.Changes = append(p.Changes, w.Change{Verb: "change", What: "Project " + project, Note: "sees the service connection"})
	}
	if s.Grant {
		p.Changes = append(p.Changes, w.Change{Verb: "change", What: "All pipelines of " + s.Project, Note: "may use the service connection"})
	}
	if s.installs() {
		p.Duration = "about three minutes"
		if s.ownVM() {
			f.planVM(s, &p)
		}
		p.Changes = append(p.Changes, w.Change{Verb: "install", What: "Azure Pipelines agent " + s.Agent, Note: "on " + s.machine() + ", in the pool " + s.Pool + "; it only opens connections outwards, to port 443"})
		p.Commands = append(p.Commands, w.Command{Title: "For the agent, on " + s.machine(), Text: "./config.sh --unattended --url " + s.Organization + " --auth pat --token ******** --pool " + f.Quote(s.Pool) + " --agent " + s.Agent + " --acceptTeeEula --replace\nsudo ./svc.sh install && sudo ./svc.sh start"})
	}
	if onPods(s) {
		if err := f.planPods(s, &p); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (f flow) planAccount(s *State, p *w.Plan) error {
	const name = "hubwright-deployer"
	doc, err := f.DeployerRole(s.Namespace)
	if err != nil {
		return err
	}
	p.Documents = append(p.Documents, w.Document{Name: name + ".json", MIME: "application/json", Body: string(doc)})
	p.Changes = append([]w.Change{
		{Verb: "create", What: "Namespace " + s.Namespace, Note: "if it is not there"},
		{Verb: "create", What: "Service account " + s.Account, Note: "with the role deployer in this namespace alone"},
	}, p.Changes...)
	p.Commands = append(p.Commands, w.Command{Title: "For the account", Text: strings.Join([]string{
		"kubectl create namespace " + s.Namespace,
		"kubectl -n " + s.Namespace + " create serviceaccount " + s.Account,
		"kubectl apply -f " + name + ".json",
		fmt.Sprintf("kubectl -n %s create rolebinding %s-deployer --role=%s --serviceaccount=%s:%s", s.Namespace, s.Account, name, s.Namespace, s.Account),
		fmt.Sprintf("kubectl -n %s create token %s --duration=%dh", s.Namespace, s.Account, 24*s.Days),
	}, "\n")})
	return nil
}

func removalPlan(s *State) w.Plan {
	b := s.Before
	p := w.Plan{
		Title: "Take Azure Pipelines away from " + s.SiteName, Duration: "less than a minute",
		Disruption: "No pipeline uses it.", Removes: true,
		Summary: []w.SummaryItem{{Label: "Project", Value: b.Project, Page: "organization"}},
	}
	if b.Name != "" {
		p.Disruption = "Pipelines that use " + b.Name + " fail from then on. What they deployed stays."
		p.Summary = append(p.Summary, w.SummaryItem{Label: "Service connection", Value: b.Name, Page: "organization"})
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "Service connection " + b.Name, Note: "from " + strings.Join(append([]string{b.Project}, b.Shared...), ", ")})
	}
	if b.AgentPods.Namespace != "" {
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "Agents " + strings.Join(agentNames(b.Agent, b.AgentPods.Replicas), ", "), Note: "their pods and Secret in " + b.AgentPods.Namespace + ", and from the pool " + b.Pool + "; a job that runs comes to its end first, the namespace stays"})
	} else if b.Agent != "" {
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "Agent " + b.Agent, Note: "from the pool " + b.Pool + " and from its host"})
	}
	if v := b.AgentHost.VM; v != nil {
		p.Duration = "about five minutes"
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "VM " + v.Name, Note: withIt(*v)})
		if v.OwnGroup {
			p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "Resource group " + v.ResourceGroup, Note: "when nothing else is in it"})
		}
	}
	if b.Account != "" {
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "Service account " + b.Account, Note: "in " + b.Namespace + "; the namespace stays"})
	}
	return p
}

func (f flow) result(s *State) w.Result {
	if s.removes() {
		return w.Result{Headline: "Azure Pipelines has no way to " + s.SiteName + " any more."}
	}
	r := w.Result{Headline: "Pipelines of " + s.Project + " can deploy to " + s.SiteName + "."}
	if len(s.Found.Did) == 0 {
		r.Headline = "Everything was as it should be: nothing was changed."
	}
	r.Facts = []w.SummaryItem{{Label: "Service connection", Value: s.Name}, {Label: "Jobs run on", Value: s.reason()}}
	if !s.Found.Expires.IsZero() {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Its token ends", Value: day(s.Found.Expires) + ". Run this again before: the same connection gets a new one."})
	}
	if s.Found.Version != "" {
		name := s.Agent
		if onPods(s) {
			name = strings.Join(agentNames(s.Agent, s.Pods.Replicas), ", ")
		}
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Agent", Value: name + " " + s.Found.Version + ", online in " + s.Pool})
	}
	if len(s.Found.Did) > 0 {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Changed", Value: strings.Join(s.Found.Did, "; ")})
	}
	return r
}
