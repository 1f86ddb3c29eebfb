package main

import (
	"context"
	"time"

	"sigs.k8s.io/yaml"

	"hubwright/internal/azure"
	"hubwright/internal/charts"
	"hubwright/workflows"
	"hubwright/workflows/monitoring"
)

func (a adapters) monitoring() monitoring.Needs {
	return monitoring.Needs{
		Records: a.db, Vault: a.vault, Engine: a.operate(),
		OpenAzure: func(ctx context.Context, c workflows.Connection) (monitoring.Azure, error) {
			cloud, err := a.clouds.Open(ctx, c)
			return azureForMonitoring{cloud}, err
		},
		OpenCluster: func(ctx context.Context, c workflows.Cluster) (monitoring.Cluster, error) {
			k, err := a.openHelm(ctx, c)
			return clusterForMonitoring{k}, err
		},
		Chart: a.chart,
		Hide:  charts.Hide, ReadYAML: readValues,
		Clock: time.Now, Pause: workflows.Pause,
	}
}

func readValues(text string) (map[string]any, error) {
	var out map[string]any
	err := yaml.Unmarshal([]byte(text), &out)
	return out, err
}

type azureForMonitoring struct{ *azure.Cloud }

func (c azureForMonitoring) Workspaces(ctx context.Context) ([]monitoring.Workspace, error) {
	all, err := c.Cloud.Workspaces(ctx)
	var out []monitoring.Workspace
	for _, ws := range all {
		out = append(out, monitoring.Workspace(ws))
	}
	return out, err
}

func (c azureForMonitoring) EnsureWorkspace(ctx context.Context, spec monitoring.Workspace) (monitoring.Workspace, monitoring.Outcome, error) {
	ws, what, err := c.Cloud.EnsureWorkspace(ctx, azure.Workspace(spec))
	return monitoring.Workspace(ws), monitoring.Outcome(what), err
}

func (c azureForMonitoring) EnsureSolution(ctx context.Context, ws monitoring.Workspace) (bool, error) {
	return c.Cloud.EnsureSolution(ctx, azure.Workspace(ws))
}

func (c azureForMonitoring) WorkspaceKey(ctx context.Context, ws monitoring.Workspace) (string, error) {
	return c.Cloud.WorkspaceKey(ctx, azure.Workspace(ws))
}

type clusterForMonitoring struct{ helmCluster }

func (c clusterForMonitoring) Nodes(ctx context.Context) ([]string, error) {
	nodes, err := c.Cluster.Nodes(ctx)
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out, err
}

func (c clusterForMonitoring) Agents(ctx context.Context) ([]monitoring.Workload, error) {
	all, err := c.Cluster.Agents(ctx)
	var out []monitoring.Workload
	for _, x := range all {
		out = append(out, monitoring.Workload(x))
	}
	return out, err
}

func (c clusterForMonitoring) Status(ctx context.Context, namespace, name string) (workflows.ReleaseState, error) {
	return c.helm.Status(ctx, namespace, name)
}
