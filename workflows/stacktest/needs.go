package stacktest

import (
	"context"

	w "hubwright/workflows"
)

// Needs is what the test looks at the world through.
type Needs struct {
	Records Records
	OpenHub func(ctx context.Context, s w.Stack) (Hub, error)
	// Discover asks a Hub's metadata endpoint who it is.
	Discover func(ctx context.Context, armEndpoint, caBundle, httpsProxy string) (w.HubMetadata, string, error)
}

// Records are our own.
type Records interface {
	Stack(ctx context.Context, id string) (w.Stack, error)
}

// Hub is the Azure Stack Hub, seen as the Stack's principal sees it. Errors
// are *workflows.Problem.
type Hub interface {
	Resolve(ctx context.Context) (addrs []string, err error)
	TLS(ctx context.Context) error
	Login(ctx context.Context) error
	Subscription(ctx context.Context) (w.Subscription, error)
	CanContribute(ctx context.Context) (bool, string, error)
	Providers(ctx context.Context, namespaces ...string) ([]w.Provider, error)
	HasImage(ctx context.Context, ref w.ImageRef) (found bool, available []string, err error)
	HasExtension(ctx context.Context, publisher, typ, minVersion string) (found bool, available []string, err error)
	Usages(ctx context.Context) ([]w.Usage, error)
}
