package main

import (
	"context"

	"hubwright/workflows"
	"hubwright/workflows/collectlogs"
	"hubwright/workflows/rotatecerts"
	"hubwright/workflows/rotatesecret"
	"hubwright/workflows/upgrade"
)

func (a adapters) collectLogs() collectlogs.Needs {
	return collectlogs.Needs{Engine: a.operate(), Keep: a.files.Write}
}

func (a adapters) rotateSecret() rotatesecret.Needs {
	return rotatesecret.Needs{Engine: a.operate(), SaveStack: func(ctx context.Context, s *workflows.Stack) error { return a.db.SaveStack(ctx, s) }}
}

func (a adapters) upgrade() upgrade.Needs {
	return upgrade.Needs{
		Engine: a.operate(), NodeTimes: a.db.NodeTimes,
		Survey: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, helper workflows.HelperVM) (workflows.Survey, error) {
			k, err := a.anyWay(ctx, kubeconfig, s, helper.SiteID)
			if err != nil {
				return workflows.Survey{}, err
			}
			defer k.Close()
			return k.Survey(ctx)
		},
		APIUses: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, helper workflows.HelperVM, removed []workflows.RemovedAPI) ([]workflows.APIUse, error) {
			k, err := a.anyWay(ctx, kubeconfig, s, helper.SiteID)
			if err != nil {
				return nil, err
			}
			defer k.Close()
			return k.APIUses(ctx, removed)
		},
	}
}

func (a adapters) rotateCertificates() rotatecerts.Needs {
	return rotatecerts.Needs{
		Engine: a.operate(),
		SystemPods: func(ctx context.Context, kubeconfig []byte, s workflows.Stack, helper workflows.HelperVM) ([]workflows.Component, error) {
			k, err := a.anyWay(ctx, kubeconfig, s, helper.SiteID)
			if err != nil {
				return nil, err
			}
			defer k.Close()
			return k.SystemPods(ctx)
		},
	}
}
