package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"hubwright/handlers"
	"hubwright/internal/kube"
	"hubwright/internal/problem"
	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/connect"
)

const (
	firstAnswer  = 6 * time.Second // how long the direct way may take before the tunnel is tried
	secondAnswer = 15 * time.Second
)

// liveCluster is a cluster with the way that leads to it.
type liveCluster struct {
	*kube.Cluster
	host      *remote.Host // the tunnel, nil with the direct way
	notDirect string       // why the direct way was not taken, when it was tried
}

// ViaHelper says whether the helper VM is between.
func (c liveCluster) ViaHelper() bool { return c.host != nil }

// NotDirect is why the direct way was not taken, "" when it was or nobody tried.
func (c liveCluster) NotDirect() string { return c.notDirect }

// Close ends idle connections and the tunnel.
func (c liveCluster) Close() error {
	err := c.Cluster.Close()
	if c.host != nil {
		err = errors.Join(err, c.host.Close())
	}
	return err
}

func (a adapters) openKube(ctx context.Context, kubeconfig []byte, s workflows.Stack, siteID string, viaHelper bool) (liveCluster, error) {
	if !viaHelper {
		k, err := kube.Open(kubeconfig, kube.Way{Proxy: s.HTTPSProxy})
		return liveCluster{Cluster: k}, err
	}
	host, err := a.dialHelper(ctx, siteID)
	if err != nil {
		return liveCluster{}, err
	}
	k, err := kube.Open(kubeconfig, kube.Way{Dial: host.DialTCP})
	if err != nil {
		return liveCluster{}, errors.Join(err, host.Close())
	}
	return liveCluster{Cluster: k, host: host}, nil
}

// anyWay takes the direct way where it leads to the API server, else the
// tunnel. It fails when neither does, and when the API server itself refuses:
// it would do so through the tunnel, too.
func (a adapters) anyWay(ctx context.Context, kubeconfig []byte, s workflows.Stack, siteID string) (liveCluster, error) {
	direct, err := a.openKube(ctx, kubeconfig, s, siteID, false)
	if err != nil {
		return direct, err
	}
	if err = answers(ctx, direct, firstAnswer); err == nil {
		return direct, nil
	}
	direct.Close()
	if ctx.Err() != nil || kube.Refused(err) {
		return liveCluster{}, err
	}
	tunnel, terr := a.openKube(ctx, kubeconfig, s, siteID, true)
	if terr == nil {
		if terr = answers(ctx, tunnel, secondAnswer); terr == nil {
			tunnel.notDirect = bare(err)
			return tunnel, nil
		}
		tunnel.Close()
	}
	if ctx.Err() != nil || kube.Refused(terr) {
		return liveCluster{}, terr
	}
	return liveCluster{}, neither(err, terr)
}

func answers(ctx context.Context, k liveCluster, within time.Duration) error {
	try, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	_, err := k.ServerVersion(try)
	return err
}

func neither(direct, tunnel error) error {
	d, t := problem.From(direct), problem.From(tunnel)
	return &workflows.Problem{
		Code: d.Code, What: "The cluster's API server is not reachable", Why: "Directly: " + bare(d) + ". Through the helper VM: " + bare(t) + ".",
		Fix: d.Fix, Detail: d.Detail + "\n" + t.Detail,
	}
}

// bare is an error in words, without the full stop.
func bare(err error) string { return strings.TrimSuffix(problem.From(err).Error(), ".") }

type kubeForConnect struct {
	liveCluster
	proxy string
}

// EnsureScopedAccount gives out a kubeconfig with the Stack's proxy in it, as
// the administrator's has it.
func (k kubeForConnect) EnsureScopedAccount(ctx context.Context, acc connect.Account) (connect.Access, error) {
	got, err := k.Cluster.EnsureScopedAccount(ctx, kube.ScopedAccount(acc))
	if err == nil {
		got.Kubeconfig, err = kube.WithProxy(got.Kubeconfig, k.proxy)
	}
	return connect.Access(got), err
}

func (a adapters) connect() connect.Needs {
	return connect.Needs{
		Records: a.db, Vault: a.vault, Validate: kube.Validate, Table: kube.NodesTable, DeployerRole: kube.DeployerRole, Clock: time.Now, Pause: workflows.Pause,
		OpenKube: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, siteID, way string) (k connect.Kube, err error) {
			var live liveCluster
			if way == connect.WayAuto {
				live, err = a.anyWay(ctx, kubeconfig, s, siteID)
			} else {
				live, err = a.openKube(ctx, kubeconfig, s, siteID, way == connect.WayHelper)
			}
			return kubeForConnect{live, s.HTTPSProxy}, err
		},
	}
}

// custody is a cluster's kubeconfig with its Stack.
func (a adapters) custody(ctx context.Context, c workflows.Cluster) ([]byte, workflows.Stack, error) {
	if c.Kubeconfig == "" {
		return nil, workflows.Stack{}, workflows.ErrNotFound
	}
	site, err := a.db.Site(ctx, c.SiteID)
	if err != nil {
		return nil, workflows.Stack{}, err
	}
	stack, err := a.db.Stack(ctx, site.StackID)
	if err != nil {
		return nil, stack, err
	}
	raw, err := a.vault.Open(ctx, c.Kubeconfig)
	return raw, stack, err
}

// Look asks a live cluster for its page.
func (a adapters) Look(ctx context.Context, c workflows.Cluster) (handlers.ClusterLook, error) {
	look := handlers.ClusterLook{At: time.Now()}
	raw, stack, err := a.custody(ctx, c)
	if err != nil {
		return look, err
	}
	k, err := a.openKube(ctx, raw, stack, c.SiteID, c.ViaHelper)
	if err != nil {
		return look, err
	}
	defer k.Close()
	if look.Nodes, err = k.Nodes(ctx); err != nil {
		return look, err
	}
	if look.Components, err = k.Components(ctx); err != nil {
		return look, err
	}
	if look.Info, err = k.ClusterInfo(ctx); err != nil {
		return look, err
	}
	if look.Autoscalers, err = k.Autoscalers(ctx, ""); err != nil {
		return look, err
	}
	look.Certificates, err = k.CertificateExpiry(ctx)
	return look, err
}

// Kubeconfig is the cluster-admin kubeconfig with the Stack's proxy in it.
func (a adapters) Kubeconfig(ctx context.Context, c workflows.Cluster) ([]byte, error) {
	raw, stack, err := a.custody(ctx, c)
	if err != nil {
		return nil, err
	}
	return kube.WithProxy(raw, stack.HTTPSProxy)
}
