package main

import (
	"context"
	"errors"
	"time"

	"hubwright/handlers"
	"hubwright/internal/kube"
	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/connect"
)

const firstAnswer = 6 * time.Second // how long the direct way may take before the tunnel is tried

// liveCluster is a cluster with the way that leads to it.
type liveCluster struct {
	*kube.Cluster
	host *remote.Host // the tunnel, nil with the direct way
}

// ViaHelper says whether the helper VM is between.
func (c liveCluster) ViaHelper() bool { return c.host != nil }

// Close ends the tunnel.
func (c liveCluster) Close() error {
	if c.host == nil {
		return nil
	}
	return c.host.Close()
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
// tunnel.
func (a adapters) anyWay(ctx context.Context, kubeconfig []byte, s workflows.Stack, siteID string) (liveCluster, error) {
	direct, err := a.openKube(ctx, kubeconfig, s, siteID, false)
	if err != nil {
		return direct, err
	}
	try, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel()
	if _, err = direct.ServerVersion(try); err == nil || ctx.Err() != nil {
		return direct, ctx.Err()
	}
	tunnel, terr := a.openKube(ctx, kubeconfig, s, siteID, true)
	if terr != nil {
		return direct, err
	}
	if _, terr = tunnel.ServerVersion(ctx); terr != nil {
		tunnel.Close()
		return direct, err
	}
	return tunnel, nil
}

type kubeForConnect struct{ liveCluster }

func (k kubeForConnect) EnsureScopedAccount(ctx context.Context, acc connect.Account) ([]byte, time.Time, error) {
	return k.Cluster.EnsureScopedAccount(ctx, kube.ScopedAccount(acc))
}

func (a adapters) connect() connect.Needs {
	return connect.Needs{
		Records: a.db, Vault: a.vault, Validate: kube.Validate, Table: kube.NodesTable, Clock: time.Now, Pause: pause,
		OpenKube: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, siteID string, viaHelper bool) (connect.Kube, error) {
			k, err := a.openKube(ctx, kubeconfig, s, siteID, viaHelper)
			return kubeForConnect{k}, err
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
