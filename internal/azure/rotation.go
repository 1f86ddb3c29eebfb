package azure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	w "hubwright/workflows"
)

// Records are our own, as the Rotation needs them. *store.DB is one.
type Records interface {
	Site(ctx context.Context, id string) (w.Site, error)
	Sites(ctx context.Context, deploymentID string) ([]w.Site, error)
	Stack(ctx context.Context, id string) (w.Stack, error)
	Connection(ctx context.Context, id string) (w.Connection, error)
	TrafficProfile(ctx context.Context, deploymentID string) (w.TrafficProfile, error)
	SaveTrafficProfile(ctx context.Context, p *w.TrafficProfile) error
}

// Rotation takes Sites out of Traffic Manager's answers and puts them back. It
// is a workflows.Rotation. One process has one, so that two Sites are not
// taken out at the same moment.
type Rotation struct {
	records Records
	clouds  *Clouds
	mu      sync.Mutex
}

// NewRotation makes a Rotation.
func NewRotation(records Records, clouds *Clouds) *Rotation {
	return &Rotation{records: records, clouds: clouds}
}

var _ w.Rotation = (*Rotation)(nil)

// State is how every Site of the Deployment stands.
func (r *Rotation) State(ctx context.Context, deploymentID string) ([]w.SiteRotation, error) {
	p, err := r.records.TrafficProfile(ctx, deploymentID)
	if err != nil {
		return nil, err
	}
	return r.state(ctx, p)
}

func (r *Rotation) state(ctx context.Context, p w.TrafficProfile) ([]w.SiteRotation, error) {
	sites, err := r.records.Sites(ctx, p.DeploymentID)
	if err != nil {
		return nil, err
	}
	look := r.lookAzure
	if p.Kind == w.TrafficOwn {
		look = r.lookSelf
	}
	found, err := look(ctx, p)
	if err != nil {
		return nil, err
	}
	out := make([]w.SiteRotation, 0, len(sites))
	for _, site := range sites {
		one, ok := found[site.ID]
		if !ok {
			one.Health = w.SiteUnknown
		}
		one.SiteID = site.ID
		out = append(out, one)
	}
	return out, nil
}

// lookAzure asks Traffic Manager.
func (r *Rotation) lookAzure(ctx context.Context, p w.TrafficProfile) (map[string]w.SiteRotation, error) {
	c, err := r.cloud(ctx, p)
	if err != nil {
		return nil, err
	}
	now, h, err := c.TrafficProfile(ctx, p.ResourceGroup, p.Name)
	if errors.Is(err, w.ErrNotFound) {
		return nil, &w.Problem{
			Code: "rotation.gone", What: "The Traffic Manager profile " + p.Name + " is not there any more", Why: "Somebody deleted it in " + p.ResourceGroup + ".",
			Fix: "Run step 9 of the guide again: it makes the profile anew.",
		}
	}
	if err != nil {
		return nil, err
	}
	out := map[string]w.SiteRotation{}
	for _, e := range now.Endpoints {
		i := slices.IndexFunc(p.Endpoints, func(o w.TrafficEndpoint) bool { return strings.EqualFold(o.Name, e.Name) })
		if i >= 0 {
			out[p.Endpoints[i].SiteID] = w.SiteRotation{InRotation: e.Enabled && h.Profile != "Disabled", Health: healthOf(h.Endpoints[e.Name])}
		}
	}
	return out, nil
}

func healthOf(monitor string) string {
	switch monitor {
	case "Online":
		return w.SiteOnline
	case "Degraded", "Stopped":
		return w.SiteDegraded
	case "CheckingEndpoint":
		return w.SiteChecking
	}
	return w.SiteUnknown
}

// lookSelf visits each Site, where nobody else does.
func (r *Rotation) lookSelf(ctx context.Context, p w.TrafficProfile) (map[string]w.SiteRotation, error) {
	v, err := r.visitor(ctx, p)
	if err != nil {
		return nil, err
	}
	out := map[string]w.SiteRotation{}
	for _, e := range p.Endpoints {
		one := w.SiteRotation{InRotation: e.Enabled, Health: w.SiteUnknown}
		if p.Probe.Protocol != "TCP" {
			one.Health = w.SiteOnline
			if status, err := v.Get(ctx, linkTo(e.Target, p.Probe), p.Probe.Host); err != nil || status != 200 {
				one.Health = w.SiteDegraded
			}
		}
		out[e.SiteID] = one
	}
	return out, nil
}

