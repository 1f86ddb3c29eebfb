package monitoring

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	w "hubwright/workflows"
)

func (f flow) steps() []w.Step[State] {
	azure := (*State).azure
	only := func(methods ...string) func(*State) bool { return func(s *State) bool { return s.is(methods...) } }
	steps := []w.Step[State]{
		{ID: "model", Title: "Clean the API model", Why: "With the engine's monitoring addon in it, the cluster can be neither upgraded nor scaled.", When: func(s *State) bool { return s.Addon }, Weight: 2, Timeout: 2 * time.Minute, Run: f.cleanModel},
		{ID: "workspace", Title: "Make sure of the workspace", Why: "It keeps what the agent sends.", When: azure, Weight: 5, Timeout: 5 * time.Minute, Run: f.workspace},
		{ID: "solution", Title: "Make sure of Container Insights", Why: "Without it the data is there, and Azure shows nothing.", When: only(MethodHelm), Weight: 3, Timeout: 5 * time.Minute, Run: f.solution},
		{ID: "key", Title: "Read the workspace's key", Why: "The agent logs in with it.", When: only(MethodHelm), Run: f.key},
		{ID: "install", Title: "Install the chart", Why: "It brings the agent, or Prometheus and Grafana, to the cluster.", When: (*State).chart, Weight: 20, Timeout: 15 * time.Minute, Run: f.install},
		{ID: "arc", Title: "Wait for the agent of Azure Arc", Why: "You connect the cluster with your own login.", When: only(MethodArc), Weight: 20, Timeout: time.Hour, Run: f.awaitArc},
		{ID: "verify", Title: "Look at the agent", Why: "Helm reports success even when the values kept the agent out.", When: azure, Weight: 5, Timeout: 10 * time.Minute, Run: f.verify},
		{ID: "data", Title: "See that data arrives", Why: "An agent that runs may still be kept from Azure by a firewall or an old key.", When: azure, Weight: 20, Timeout: time.Hour, Run: f.data},
		{ID: "remove", Title: "Take the release away", Why: "Its objects go with it.", When: only(MethodRemove), Weight: 10, Timeout: 10 * time.Minute, Run: f.remove},
	}
	for i := range steps {
		steps[i].Run = f.afresh(steps[i].Run)
	}
	return steps
}

func (f flow) cleanModel(ctx context.Context, s *State, log w.Log) error {
	return f.engine.DropMonitoringAddon(ctx, s.Target, log)
}

func (f flow) workspace(ctx context.Context, s *State, log w.Log) error {
	az, err := f.login(ctx, s)
	if err != nil {
		return err
	}
	if !s.New {
		all, err := az.Workspaces(ctx)
		if err != nil {
			return err
		}
		ws, there := find(all, s.Wanted)
		if !there {
			return &w.Problem{Code: "monitoring.workspace", What: "The workspace " + s.Wanted.Name + " is not there any more", Why: "Somebody deleted it, or the Connection does not see it.", Fix: "Choose another one, then start again."}
		}
		s.Found.Workspace, s.Found.Made = ws, Same
		log.Good("The workspace %s is there, in %s.", ws.Name, ws.Location)
		return nil
	}
	log.Progress(-1, "making sure of the workspace "+s.Wanted.Name)
	s.Found.Asked = true
	ctx, done := w.Settled(ctx)
	defer done()
	ws, outcome, err := az.EnsureWorkspace(ctx, s.Wanted)
	if err != nil {
		return err
	}
	if s.Found.Made == "" || outcome != Same {
		s.Found.Made = outcome
	}
	s.Found.Workspace = ws
	switch outcome {
	case Made:
		log.Good("The workspace %s is made, in %s.", ws.Name, ws.Location)
	case Changed:
		log.Good("The workspace %s is there; it keeps data for %d days now.", ws.Name, ws.Retention)
	default:
		log.Good("The workspace %s is there as it should be: nothing to change.", ws.Name)
	}
	return nil
}

func (f flow) solution(ctx context.Context, s *State, log w.Log) error {
	az, err := f.login(ctx, s)
	if err != nil {
		return err
	}
	ctx, done := w.Settled(ctx)
	defer done()
	made, err := az.EnsureSolution(ctx, s.Found.Workspace)
	if err != nil {
		return err
	}
	if made {
		s.Found.Solution = true
		log.Good("The solution ContainerInsights(%s) is made.", s.Found.Workspace.Name)
		return nil
	}
	log.Good("The solution ContainerInsights(%s) is there: nothing to change.", s.Found.Workspace.Name)
	return nil
}

func (f flow) key(ctx context.Context, s *State, log w.Log) error {
	az, err := f.login(ctx, s)
	if err != nil {
		return err
	}
	if s.Found.Workspace.KeysOff {
		return &w.Problem{Code: "monitoring.keysoff", What: "The workspace " + s.Found.Workspace.Name + " lets no agent in by key", Why: "Its property disableLocalAuth is on.", Fix: "Choose the way through Arc, or allow keys in the workspace's properties."}
	}
	plain, err := az.WorkspaceKey(ctx, s.Found.Workspace)
	if err != nil {
		return err
	}
	log.Mask(plain)
	if s.Found.Key, err = f.Vault.Seal(ctx, "key of the workspace "+s.Found.Workspace.Name, []byte(plain)); err != nil {
		return err
	}
	log.Good("The primary key of %s is read and sealed.", s.Found.Workspace.Name)
	return nil
}

