package monitoring

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

const retired = "1 October 2025"

func fixed(o ...w.Option) func(context.Context, *State) ([]w.Option, error) {
	return func(context.Context, *State) ([]w.Option, error) { return o, nil }
}

func def(v string) func(*State) string { return func(*State) string { return v } }

func (f flow) pages() []w.Page[State] {
	return []w.Page[State]{f.methodPage(), f.workspacePage(), f.agentPage(), f.chartPage(), f.removePage()}
}

func (f flow) methodPage() w.Page[State] {
	return w.Page[State]{
		ID: "method", Title: "Way to monitor", Why: "There are three ways today. Which one fits is decided by whether the nodes reach Azure.",
		Fields: []w.Field[State]{{
			Name: "method", Label: "How the cluster is monitored", Kind: w.FieldRadio, Default: func(s *State) string { return s.Method }, Reloads: true, Options: methods,
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Method = a.Get("method")
			options, _ := methods(context.Background(), s)
			for _, o := range options {
				if o.Value == s.Method && !o.Disabled {
					return nil
				}
				if o.Value == s.Method {
					return []w.FieldError{{Field: "method", Message: o.Note}}
				}
			}
			return []w.FieldError{{Field: "method", Message: "Choose one of the ways."}}
		},
	}
}

func methods(_ context.Context, s *State) ([]w.Option, error) {
	out := []w.Option{
		{Value: MethodArc, Label: "Azure Monitor through Azure Arc", Note: "Microsoft's current way. The nodes must reach Azure. You connect the cluster to Arc with az commands that need your own login; the run prepares the workspace, shows the commands filled in, waits for the agent, and verifies that data arrives."},
		{Value: MethodHelm, Label: "Azure Monitor by the Helm chart azuremonitor-containers", Note: "Microsoft retired this way on " + retired + ": it still installs and sends, but gets no fixes or support and may stop. Choose it when Arc is not possible, and plan to move."},
		{Value: MethodPrometheus, Label: "Prometheus and Grafana on the cluster itself", Note: "Nothing leaves the stamp, so it also fits one that is cut off. The chart comes from a repository, a registry or a file. Each Site has its own; there is no common view in Azure."},
		{Value: MethodAddon, Label: "The engine's addon container-monitoring", Disabled: true, Note: "AKS Engine v0.85.0 refuses it: a model with it can be neither deployed, upgraded nor scaled. Choose one of the others."},
	}
	if len(s.Releases) > 0 {
		out = append(out, w.Option{Value: MethodRemove, Label: "Take monitoring away", Note: "Uninstalls the release from the cluster. A workspace in Azure, with what it has collected, stays."})
	}
	return out, nil
}

var (
	dnsName       = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$`)
	resourceName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9_()-]$`)
	workspaceForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$`)
	clusterForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,253}$`)
	proxyForm     = regexp.MustCompile(`^(https?://)?([^:@/\s]+:[^@/\s]+@)?[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
	notWorkspace  = regexp.MustCompile(`[^A-Za-z0-9-]+`)
)

func (f flow) agentPage() w.Page[State] {
	helm := func(s *State) bool { return s.Method == MethodHelm }
	return w.Page[State]{
		ID: "agent", Title: "Agent", Why: "How the cluster is called in Azure, and how its nodes get there.", When: (*State).azure,
		Fields: []w.Field[State]{
			{Name: "cluster", Label: "Name of the cluster in Azure", Kind: w.FieldText, Default: func(s *State) string {
				if s.Method == MethodArc {
					return s.Cluster.Name
				}
				return s.Cluster.FQDN
			}, Help: "Must be the only one of that name in the workspace, or the data of two clusters mix."},
			{Name: "proxy", Label: "Proxy for the agent", Kind: w.FieldSecret, Optional: true, Placeholder: "http://user:password@proxy.contoso.com:8080", When: helm,
				Help: "Only when the nodes reach the Internet through one. The agent wants a user and a password in it, made-up ones if the proxy asks for none."},
			{Name: "wait", Label: "Wait for data", Kind: w.FieldNumber, Unit: "minutes", Default: def("30"), Help: "The first data usually arrives within a quarter of an hour."},
		},
		Bind: f.bindAgent,
	}
}

func (f flow) bindAgent(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Agent = Agent{ClusterName: a.Get("cluster")}
	if s.Method == MethodHelm {
		s.Agent.Proxy = w.SecretRef(a.Get("proxy"))
	}
	if !clusterForm.MatchString(s.Agent.ClusterName) {
		bad("cluster", "Give letters, digits, points, dashes and underscores, beginning with a letter or digit.")
	}
	if strings.HasPrefix(s.Agent.ClusterName, "<") {
		bad("cluster", "Give a name of your own in place of the example.")
	}
	if s.Wait = minutes(a.Get("wait")); s.Wait == 0 {
		bad("wait", "Give a whole number of minutes, from 1 to 240.")
	}
	return errs
}

func minutes(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 240 {
		return 0
	}
	return n
}

func (f flow) removePage() w.Page[State] {
	return w.Page[State]{
		ID: "remove", Title: "What to take away", Why: "What a run has put on the cluster for monitoring.", When: func(s *State) bool { return s.Method == MethodRemove },
		Fields: []w.Field[State]{{Name: "release", Label: "Release", Kind: w.FieldRadio,
			Default: func(s *State) string {
				if len(s.Releases) == 0 {
					return ""
				}
				return key(s.Releases[0])
			},
			Options: func(_ context.Context, s *State) ([]w.Option, error) {
				var out []w.Option
				for _, r := range s.Releases {
					out = append(out, w.Option{Value: key(r), Label: r.Name + " in " + r.Namespace, Note: r.Chart + " " + r.ChartVersion})
				}
				return out, nil
			},
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			for _, r := range s.Releases {
				if key(r) == a.Get("release") {
					s.Remove = Name{r.Name, r.Namespace}
					return nil
				}
			}
			return []w.FieldError{{Field: "release", Message: "Choose one of the releases."}}
		},
	}
}

func key(r w.Release) string { return r.Namespace + "/" + r.Name }
