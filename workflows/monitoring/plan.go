package monitoring

import (
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

const mask = "***"

func (f flow) plan(_ context.Context, s *State) (w.Plan, error) {
	p := w.Plan{
		Title: "Monitor " + s.SiteName + " " + inShort(s.Method), Duration: "about 5 min, then up to " + fmt.Sprint(s.Wait) + " min until data arrives",
		Disruption: "Nothing that runs is touched. The agent takes CPU and memory on every node.",
		Summary:    []w.SummaryItem{{Label: "Cluster", Value: fmt.Sprintf("%s, Kubernetes %s, %d nodes", s.Cluster.Name, s.Cluster.Version, s.Cluster.Nodes)}, {Label: "Way", Value: wayWords(s), Page: "method"}},
	}
	if s.Addon {
		p.Changes = append(p.Changes, w.Change{Verb: "change", What: "API model of " + s.Cluster.Name, Note: "container-monitoring is taken out: a new version in custody, and the file on the helper VM"})
	}
	switch s.Method {
	case MethodRemove:
		p.Removes = true
		p.Title, p.Duration, p.Disruption = "Take monitoring off "+s.SiteName, "about 2 min", "Nobody sees the cluster from outside any more. Alerts end."
		p.Changes = append(p.Changes, w.Change{Verb: "delete", What: "Release " + s.Remove.Name, Note: "with its objects in " + s.Remove.Namespace})
		p.Commands = []w.Command{{Title: "What you would have typed", Text: fmt.Sprintf("helm uninstall %s --namespace %s --wait", s.Remove.Name, s.Remove.Namespace)}}
		return p, nil
	case MethodPrometheus:
		p.Duration = "about 5 min"
		f.planStack(s, &p)
	default:
		planWorkspace(s, &p)
	}
	switch s.Method {
	case MethodHelm:
		f.planAgent(s, &p)
	case MethodArc:
		p.Changes = append(p.Changes, w.Change{Verb: "none", What: "Arc agents and extension", Note: "you make them with your own login, by the commands below; the run waits for them"})
		p.Commands = append(p.Commands, w.Command{Title: "What you type yourself while the run waits", Text: strings.Join(arcCommands(s, s.wantedID()), "\n")})
	}
	return p, nil
}

func wayWords(s *State) string {
	switch s.Method {
	case MethodArc:
		return "Azure Monitor through Azure Arc"
	case MethodHelm:
		return "Azure Monitor by Helm (retired by Microsoft on " + retired + ")"
	case MethodRemove:
		return "Take monitoring away"
	}
	return "Prometheus and Grafana on the cluster"
}

func inShort(method string) string {
	switch method {
	case MethodArc:
		return "through Azure Arc"
	case MethodHelm:
		return "with Azure Monitor"
	}
	return "with Prometheus"
}

// wantedID is the workspace's resource ID, which is known before it is made.
func (s *State) wantedID() string {
	if s.Wanted.ID != "" {
		return s.Wanted.ID
	}
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.OperationalInsights/workspaces/%s", s.Account.Subscription, s.Wanted.Group, s.Wanted.Name)
}

func planWorkspace(s *State, p *w.Plan) {
	p.Summary = append(p.Summary, w.SummaryItem{Label: "Connection", Value: s.Account.Name + ", subscription " + s.Account.Subscription, Page: "workspace"},
		w.SummaryItem{Label: "Workspace", Value: s.Wanted.Name + " in " + s.Wanted.Group, Page: "workspace"}, w.SummaryItem{Label: "Name in Azure", Value: s.Agent.ClusterName, Page: "agent"})
	var lines []string
	if s.New {
		note := fmt.Sprintf("in %s, keeps data for %d days", s.Wanted.Location, s.Wanted.Retention)
		line := fmt.Sprintf("az monitor log-analytics workspace create --resource-group %s --workspace-name %s --location %s --retention-time %d", s.Wanted.Group, s.Wanted.Name, s.Wanted.Location, s.Wanted.Retention)
		if s.Wanted.DailyCapGB > 0 {
			note += fmt.Sprintf(", at most %g GB a day", s.Wanted.DailyCapGB)
			line += fmt.Sprintf(" --quota %g", s.Wanted.DailyCapGB)
		}
		p.Changes = append(p.Changes, w.Change{Verb: "create", What: "Resource group " + s.Wanted.Group, Note: "unless it is there"}, w.Change{Verb: "create", What: "Workspace " + s.Wanted.Name, Note: note + "; unless it is there"})
		lines = append(lines, fmt.Sprintf("az group create --name %s --location %s", s.Wanted.Group, s.Wanted.Location), line)
	} else {
		p.Changes = append(p.Changes, w.Change{Verb: "none", What: "Workspace " + s.Wanted.Name, Note: "is taken as it is"})
	}
	if s.Method == MethodHelm {
		p.Changes = append(p.Changes, w.Change{Verb: "create", What: "Solution ContainerInsights(" + s.Wanted.Name + ")", Note: "unless it is there; without it Azure shows nothing"})
		lines = append(lines,
			fmt.Sprintf("az monitor log-analytics solution create --resource-group %s --solution-type ContainerInsights --workspace %s", s.Wanted.Group, s.Wanted.Name),
			fmt.Sprintf("az monitor log-analytics workspace show --resource-group %s --workspace-name %s --query customerId", s.Wanted.Group, s.Wanted.Name),
			fmt.Sprintf("az monitor log-analytics workspace get-shared-keys --resource-group %s --workspace-name %s", s.Wanted.Group, s.Wanted.Name))
	}
	if len(lines) > 0 {
		p.Commands = append(p.Commands, w.Command{Title: "In Azure", Text: strings.Join(lines, "\n")})
	}
}

func (f flow) planAgent(s *State, p *w.Plan) {
	p.Summary = append(p.Summary, w.SummaryItem{Label: "Chart", Value: s.Chart.Title(), Page: "chart"}, w.SummaryItem{Label: "Release", Value: s.Release.Name + " in " + s.Release.Namespace, Page: "chart"})
	p.Changes = append(p.Changes,
		w.Change{Verb: "install", What: "Release " + s.Release.Name, Note: "DaemonSet ama-logs and Deployment ama-logs-rs in kube-system, with cluster-wide rights to read"},
		w.Change{Verb: "none", What: "Trust", Note: "the agent's pods are privileged and see each node's files, so also /etc/kubernetes/azure.json with the service principal's secret"})
	text := helmCommand(s) + " \\\n  --set amalogs.secret.wsid=<workspace ID> \\\n  --set amalogs.secret.key=" + mask + " \\\n  --set amalogs.env.clusterName=" + s.Agent.ClusterName
	if s.Agent.Proxy != "" {
		text += " \\\n  --set amalogs.proxy=" + mask
	}
	p.Commands = append(p.Commands, w.Command{Title: "On the cluster", Text: text + "\nkubectl -n kube-system get daemonset ama-logs\nkubectl -n kube-system get deployment ama-logs-rs"})
	p.Commands = append(p.Commands, w.Command{Title: "To see that data arrives", Text: arrivedQuery(s.Agent.ClusterName)})
	p.Documents = append(p.Documents, f.ownValues(s)...)
}

func (f flow) planStack(s *State, p *w.Plan) {
	p.Summary = append(p.Summary, w.SummaryItem{Label: "Chart", Value: s.Chart.Title(), Page: "chart"}, w.SummaryItem{Label: "Release", Value: s.Release.Name + " in " + s.Release.Namespace, Page: "chart"})
	p.Changes = append(p.Changes, w.Change{Verb: "create", What: "Secret " + grafanaSecret + " in " + s.Release.Namespace, Note: "Grafana's password, made here; when the chart brings Grafana and unless it is there"},
		w.Change{Verb: "install", What: "Release " + s.Release.Name, Note: "with its definitions and cluster-wide rights to read"})
	p.Commands = append(p.Commands, w.Command{Title: "On the cluster", Text: helmCommand(s)})
	p.Documents = append(p.Documents, f.ownValues(s)...)
}

func (f flow) ownValues(s *State) []w.Document {
	if s.Values == "" {
		return nil
	}
	return []w.Document{{Name: "values.yaml", MIME: "application/yaml", Body: f.Hide(s.Values)}}
}

func helmCommand(s *State) string {
	text := "helm upgrade --install " + s.Release.Name + " "
	switch s.Chart.Kind {
	case w.ChartRepository:
		text += s.Chart.Name + " --repo " + s.Chart.URL + " --version " + s.Chart.Version
	case w.ChartOCI:
		text += s.Chart.URL + " --version " + s.Chart.Version
	default:
		text += s.Chart.Name
	}
	text += " \\\n  --namespace " + s.Release.Namespace + " --create-namespace --wait"
	if s.Values != "" {
		text += " --values values.yaml"
	}
	return text
}

// arcCommands connect the cluster to Azure Arc and put the agent there.
func arcCommands(s *State, workspaceID string) []string {
	group := s.Wanted.Group
	where := s.Wanted.Location
	if s.Found.Workspace.Location != "" {
		where = s.Found.Workspace.Location
	}
	if where == "" {
		where = "<location>"
	}
	connect := fmt.Sprintf("az connectedk8s connect --name %s --resource-group %s --location %s --kube-config %s.kubeconfig", s.Agent.ClusterName, group, where, s.Cluster.Name)
	if s.Stack.HTTPSProxy != "" {
		connect += " --proxy-https " + s.Stack.HTTPSProxy + " --proxy-skip-range 10.0.0.0/16,10.244.0.0/16,kubernetes.default.svc,.svc.cluster.local,.svc"
	}
	return []string{
		"az account set --subscription " + s.Account.Subscription,
		"az extension add --name connectedk8s && az extension add --name k8s-extension",
		"az provider register --namespace Microsoft.Kubernetes --wait && az provider register --namespace Microsoft.KubernetesConfiguration --wait",
		connect,
		fmt.Sprintf("az k8s-extension create --name azuremonitor-containers --cluster-type connectedClusters --cluster-name %s --resource-group %s --extension-type Microsoft.AzureMonitor.Containers --configuration-settings logAnalyticsWorkspaceResourceID=%s amalogs.useAADAuth=true", s.Agent.ClusterName, group, workspaceID),
	}
}
