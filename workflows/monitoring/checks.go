package monitoring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const slow = 60 * time.Second

func (f flow) checks() []w.Check[State] {
	azure, chart := (*State).azure, (*State).chart
	return []w.Check[State]{
		{ID: "reachable", Title: "The cluster is reachable", Why: "The agent is installed and looked at through its API server.", Severity: w.SeverityBlock, Timeout: slow, Run: f.checkReachable},
		{ID: "agents", Title: "No other agent runs", Why: "Two agents send everything twice, and the second cannot take what belongs to the first.", Page: "method", Severity: w.SeverityBlock, Waivable: true, Timeout: slow, When: azure, Run: f.checkAgents},
		{ID: "addon", Title: "The engine's monitoring addon is not in the API model", Why: "AKS Engine neither upgrades nor scales a cluster whose model still has it.", Severity: w.SeverityWarn, Run: f.checkAddon},
		{ID: "azure", Title: "Azure lets the Connection in", Why: "The workspace is made and read with it.", Page: "workspace", Severity: w.SeverityBlock, Timeout: slow, When: azure, Run: f.checkAzure},
		{ID: "name", Title: "No other cluster of that name sends to the workspace", Why: "The data of two clusters of one name cannot be told apart.", Page: "agent", Severity: w.SeverityBlock, Waivable: true, Timeout: slow, When: azure, Run: f.checkName},
		{ID: "chart", Title: "The chart is there and reads the values", Why: "With values that it does not read, the release succeeds without an agent.", Page: "chart", Severity: w.SeverityBlock, Timeout: 2 * slow, When: chart, Run: f.checkChart},
		{ID: "connected", Title: "The stamp is not cut off", Why: "Azure Monitor needs nodes that reach Azure.", Page: "method", Severity: w.SeverityBlock, Waivable: true, When: azure, Run: f.checkConnected},
	}
}