func (f flow) install(ctx context.Context, s *State, log w.Log) error {
	if s.Method == MethodPrometheus && s.Found.Password == "" {
		s.Found.Password = asked // by a former try, perhaps
	}
	c, err := f.Chart(ctx, s.Chart, s.Stack)
	if err != nil {
		return err
	}
	if s.Found.Chart.Digest != "" && s.Found.Chart.Digest != c.Digest {
		return &w.Problem{Code: "monitoring.chartmoved", What: "The chart is not the one that this run began with", Why: "Its SHA-256 was " + s.Found.Chart.Digest + " and is " + c.Digest + " now.", Fix: "Find out who published other contents under the same version, then start again."}
	}
	if p := f.unfit(s, c); p != nil {
		return p
	}
	s.Found.Chart = c
	s.Found.Chart.Archive, s.Found.Chart.Values = nil, "" // of which the state keeps nothing
	k, err := f.open(ctx, s)
	if err != nil {
		return err
	}
	defer k.Close()
	values, err := f.values(ctx, s, c, k, log)
	if err != nil {
		return err
	}
	// What a failure leaves can be taken away only when it is recorded.
	if !s.ours(s.Release.Name) {
		if err := f.record(ctx, s); err != nil {
			return err
		}
	}
	log.Command(helmCommand(s))
	state, err := k.Install(ctx, w.ReleaseSpec{Name: s.Release.Name, Namespace: s.Release.Namespace, Chart: c, Values: values}, log)
	if err != nil {
		return errors.Join(err, f.unmade(ctx, s, k))
	}
	s.Found.Revision, s.Found.Objects = state.Revision, len(state.Objects)
	s.Found.Changed = s.Found.Changed || state.Changed
	if s.Found.Objects == 0 {
		return &w.Problem{Code: "monitoring.empty", What: "The release " + s.Release.Name + " is empty", Why: "With these values the chart renders no objects.", Fix: "Look at your own values, then start again."}
	}
	return f.record(ctx, s)
}

// values are what the chart is given. They hold secrets.
func (f flow) values(ctx context.Context, s *State, c w.Chart, k Cluster, log w.Log) (string, error) {
	if s.Method == MethodHelm {
		workspaceKey, err := f.Vault.Open(ctx, s.Found.Key)
		if err != nil {
			return "", err
		}
		log.Mask(string(workspaceKey))
		var proxy []byte
		if s.Agent.Proxy != "" {
			if proxy, err = f.Vault.Open(ctx, s.Agent.Proxy); err != nil {
				return "", err
			}
			log.Mask(string(proxy))
			if !proxyForm.Match(proxy) {
				return "", &w.Problem{Code: "monitoring.proxy", What: "The agent's proxy cannot be used", Why: "It is not of the form http://user:password@host:port.", Fix: "Start again and correct it on the page Agent."}
			}
		}
		return f.agentValues(s, s.Found.Workspace.CustomerID, string(workspaceKey), string(proxy))
	}
	has, err := f.hasGrafana(c)
	if err != nil {
		return "", err
	}
	s.Found.Grafana, s.Found.Password = has, ""
	if has {
		s.Found.Password = asked
		ctx, done := w.Settled(ctx)
		defer done()
		password := rand.Text()
		log.Mask(password)
		made, err := k.EnsureSecret(ctx, s.Release.Namespace, grafanaSecret, map[string]string{"admin-user": "admin", "admin-password": password})
		if err != nil {
			return "", err
		}
		if s.Found.Password = there; made {
			log.Good("Grafana's password is made, in the Secret %s.", grafanaSecret)
		} else {
			log.Info("Grafana's password is in the Secret %s already.", grafanaSecret)
		}
	}
	return f.stackValues(s, c)
}

// record makes the release known to the cluster's page and to this workflow.
func (f flow) record(ctx context.Context, s *State) error {
	r := w.Release{
		SiteID: s.Target.SiteID, Role: w.ReleaseMonitoring, Name: s.Release.Name, Namespace: s.Release.Namespace, Chart: s.Found.Chart.Name, ChartVersion: s.Found.Chart.Version,
		AppVersion: s.Found.Chart.AppVersion, Source: s.Chart.Place(), Digest: s.Found.Chart.Digest, Revision: s.Found.Revision, RunID: w.OriginOf(ctx).RunID,
	}
	if err := f.Records.SaveRelease(context.WithoutCancel(ctx), &r); err != nil {
		return err
	}
	if !s.ours(r.Name) {
		s.Releases = append(s.Releases, r)
	}
	return nil
}

func (f flow) remove(ctx context.Context, s *State, log w.Log) error {
	k, err := f.open(ctx, s)
	if err != nil {
		return err
	}
	defer k.Close()
	if err := k.Uninstall(ctx, s.Remove.Namespace, s.Remove.Name, log); err != nil {
		return err
	}
	if _, err := k.Status(ctx, s.Remove.Namespace, s.Remove.Name); !errors.Is(err, w.ErrNotFound) {
		if err == nil {
			err = &w.Problem{Code: "monitoring.stays", What: "The release " + s.Remove.Name + " is still there", Why: "Somebody installed it again.", Fix: "Find out who, then retry."}
		}
		return err
	}
	s.Releases = slices.DeleteFunc(s.Releases, func(r w.Release) bool { return r.Name == s.Remove.Name && r.Namespace == s.Remove.Namespace })
	return f.Records.DeleteRelease(context.WithoutCancel(ctx), s.Target.SiteID, s.Remove.Namespace, s.Remove.Name)
}