func (r *Rotation) cloud(ctx context.Context, p w.TrafficProfile) (*Cloud, error) {
	conn, err := r.records.Connection(ctx, p.ConnectionID)
	if err != nil {
		return nil, err
	}
	return r.clouds.Open(ctx, conn)
}

// TakeOut leads new clients elsewhere.
func (r *Rotation) TakeOut(ctx context.Context, siteID string) (wait time.Duration, err error) {
	p, e, err := r.endpoint(ctx, siteID)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = time.Duration(p.TTL) * time.Second
	now, err := r.state(ctx, p)
	if err != nil {
		return 0, err
	}
	others := 0
	for _, s := range now {
		switch {
		case s.SiteID == siteID && !s.InRotation:
			return wait, r.remember(ctx, p, siteID, false)
		case s.SiteID != siteID && s.InRotation && s.Health != w.SiteDegraded:
			others++
		}
	}
	if others == 0 {
		return 0, &w.Problem{
			Code: "rotation.last", What: "This Site is the last one that serves users", Why: "No other Site is in rotation and well.",
			Fix: "Bring another Site back first. Then take this one out.",
		}
	}
	if err := r.set(ctx, p, e, false); err != nil {
		return 0, err
	}
	return wait, r.remember(ctx, p, siteID, false)
}

// PutBack leads clients to the Site again.
func (r *Rotation) PutBack(ctx context.Context, siteID string) error {
	p, e, err := r.endpoint(ctx, siteID)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now, err := r.state(ctx, p)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(now, func(s w.SiteRotation) bool { return s.SiteID == siteID }); i < 0 || !now[i].InRotation {
		if err := r.set(ctx, p, e, true); err != nil {
			return err
		}
	}
	return r.remember(ctx, p, siteID, true)
}

func (r *Rotation) endpoint(ctx context.Context, siteID string) (w.TrafficProfile, w.TrafficEndpoint, error) {
	site, err := r.records.Site(ctx, siteID)
	if err != nil {
		return w.TrafficProfile{}, w.TrafficEndpoint{}, err
	}
	p, err := r.records.TrafficProfile(ctx, site.DeploymentID)
	if err != nil {
		return p, w.TrafficEndpoint{}, err
	}
	e, ok := p.Endpoint(siteID)
	if !ok {
		return p, e, fmt.Errorf("endpoint of %s: %w", site.Name, w.ErrNotFound)
	}
	return p, e, nil
}

func (r *Rotation) set(ctx context.Context, p w.TrafficProfile, e w.TrafficEndpoint, enabled bool) error {
	if p.Kind == w.TrafficOwn {
		return &w.Problem{
			Code: "rotation.own", What: "Your load balancer has to do this", Why: "Hubwright only looks at " + p.FQDN + " and changes nothing of it.",
			Fix: "Take the Site out, or put it back, at the load balancer itself.",
		}
	}
	c, err := r.cloud(ctx, p)
	if err != nil {
		return err
	}
	return c.EnableTrafficEndpoint(ctx, p.ResourceGroup, p.Name, e.Name, enabled)
}

// remember records what is wanted of a Site's endpoint.
func (r *Rotation) remember(ctx context.Context, p w.TrafficProfile, siteID string, enabled bool) error {
	// Somebody may have recorded another Site in between.
	p, err := r.records.TrafficProfile(ctx, p.DeploymentID)
	if err != nil {
		return err
	}
	changed := false
	p.Endpoints = slices.Clone(p.Endpoints)
	for i := range p.Endpoints {
		if e := &p.Endpoints[i]; e.SiteID == siteID && e.Enabled != enabled {
			e.Enabled, changed = enabled, true
		}
	}
	if !changed {
		return nil
	}
	return r.records.SaveTrafficProfile(ctx, &p)
}
