package main

import (
	"context"
	"io"
	"time"

	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/cluster"
	"hubwright/workflows/operate"
)

func (a adapters) cluster() cluster.Needs {
	return cluster.Needs{
		Engine:     a.operate(),
		NewKeyPair: remote.NewKeyPair,
		ParseAuthorizedKey: func(text string) (cluster.KeyInfo, error) {
			k, err := remote.ParseAuthorizedKey(text)
			return cluster.KeyInfo{Type: k.Type, Bits: k.Bits, Fingerprint: k.Fingerprint, Comment: k.Comment}, err
		},
	}
}

// operate is what every workflow needs that runs AKS Engine.
func (a adapters) operate() operate.Needs {
	return operate.Needs{
		Records: a.db, Vault: a.vault,
		OpenHub: func(ctx context.Context, s workflows.Stack) (operate.Hub, error) { return a.hubs.Open(ctx, s) },
		OpenHost: func(ctx context.Context, siteID string) (operate.Host, error) {
			h, err := a.dialHelper(ctx, siteID)
			if err != nil {
				return nil, err
			}
			return engineHost{h}, nil
		},
		OpenKube: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, helper workflows.HelperVM) (operate.Kube, error) {
			return a.anyWay(ctx, kubeconfig, s, helper.SiteID)
		},
		OpenNode: a.openNode,
		Watch:    watchEngine, Pairing: a.pairing(),
		Quote: remote.Quote, Clock: time.Now, Pause: workflows.Pause,
	}
}

type engineHost struct{ *remote.Host }

func (h engineHost) Run(ctx context.Context, script string, stdin io.Reader) (operate.Output, error) {
	out, err := h.Host.Run(ctx, script, stdin)
	return operate.Output(out), err
}

func (h engineHost) StartJob(ctx context.Context, j operate.Job) (bool, error) {
	return h.Host.StartJob(ctx, remote.Job(j))
}

func (h engineHost) JobState(ctx context.Context, id string) (string, int, int64, error) {
	st, err := h.Host.JobStatus(ctx, id)
	return string(st.State), st.ExitCode, st.OutputSize, err
}

func watchEngine(ctx context.Context, open func(ctx context.Context) (operate.Host, error), job string, cur workflows.Cursor,
	classify func(string) workflows.Level, onLines func([]workflows.OutputLine), onState func(string)) (int, error) {
	dial := func(ctx context.Context) (*remote.Host, error) {
		h, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return h.(engineHost).Host, nil
	}
	return remote.Watch(ctx, dial, job, cur, classify, onLines, onState)
}
