package main

import (
	"context"
	"io"
	"time"

	"hubwright/internal/azure"
	"hubwright/workflows"
	"hubwright/workflows/drill"
	"hubwright/workflows/rotation"
	"hubwright/workflows/trafficmanager"
)

func (a adapters) trafficManager() trafficmanager.Needs {
	return trafficmanager.Needs{
		Records: a.db, Pause: workflows.Pause,
		OpenCloud: func(ctx context.Context, c workflows.Connection) (trafficmanager.Cloud, error) {
			return a.clouds.Open(ctx, c)
		},
		OpenVisitor: func(c workflows.Connection) (trafficmanager.Visitor, error) {
			return azure.NewVisitor(c.CABundle, c.HTTPSProxy, c.DNSServer)
		},
	}
}

func (a adapters) rotate() rotation.Needs {
	return rotation.Needs{
		Records: a.db, Rotation: a.rotation, Pause: workflows.Pause,
		OpenFront: func(ctx context.Context, deploymentID string) (rotation.Front, error) {
			return a.rotation.Front(ctx, deploymentID)
		},
	}
}

func (a adapters) drill() drill.Needs {
	return drill.Needs{
		Records: a.db, Rotation: a.rotation, Pause: workflows.Pause, Clock: time.Now, Keep: a.files.Write,
		Kept: func(runID, name string) (io.ReadCloser, error) { return a.files.Open(runID, name) },
		OpenFront: func(ctx context.Context, deploymentID string) (drill.Front, error) {
			return a.rotation.Front(ctx, deploymentID)
		},
	}
}
