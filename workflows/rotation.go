package workflows

import (
	"context"
	"time"
)

// Healths of a Site behind the Deployment's one name. What Traffic Manager or
// the team's own load balancer says of the Site's endpoint is put into these.
const (
	SiteOnline   = "online"   // the endpoint answers
	SiteDegraded = "degraded" // the endpoint was asked and does not answer as it should
	SiteChecking = "checking" // not asked often enough yet
	SiteUnknown  = "unknown"  // nobody asks, or it could not be found out
)

// SiteRotation is how a Site stands behind the Deployment's one name.
type SiteRotation struct {
	SiteID     string
	InRotation bool   // new clients may be led to the Site
	Health     string // SiteOnline, SiteDegraded, SiteChecking or SiteUnknown
}

// Rotation takes Sites out of the answers of the Deployment's one name and
// puts them back.
type Rotation interface {
	// State is how every Site of the Deployment stands, in the Sites' order.
	// ErrNotFound says that the Deployment has no name yet.
	State(ctx context.Context, deploymentID string) ([]SiteRotation, error)
	// TakeOut leads new clients elsewhere. Those that asked before know the
	// Site for wait; after that it can be disturbed. A Site that is out
	// already is no error. The last Site in rotation is never taken out: that
	// is a *Problem with the code rotation.last.
	TakeOut(ctx context.Context, siteID string) (wait time.Duration, err error)
	// PutBack leads clients to the Site again. A Site that is in rotation
	// already is no error.
	PutBack(ctx context.Context, siteID string) error
}
