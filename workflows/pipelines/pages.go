package pipelines

import (
	"context"
	"regexp"
	"slices"

	w "hubwright/workflows"
)

const mostDays = 365

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$`)
	agentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	proxyForm = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
)

func (f flow) pages() []w.Page[State] {
	setUp := func(s *State) bool { return s.setsUp() }
	return []w.Page[State]{
		f.organizationPage(),
		{ID: "reach", Title: "What the Internet reaches", Why: "Azure DevOps itself never calls the cluster: an agent does. Two questions say which agents can.", When: setUp, Fields: reachFields(), Bind: bindReach},
		{ID: "agents", Title: "Who runs the jobs", Why: "The agent has to reach the Hub and the cluster's API.", When: setUp, Fields: f.agentFields(), Bind: bindAgents},
		f.hostPage(),
		f.vmPage(),
		f.podsPage(),
		{ID: "access", Title: "Access to the cluster", Why: "A service connection keeps the credential with which jobs deploy.", When: setUp, Fields: accessFields(), Bind: bindAccess},
	}
}

func fixed(o ...w.Option) func(context.Context, *State) ([]w.Option, error) {
	return func(context.Context, *State) ([]w.Option, error) { return o, nil }
}

func (f flow) organizationPage() w.Page[State] {
	setUp := func(s *State) bool { return s.setsUp() }
	return w.Page[State]{
		ID: "organization", Title: "Azure DevOps", Why: "Where the pipelines are.",
		Fields: []w.Field[State]{
			{Name: "task", Label: "What to do", Kind: w.FieldRadio, Reloads: true, Default: func(*State) string { return TaskSetUp }, Options: tasks},
			{Name: "connection", Label: "Connection", Kind: w.FieldSelect, Reloads: true, When: setUp, Default: firstConnection, Options: f.connectionOptions,
				Help: "An admin registers organizations, and servers on premises, on the page Connections."},
			{Name: "project", Label: "Project", Kind: w.FieldSelect, When: setUp, Default: func(s *State) string { return s.Before.Project }, Options: f.projectOptions},
		},
		Bind: bindOrganization,
	}
}

func firstConnection(s *State) string {
	if s.Before.ConnectionID != "" || len(s.Offered) == 0 {
		return s.Before.ConnectionID
	}
	return s.Offered[0].ID
}

func tasks(_ context.Context, s *State) ([]w.Option, error) {
	remove := w.Option{Value: TaskRemove, Label: "Take it away again", Note: "Delete the service connection from all projects, the agent and the service account that a former run made, and the VM if it made one."}
	if !s.recorded() {
		remove.Disabled, remove.Note = true, "No run has set this up yet."
	}
	return []w.Option{{Value: TaskSetUp, Label: "Set up, or bring up to date", Note: "What is there and good stays as it is; a token that ends soon is renewed in place."}, remove}, nil
}

func (f flow) connectionOptions(ctx context.Context, _ *State) ([]w.Option, error) {
	all, err := f.Records.Connections(ctx)
	if err != nil {
		return nil, err
	}
	out := w.ConnectionOptions(all, w.ConnectionDevOps, f.Clock())
	if len(out) == 0 {
		return []w.Option{{Label: "None yet", Note: "Ask an admin to register one on the page Connections.", Disabled: true}}, nil
	}
	return out, nil
}

func (f flow) projectOptions(ctx context.Context, s *State) ([]w.Option, error) {
	o, err := f.organization(ctx, s)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	all, err := o.Projects(ctx)
	if err != nil {
		return nil, err
	}
	var out []w.Option
	for _, p := range all {
		out = append(out, w.Option{Value: p.Name, Label: p.Name})
	}
	return out, nil
}

func bindOrganization(a w.Answers, s *State) []w.FieldError {
	s.Task = a.Get("task")
	switch {
	case s.Task == TaskRemove && !s.recorded():
		return []w.FieldError{{Field: "task", Message: "No run has set this up yet, so there is nothing to take away."}}
	case s.Task == TaskRemove:
		return nil
	case s.Task != TaskSetUp:
		return []w.FieldError{{Field: "task", Message: "Choose what to do."}}
	}
	var errs []w.FieldError
	s.ConnectionID, s.Project = a.Get("connection"), a.Get("project")
	i := slices.IndexFunc(s.Offered, func(o Offer) bool { return o.ID == s.ConnectionID })
	if i < 0 {
		errs = append(errs, w.FieldError{Field: "connection", Message: "Choose the Connection to Azure DevOps."})
	} else {
		s.Connection, s.Organization, s.Login = s.Offered[i].Name, s.Offered[i].Endpoint, s.Offered[i].Method
	}
	if s.Project == "" {
		errs = append(errs, w.FieldError{Field: "project", Message: "Choose the project in which the service connection is made."})
	}
	return errs
}

func reachFields() []w.Field[State] {
	return []w.Field[State]{
		{Name: "arm", Label: "Can the Hub's management endpoints be reached from the Internet?", Kind: w.FieldRadio, Reloads: true, Default: func(*State) string { return "no" }, Options: fixed(
			w.Option{Value: "no", Label: "No", Note: "So jobs have to run on a machine of yours that reaches them. That machine only opens connections outwards, to port 443."},
			w.Option{Value: "yes", Label: "Yes", Note: "So a machine on the Internet could manage the Hub. One more question decides."},
		)},
		{Name: "api", Label: "Can the cluster's API server be reached from the Internet?", Kind: w.FieldRadio, Reloads: true, When: func(s *State) bool { return s.ARM == "yes" }, Default: func(*State) string { return "no" }, Options: fixed(
			w.Option{Value: "no", Label: "No", Note: "So jobs have to run on a machine of yours that reaches it."},
			w.Option{Value: "yes", Label: "Yes", Note: "So Microsoft's own agents can deploy. Everybody else can try to log in as well: limit who may connect."},
		)},
	}
}

func bindReach(a w.Answers, s *State) []w.FieldError {
	if s.ARM, s.API = a.Get("arm"), a.Get("api"); s.ARM != "yes" {
		s.API = "no"
	}
	return nil
}

func (f flow) agentFields() []w.Field[State] {
	own := func(s *State) bool { return s.installs() || onPods(s) }
	return []w.Field[State]{
		{Name: "where", Label: "Where do the jobs run?", Kind: w.FieldRadio, Reloads: true, Default: suggested, Options: places},
		{Name: "pool", Label: "Agent pool", Kind: w.FieldSelect, When: func(s *State) bool { return s.Where != WhereHosted }, Options: f.poolOptions, Default: func(s *State) string { return s.Before.Pool },
			Help: "Made in Azure DevOps, under Organization settings, Agent pools."},
		{Name: "agent", Label: "Name of the agent", Kind: w.FieldText, When: own, Default: func(s *State) string {
			if s.Before.Agent != "" {
				return s.Before.Agent
			}
			return label(s.SiteName) + "-agent"
		}},
		{Name: "proxy", Label: "HTTPS proxy of the agent", Kind: w.FieldText, Optional: true, When: own, Default: func(s *State) string { return s.Proxy }, Help: "Through which that machine reaches Azure DevOps; empty for a direct way."},
	}
}

func suggested(s *State) string {
	switch {
	case s.Before.AgentHost.VM != nil:
		return WhereOwn
	case s.Before.AgentPods.Namespace != "":
		return WhereCluster
	case s.Before.Agent != "" && s.Before.AgentHost.Address != "":
		return WhereHost
	case s.Before.Agent != "":
		return WhereVM
	case s.hostedCan():
		return WhereHosted
	case s.HasHelper:
		return WhereVM
	}
	return WherePool
}

// places are the answers to the third question, each with its reason.
func places(_ context.Context, s *State) ([]w.Option, error) {
	hosted := w.Option{Value: WhereHosted, Label: "On Microsoft's machines", Note: "Both are reachable from the Internet, so nothing has to be installed."}
	switch {
	case s.ARM != "yes":
		hosted.Disabled, hosted.Note = true, "Microsoft's machines are on the Internet, from where this Hub cannot be managed."
	case s.API != "yes":
		hosted.Disabled, hosted.Note = true, "Microsoft's machines are on the Internet, from where this cluster's API cannot be reached."
	}
	vm := w.Option{Value: WhereVM, Label: "On the helper VM", Note: "It stands on the Hub and reaches both. A run installs the agent there."}
	if !s.HasHelper {
		vm.Disabled, vm.Note = true, "This Site has no helper VM."
	}
	host := w.Option{Value: WhereHost, Label: "On another Linux host", Note: "One that reaches both, and this server by SSH. A run installs the agent there."}
	own := w.Option{Value: WhereOwn, Label: "On a VM of its own", Note: "A run makes it on the Hub. So jobs don't share the machine with AKS Engine and the API model, which holds the cluster's keys."}
	pods := w.Option{Value: WhereCluster, Label: "On the cluster itself", Note: "As pods, from an image of yours. They are there as long as the cluster is: when it is down, no job of theirs brings it back, and an upgrade moves each to another node, after its job."}
	return []w.Option{vm, own, host, pods, {Value: WherePool, Label: "On agents that you have already", Note: "They have to reach the Hub and the cluster's API; nothing is installed."}, hosted}, nil
}

func (f flow) poolOptions(ctx context.Context, s *State) ([]w.Option, error) {
	o, err := f.organization(ctx, s)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	all, err := o.Pools(ctx)
	if err != nil {
		return nil, err
	}
	var out []w.Option
	for _, p := range all {
		if !p.Hosted {
			out = append(out, w.Option{Value: p.Name, Label: p.Name})
		}
	}
	return out, nil
}

func bindAgents(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Where, s.Host, s.VM, s.Pods = a.Get("where"), w.HostLogin{}, w.OwnVM{}, w.AgentPods{}
	switch {
	case s.Where == WhereHosted && !s.hostedCan():
		bad("where", "Microsoft's machines cannot reach this Hub and its cluster. Choose a place that can.")
	case s.Where == WhereVM && !s.HasHelper:
		bad("where", "This Site has no helper VM. Make one first (step 1 of the guide), or choose agents that you have.")
	case s.Where != WhereHosted && s.Where != WhereVM && s.Where != WhereHost && s.Where != WhereOwn && s.Where != WhereCluster && s.Where != WherePool:
		bad("where", "Choose where the jobs run.")
	}
	if s.Where == WhereHosted {
		return errs
	}
	if s.Pool = a.Get("pool"); !plainName.MatchString(s.Pool) {
		bad("pool", "Choose an agent pool.")
	}
	if s.Where == WherePool {
		return errs
	}
	if s.Agent = a.Get("agent"); !agentName.MatchString(s.Agent) {
		bad("agent", "A name has letters, digits, dots, dashes and underscores, at most 64 of them, and begins with a letter or digit.")
	}
	if s.AgentWay = a.Get("proxy"); s.AgentWay != "" && !proxyForm.MatchString(s.AgentWay) {
		bad("proxy", "Give the proxy as http://host:port, or leave it empty.")
	}
	if s.Login == w.AuthCertificate && s.installs() {
		bad("where", "An agent registers with a personal access token or with a principal's secret, and the Connection "+s.Connection+" has a certificate. Choose another Connection, or agents that you have already.")
	}
	return errs
}

// validate keeps a Site's one service connection from being lost sight of.
func validate(s *State) []w.FieldError {
	b := s.Before
	if errs := strayed(s); errs != nil {
		return errs
	}
	if errs := podsFault(s); errs != nil {
		return errs
	}
	if !s.setsUp() || !s.known() || b.Name == s.Name && b.Project == s.Project && b.ConnectionID == s.ConnectionID {
		return nil
	}
	return []w.FieldError{{Page: "access", Field: "name", Message: "This Site has the service connection " + b.Name + " in the project " + b.Project + " already. Keep its name, project and Connection, or take it away first (first page)."}}
}
