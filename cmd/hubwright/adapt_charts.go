package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"hubwright/internal/charts"
	"hubwright/internal/kube"
	"hubwright/workflows"
	"hubwright/workflows/app"
	"hubwright/workflows/autoscale"
)

// helmCluster is a live cluster that also takes releases.
type helmCluster struct {
	liveCluster
	helm *charts.Cluster
}

// openHelm reaches a cluster the way that its record names.
func (a adapters) openHelm(ctx context.Context, c workflows.Cluster) (helmCluster, error) {
	raw, stack, err := a.custody(ctx, c)
	if errors.Is(err, workflows.ErrNotFound) {
		err = &workflows.Problem{Code: "cluster.kubeconfig", What: "There is no kubeconfig in custody", Why: "the deploy run has not fetched it", Fix: "Retry the deploy run: it fetches what is missing."}
	}
	if err != nil {
		return helmCluster{}, err
	}
	live, err := a.openKube(ctx, raw, stack, c.SiteID, c.ViaHelper)
	if err != nil {
		return helmCluster{}, err
	}
	return helmCluster{live, charts.Open(live.Config())}, nil
}

func (h helmCluster) Install(ctx context.Context, spec workflows.ReleaseSpec, log workflows.Log) (workflows.ReleaseState, error) {
	for _, secret := range charts.SecretsIn(spec.Values) {
		log.Mask(secret)
	}
	return h.helm.Install(ctx, spec, log)
}

func (h helmCluster) Uninstall(ctx context.Context, namespace, name string, log workflows.Log) error {
	return h.helm.Uninstall(ctx, namespace, name, log)
}

func (h helmCluster) List(ctx context.Context) ([]workflows.ReleaseState, error) {
	return h.helm.List(ctx)
}

func (h helmCluster) Status(ctx context.Context, namespace, name string) (workflows.ReleaseState, error) {
	return h.helm.Status(ctx, namespace, name)
}

func (h helmCluster) Compare(ctx context.Context, spec workflows.ReleaseSpec) (string, int, error) {
	p, err := h.helm.Preview(ctx, spec)
	return p.Diff, p.Changed, err
}

// chart finds a chart for a Stack: through its proxy, trusting its CA bundle.
func (a adapters) chart(ctx context.Context, src workflows.ChartSource, s workflows.Stack) (workflows.Chart, error) {
	switch src.Kind {
	case workflows.ChartBuiltIn:
		c, err := charts.BuiltIn(src.Name)
		if err == nil && src.Digest != "" && src.Digest != c.Digest {
			return c, &workflows.Problem{
				Code: "chart.digest", What: "The built-in chart is another one by now", Why: "Hubwright was updated since the plan was made",
				Fix: "Start again from the draft: the plan then shows what the new chart changes.",
			}
		}
		return c, err
	case workflows.ChartUploaded:
		archive, err := a.uploads.Read(src.Digest)
		if err != nil {
			return workflows.Chart{}, &workflows.Problem{Code: "chart.upload", What: "The uploaded archive is not there any more", Why: "its file is missing in the data folder or was changed", Fix: "Upload it again."}
		}
		return charts.Read(archive, src)
	}
	return a.fetched.locate(src, s.ID, func() (workflows.Chart, error) {
		return charts.Locate(ctx, src, charts.Net{CABundle: s.CABundle, Proxy: s.HTTPSProxy})
	})
}

// gatewayDefinitions are those of a file: an uploaded one, or one that is
// fetched the Stack's way.
func (a adapters) gatewayDefinitions(ctx context.Context, src workflows.ChartSource, s workflows.Stack) (workflows.GatewayDefinitions, error) {
	if src.Kind == workflows.ManifestURL {
		text, err := charts.Manifest(ctx, src, charts.Net{CABundle: s.CABundle, Proxy: s.HTTPSProxy})
		if err != nil {
			return workflows.GatewayDefinitions{}, err
		}
		return kube.ReadGatewayDefinitions(text)
	}
	text, err := a.uploads.Read(src.Digest)
	if err != nil {
		return workflows.GatewayDefinitions{}, &workflows.Problem{Code: "gateway.upload", What: "The uploaded file is not there any more", Why: "it is missing in the data folder or was changed", Fix: "Upload it again."}
	}
	return kube.ReadGatewayDefinitions(text)
}

// fetchedCharts remembers charts for a short time: pages, checks and the plan
// of one draft ask for the same ones again and again.
type fetchedCharts struct {
	mu   sync.Mutex
	have map[chartKey]fetchedChart
}

type chartKey struct {
	src     workflows.ChartSource
	stackID string
}

type fetchedChart struct {
	chart workflows.Chart
	at    time.Time
}

const chartFresh = 2 * time.Minute

func (f *fetchedCharts) locate(src workflows.ChartSource, stackID string, fetch func() (workflows.Chart, error)) (workflows.Chart, error) {
	key := chartKey{src, stackID}
	f.mu.Lock()
	got, ok := f.have[key]
	f.mu.Unlock()
	if ok && time.Since(got.at) < chartFresh {
		return got.chart, nil
	}
	c, err := fetch()
	if err != nil {
		return c, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, old := range f.have {
		if time.Since(old.at) >= chartFresh {
			delete(f.have, k)
		}
	}
	if f.have == nil {
		f.have = map[chartKey]fetchedChart{}
	}
	f.have[key] = fetchedChart{c, time.Now()}
	return c, nil
}

func (a adapters) app() app.Needs {
	return app.Needs{
		Records: a.db, Chart: a.chart, Definitions: a.gatewayDefinitions, CheckValues: charts.CheckValues, Hide: charts.Hide, Probe: probe, Clock: time.Now, Pause: workflows.Pause,
		Open: func(ctx context.Context, c workflows.Cluster) (app.Kube, error) { return a.openHelm(ctx, c) },
	}
}

func (a adapters) autoscale() autoscale.Needs {
	return autoscale.Needs{
		Records: a.db, Load: load, Clock: time.Now, Pause: workflows.Pause,
		Open: func(ctx context.Context, c workflows.Cluster) (autoscale.Kube, error) {
			k, err := a.openHelm(ctx, c)
			return k, err
		},
	}
}
