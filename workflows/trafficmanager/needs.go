package trafficmanager

import (
	"context"
	"time"

	w "hubwright/workflows"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records Records
	// OpenCloud prepares to speak to public Azure; it sends nothing.
	OpenCloud func(ctx context.Context, c w.Connection) (Cloud, error)
	// OpenVisitor asks for names as users do, with a Connection's name server,
	// proxy and trusted roots; the zero Connection has none.
	OpenVisitor func(c w.Connection) (Visitor, error)
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	Deployment(ctx context.Context, id string) (w.Deployment, error)
	Sites(ctx context.Context, deploymentID string) ([]w.Site, error)
	Stack(ctx context.Context, id string) (w.Stack, error)
	Endpoint(ctx context.Context, siteID string) (w.Endpoint, error)
	Connection(ctx context.Context, id string) (w.Connection, error)
	Connections(ctx context.Context) ([]w.Connection, error)
	TrafficProfile(ctx context.Context, deploymentID string) (w.TrafficProfile, error)
	SaveTrafficProfile(ctx context.Context, p *w.TrafficProfile) error
}

// Cloud is public Azure. Errors are *workflows.Problem.
type Cloud interface {
	Login(ctx context.Context) error
	ResourceGroups(ctx context.Context) ([]string, error)
	Locations(ctx context.Context) ([]w.Option, error)
	EnsureResourceGroup(ctx context.Context, name, location string) (made bool, err error)
	NameAvailable(ctx context.Context, relative string) (free bool, says string, err error)
	TrafficProfiles(ctx context.Context) ([]w.TrafficProfile, error)
	TrafficProfile(ctx context.Context, group, name string) (w.TrafficProfile, w.TrafficHealth, error)
	SaveTrafficProfile(ctx context.Context, p w.TrafficProfile) error
}

// Visitor is a user of the Internet. Errors are *workflows.Problem.
type Visitor interface {
	Lookup(ctx context.Context, name string) (addresses []string, alias string, err error)
	Get(ctx context.Context, link, host string) (status int, err error)
}
