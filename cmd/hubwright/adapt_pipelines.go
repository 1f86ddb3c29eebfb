package main

import (
	"context"
	"io"
	"time"

	"hubwright/internal/charts"
	"hubwright/internal/devops"
	"hubwright/internal/kube"
	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/pipelines"
)

func (a adapters) pipelines() pipelines.Needs {
	return pipelines.Needs{
		Records: a.db, Vault: a.vault, DeployerRole: kube.DeployerRole, Chart: charts.BuiltIn, Quote: remote.Quote, Clock: time.Now, Pause: workflows.Pause,
		OpenDevOps: func(ctx context.Context, c workflows.Connection) (pipelines.Organization, error) {
			o, err := a.organizations().Open(ctx, c)
			if err != nil {
				return nil, err
			}
			return organization{o}, nil
		},
		OpenHub: func(ctx context.Context, s workflows.Stack) (pipelines.Hub, error) {
			h, err := a.hubs.Open(ctx, s)
			return vmHub{h}, err
		},
		NewKeyPair: remote.NewKeyPair, PublicKey: remote.ParsePrivateKey,
		OpenKube: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, siteID string) (pipelines.Kube, error) {
			k, err := a.anyWay(ctx, kubeconfig, s, siteID)
			if err != nil {
				return nil, err
			}
			helm := charts.Open(k.Config())
			helm.Farewell = agentFarewell
			return kubeForPipelines{helmCluster{k, helm}}, nil
		},
		Credential: func(kubeconfig []byte) (pipelines.Credential, error) {
			c, err := kube.CredentialOf(kubeconfig)
			return pipelines.Credential(c), err
		},
		ScanHostKey: func(ctx context.Context, t pipelines.Target) (string, string, error) {
			return remote.ScanHostKey(ctx, remote.Target(t))
		},
		Dial: func(ctx context.Context, t pipelines.Target) (pipelines.Host, error) {
			h, err := remote.Dial(ctx, remote.Target(t))
			if err != nil {
				return nil, err
			}
			return agentHost{h}, nil
		},
		OpenHelper: func(ctx context.Context, siteID string) (pipelines.Host, error) {
			h, err := a.dialHelper(ctx, siteID)
			if err != nil {
				return nil, err
			}
			return agentHost{h}, nil
		},
	}
}

// agentFarewell is longer than a job of an agent on the cluster may take to its
// end.
const agentFarewell = 40 * time.Minute

type kubeForPipelines struct{ helmCluster }

// Trouble is what keeps a release's pods from being well.
func (k kubeForPipelines) Trouble(ctx context.Context, namespace, release string) (*workflows.Problem, error) {
	return k.helm.Trouble(ctx, namespace, release)
}

// EnsureAccount gives out a kubeconfig as an agent uses it: beside the cluster,
// so without the Stack's proxy.
func (k kubeForPipelines) EnsureAccount(ctx context.Context, acc pipelines.Account) (pipelines.Access, error) {
	got, err := k.EnsureScopedAccount(ctx, kube.ScopedAccount{Namespace: acc.Namespace, Name: acc.Name, TTL: acc.TTL, Role: kube.RoleDeployer})
	return pipelines.Access(got), err
}

type agentHost struct{ *remote.Host }

func (h agentHost) Run(ctx context.Context, script string, stdin io.Reader) (pipelines.Output, error) {
	out, err := h.Host.Run(ctx, script, stdin)
	return pipelines.Output(out), err
}

func (h agentHost) StartJob(ctx context.Context, j pipelines.Job) (bool, error) {
	return h.Host.StartJob(ctx, remote.Job(j))
}

func (h agentHost) JobState(ctx context.Context, id string) (string, int, int64, error) {
	st, err := h.Host.JobStatus(ctx, id)
	return string(st.State), st.ExitCode, st.OutputSize, err
}

// organization is a devops.Organization in the workflow's words.
type organization struct{ *devops.Organization }

func (o organization) Projects(ctx context.Context) ([]pipelines.Project, error) {
	all, err := o.Organization.Projects(ctx)
	out := make([]pipelines.Project, len(all))
	for i, p := range all {
		out[i] = pipelines.Project(p)
	}
	return out, err
}

func (o organization) Project(ctx context.Context, name string) (pipelines.Project, error) {
	p, err := o.Organization.Project(ctx, name)
	return pipelines.Project(p), err
}

func (o organization) EndpointByName(ctx context.Context, projectID, name string) (*pipelines.Endpoint, error) {
	e, err := o.Organization.EndpointByName(ctx, projectID, name)
	return (*pipelines.Endpoint)(e), err
}

func (o organization) Endpoint(ctx context.Context, projectID, id string) (*pipelines.Endpoint, error) {
	e, err := o.Organization.Endpoint(ctx, projectID, id)
	return (*pipelines.Endpoint)(e), err
}

func specOf(s pipelines.Spec) devops.Spec {
	return devops.Spec{Name: s.Name, Description: s.Description, Server: s.Server, Project: devops.Project(s.Project), Token: s.Token, CA: s.CA, Kubeconfig: s.Kubeconfig, Context: s.Context}
}

func (o organization) CreateEndpoint(ctx context.Context, s pipelines.Spec) (pipelines.Endpoint, error) {
	e, err := o.Organization.CreateEndpoint(ctx, specOf(s))
	return pipelines.Endpoint(e), err
}

func (o organization) UpdateEndpoint(ctx context.Context, id string, s pipelines.Spec) (pipelines.Endpoint, error) {
	e, err := o.Organization.UpdateEndpoint(ctx, id, specOf(s))
	return pipelines.Endpoint(e), err
}

func (o organization) ShareEndpoint(ctx context.Context, id, name string, p pipelines.Project) error {
	return o.Organization.ShareEndpoint(ctx, id, name, devops.Project(p))
}

func (o organization) Pools(ctx context.Context) ([]pipelines.Pool, error) {
	all, err := o.Organization.Pools(ctx)
	out := make([]pipelines.Pool, len(all))
	for i, p := range all {
		out[i] = pipelines.Pool(p)
	}
	return out, err
}

func (o organization) HasQueue(ctx context.Context, projectID string, p pipelines.Pool) (bool, error) {
	return o.Organization.HasQueue(ctx, projectID, devops.Pool(p))
}

func (o organization) AddQueue(ctx context.Context, projectID string, p pipelines.Pool) error {
	return o.Organization.AddQueue(ctx, projectID, devops.Pool(p))
}

func (o organization) Agent(ctx context.Context, poolID int, name string) (*pipelines.Agent, error) {
	a, err := o.Organization.Agent(ctx, poolID, name)
	return (*pipelines.Agent)(a), err
}

func (o organization) AgentPackage(ctx context.Context) (pipelines.Package, error) {
	p, err := o.Organization.AgentPackage(ctx)
	return pipelines.Package(p), err
}
