package autoscale

import (
	"context"
	"time"

	w "hubwright/workflows"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records Records
	// Open reaches a Site's cluster with the kubeconfig in custody.
	Open func(ctx context.Context, c w.Cluster) (Kube, error)
	// Load sends requests to a Site's endpoint, so many a second, until ctx
	// ends. It tells how many were answered and how many failed.
	Load  func(ctx context.Context, s w.Stack, e w.Endpoint, perSecond int) (answered, failed int64)
	Clock func() time.Time
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	w.SiteRecords
	Releases(ctx context.Context, siteID string) ([]w.Release, error)
	Endpoint(ctx context.Context, siteID string) (w.Endpoint, error)
}

// Kube is a cluster. Errors are *workflows.Problem.
type Kube interface {
	ServerVersion(ctx context.Context) (string, error)
	// Metrics says how many nodes the metrics API has numbers of.
	Metrics(ctx context.Context) (int, error)
	Scalables(ctx context.Context) ([]w.Scalable, error)
	Autoscalers(ctx context.Context, namespace string) ([]w.Autoscaler, error)
	// DeleteAutoscaler removes one. One that is not there is no error.
	DeleteAutoscaler(ctx context.Context, namespace, name string) error
	EnsureAutoscaler(ctx context.Context, a w.Autoscaler) (changed bool, err error)
	Close() error
}