func (f flow) checkReachable(ctx context.Context, s *State) w.Finding {
	k, err := f.open(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	defer k.Close()
	return w.Passed("It answers.")
}

func (f flow) checkConnected(_ context.Context, s *State) w.Finding {
	if s.Stack.AirGapped {
		return w.Fail(s.Stack.Name+" is registered as cut off from the Internet.", "Choose Prometheus and Grafana, or correct the Stack when its nodes do reach Azure.")
	}
	return w.Passed(s.Stack.Name + " is registered as connected. Nodes need port 443 to " + egress + ".")
}

const egress = "*.ods.opinsights.azure.com, *.oms.opinsights.azure.com, *.monitoring.azure.com, login.microsoftonline.com and mcr.microsoft.com"

func (f flow) checkAgents(ctx context.Context, s *State) w.Finding {
	k, err := f.open(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	defer k.Close()
	all, err := k.Agents(ctx)
	if err != nil {
		return problem.Finding(err)
	}
	var old, other []string
	for _, a := range all {
		switch {
		case strings.HasPrefix(a.Name, "omsagent"):
			old = append(old, a.title())
		case s.Method == MethodHelm && a.Release != s.Release.Name, s.Method == MethodArc && s.ours(a.Release):
			other = append(other, a.title())
		}
	}
	switch {
	case len(other) > 0 && s.Method == MethodArc:
		return w.Fail("A run of this workflow has installed one by Helm: "+strings.Join(other, ", ")+".", "Choose \"Take monitoring away\" first, then come back: the extension brings its own.")
	case len(other) > 0:
		return w.Fail("There is one already: "+strings.Join(other, ", ")+".", "When Azure Arc manages it, choose the way through Arc. When it is a Helm release, give its name on the page Chart, or uninstall it.")
	case len(old) > 0:
		return w.Fail("An old one runs: "+strings.Join(old, ", ")+".", "Delete it (kubectl -n kube-system delete daemonset/omsagent deployment/omsagent-rs). Where the engine's addon made it, the addon manager on the control plane brings it back until its manifest is taken out of /etc/kubernetes/addons there.")
	case len(all) > 0:
		return w.Passed("There is the one that belongs here: " + all[0].title() + ".")
	}
	return w.Passed("There is none.")
}

func (a Workload) title() string {
	text := fmt.Sprintf("%s %s in %s, %d of %d ready", a.Kind, a.Name, a.Namespace, a.Ready, a.Want)
	if a.Release != "" {
		text += ", of the Helm release " + a.Release
	}
	return text
}

func (f flow) checkAddon(_ context.Context, s *State) w.Finding {
	if s.Addon {
		return w.Warn("container-monitoring is switched on in the API model in custody.", "This run takes it out: in custody as a new version, and on the helper VM.")
	}
	return w.Passed("It is not.")
}

func (f flow) checkAzure(ctx context.Context, s *State) w.Finding {
	az, err := f.login(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	all, err := az.Workspaces(ctx)
	if err != nil {
		return problem.Finding(err)
	}
	ws, there := find(all, s.Wanted)
	switch {
	case !there && s.New:
		return w.Passed(s.Account.Name + " is let in. The workspace " + s.Wanted.Name + " is not there yet.")
	case !there:
		return w.Fail("The workspace "+s.Wanted.Name+" is not there any more.", "Choose another one, or make one.")
	case ws.KeysOff && s.Method == MethodHelm:
		return w.Fail("The workspace "+ws.Name+" lets no agent in by key (disableLocalAuth), and the chart knows no other way.", "Choose the way through Arc, or allow keys in the workspace's properties.")
	case s.New && !strings.EqualFold(ws.Location, s.Wanted.Location):
		return w.Fail("The workspace "+ws.Name+" is there already, in "+ws.Location+".", "Choose that location, or another name.")
	}
	return w.Passed(s.Account.Name + " is let in. The workspace " + ws.Name + " is there, in " + ws.Location + ".")
}

func find(all []Workspace, want Workspace) (Workspace, bool) {
	i := slices.IndexFunc(all, func(ws Workspace) bool {
		return strings.EqualFold(ws.Name, want.Name) && strings.EqualFold(ws.Group, want.Group)
	})
	if i < 0 {
		return Workspace{}, false
	}
	return all[i], true
}

// checkName asks the workspace which nodes send under the cluster's name.
// AKS Engine puts the cluster's own suffix into the nodes' names.
func (f flow) checkName(ctx context.Context, s *State) w.Finding {
	az, err := f.login(ctx, s)
	if err != nil {
		return w.Skip("Azure does not let the Connection in.")
	}
	all, err := az.Workspaces(ctx)
	if err != nil {
		return w.Skip("Azure does not let the Connection in.")
	}
	ws, there := find(all, s.Wanted)
	if !there {
		return w.Passed("The workspace is new.")
	}
	rows, err := az.Query(ctx, ws.CustomerID, nodesQuery(s.Agent.ClusterName))
	switch {
	case errors.Is(err, w.ErrNotFound):
		return w.Passed("The workspace has no data of a cluster yet.")
	case err != nil:
		return problem.Finding(err)
	}
	k, err := f.open(ctx, s)
	if err != nil {
		return w.Skip("The cluster is not reachable.")
	}
	defer k.Close()
	mine, err := k.Nodes(ctx)
	if err != nil {
		return problem.Finding(err)
	}
	var strange []string
	for _, r := range rows {
		if !slices.ContainsFunc(mine, func(n string) bool { return strings.EqualFold(n, r["Computer"]) }) {
			strange = append(strange, r["Computer"])
		}
	}
	if len(strange) > 0 {
		slices.Sort(strange)
		return w.Fail("Nodes that are not this cluster's sent under the name "+s.Agent.ClusterName+" in the last hour: "+strings.Join(strange, ", ")+".", "Give the cluster another name on the page Agent. When these are nodes that were replaced lately, waive this.")
	}
	return w.Passed("None does.")
}

func (f flow) checkChart(ctx context.Context, s *State) w.Finding {
	c, err := f.Chart(ctx, s.Chart, s.Stack)
	if err != nil {
		return problem.Finding(err)
	}
	if p := f.unfit(s, c); p != nil {
		return problem.Finding(p)
	}
	return w.Passed(fmt.Sprintf("%s %s, SHA-256 %s.", c.Name, c.Version, c.Digest))
}

// unfit says why a chart cannot be used for what it is to do.
func (f flow) unfit(s *State, c w.Chart) *w.Problem {
	if s.Method != MethodHelm {
		return nil
	}
	values, err := f.ReadYAML(c.Values)
	if err != nil {
		return &w.Problem{Code: "monitoring.chart", What: "The values of the chart " + c.Name + " cannot be read", Why: err.Error(), Fix: "Choose another version of the chart."}
	}
	if _, ok := values["amalogs"].(map[string]any); ok {
		return nil
	}
	p := &w.Problem{Code: "monitoring.chart", What: "The chart " + c.Name + " " + c.Version + " does not read the values amalogs", Why: "It is not the chart of Azure Monitor's agent.", Fix: "Choose " + agentChart + ", version 3.1 or newer."}
	if _, old := values["omsagent"]; old {
		p.Why = "It is older than 3.0: it brings the agent omsagent and reads the values omsagent."
	}
	return p
}
