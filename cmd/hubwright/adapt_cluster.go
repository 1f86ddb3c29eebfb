package main

import (
	"context"
	"io"
	"time"

	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/cluster"
)

func (a adapters) cluster() cluster.Needs {
	return cluster.Needs{
		Records: a.db, Vault: a.vault,
		OpenHub: func(ctx context.Context, s workflows.Stack) (cluster.Hub, error) { return a.hubs.Open(ctx, s) },
		OpenHost: func(ctx context.Context, siteID string) (cluster.Host, error) {
			h, err := a.dialHelper(ctx, siteID)
			if err != nil {
				return nil, err
			}
			return hostForCluster{h}, nil
		},
		OpenKube: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, helper workflows.HelperVM) (cluster.Kube, error) {
			return a.anyWay(ctx, kubeconfig, s, helper.SiteID)
		},
		Watch:      watchForCluster,
		NewKeyPair: remote.NewKeyPair,
		ParseAuthorizedKey: func(text string) (cluster.KeyInfo, error) {
			k, err := remote.ParseAuthorizedKey(text)
			return cluster.KeyInfo{Type: k.Type, Bits: k.Bits, Fingerprint: k.Fingerprint, Comment: k.Comment}, err
		},
		Quote: remote.Quote, Clock: time.Now, Pause: pause,
	}
}

type hostForCluster struct{ *remote.Host }

func (h hostForCluster) Run(ctx context.Context, script string, stdin io.Reader) (cluster.Output, error) {
	out, err := h.Host.Run(ctx, script, stdin)
	return cluster.Output(out), err
}

func (h hostForCluster) StartJob(ctx context.Context, j cluster.Job) (bool, error) {
	return h.Host.StartJob(ctx, remote.Job(j))
}

func (h hostForCluster) JobState(ctx context.Context, id string) (string, int, int64, error) {
	st, err := h.Host.JobStatus(ctx, id)
	return string(st.State), st.ExitCode, st.OutputSize, err
}

func watchForCluster(ctx context.Context, open func(ctx context.Context) (cluster.Host, error), job string, cur workflows.Cursor,
	classify func(string) workflows.Level, onLines func([]workflows.OutputLine), onState func(string)) (int, error) {
	dial := func(ctx context.Context) (*remote.Host, error) {
		h, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return h.(hostForCluster).Host, nil
	}
	return remote.Watch(ctx, dial, job, cur, classify, onLines, onState)
}
