package trafficmanager

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// health is what the probes found of an endpoint.
type health struct {
	status   string
	failures int    // in a row
	about    string // what was probed: another target begins anew
}

const (
	shortestInterval = 50 * time.Millisecond
	// shortestTimeout keeps a fast sandbox on a busy machine from taking
	// healthy endpoints for broken ones.
	shortestTimeout = time.Second
)

// watch makes the probes of a profile follow its new settings.
func (s *Service) watch(p *profile) {
	p = p.clone()
	key := strings.ToLower(p.ID)
	ctx, cancel := context.WithCancel(s.ctx)
	s.mu.Lock()
	if old := s.loops[key]; old != nil {
		old()
	}
	s.loops[key] = cancel
	there := map[string]bool{}
	for _, e := range p.Properties.Endpoints {
		id := strings.ToLower(e.ID)
		there[id] = true
		about := e.Properties.Target + " " + p.about()
		if h := s.health[id]; h == nil || h.about != about || !p.probes(e) {
			s.health[id] = &health{status: checking, about: about}
		}
	}
	for id := range s.health {
		if strings.HasPrefix(id, key+"/") && !there[id] {
			delete(s.health, id)
		}
	}
	s.mu.Unlock()
	for _, e := range p.Properties.Endpoints {
		if p.probes(e) {
			s.wg.Go(func() { s.probeOn(ctx, p, e) })
		}
	}
}

// forget ends the probes of a profile that goes.
func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(id)
	if cancel := s.loops[key]; cancel != nil {
		cancel()
		delete(s.loops, key)
	}
	for h := range s.health {
		if strings.HasPrefix(h, key+"/") {
			delete(s.health, h)
		}
	}
}

// about is what of the profile decides how endpoints are probed.
func (p *profile) about() string {
	m := p.Properties.MonitorConfig
	path := ""
	if m.Path != nil {
		path = *m.Path
	}
	return strings.Join([]string{m.Protocol, path, hostOf(m.CustomHeaders)}, " ")
}

func (p *profile) probes(e *endpoint) bool {
	return e.kind() != nested && p.Properties.ProfileStatus == enabled && e.Properties.EndpointStatus == enabled && e.Properties.AlwaysServe != enabled
}

// probeOn asks an endpoint once an interval until ctx ends.
func (s *Service) probeOn(ctx context.Context, p *profile, e *endpoint) {
	m := p.Properties.MonitorConfig
	interval := max(s.cfg.Azure.Real(time.Duration(*m.IntervalInSeconds)*time.Second), shortestInterval)
	timeout := max(s.cfg.Azure.Real(time.Duration(*m.TimeoutInSeconds)*time.Second), shortestTimeout)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, timeout)
		good := s.probe(try, m, e)
		cancel()
		if ctx.Err() != nil {
			return
		}
		s.note(e.ID, good, int(*m.ToleratedNumberOfFailures))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// note counts a probe.
func (s *Service) note(id string, good bool, tolerated int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health[strings.ToLower(id)]
	if h == nil {
		return
	}
	if good {
		h.status, h.failures = online, 0
		return
	}
	if h.failures++; h.failures > tolerated {
		h.status = degraded
	}
}

// probe asks an endpoint once as Traffic Manager does: no redirects, no look
// at the certificate.
func (s *Service) probe(ctx context.Context, m monitor, e *endpoint) bool {
	c, err := s.cfg.Dial(ctx, e.Properties.Target, int(*m.Port))
	if err != nil {
		return false
	}
	defer c.Close()
	if m.Protocol == "TCP" {
		return true
	}
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return c, nil },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, ServerName: e.Properties.Target},
		DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.ToLower(m.Protocol)+"://"+e.Properties.Target+*m.Path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", "Azure Traffic Manager Endpoint Monitor")
	req.Host = cmp.Or(hostOf(e.Properties.CustomHeaders), hostOf(m.CustomHeaders), e.Properties.Target)
	for _, h := range append(append([]header{}, m.CustomHeaders...), e.Properties.CustomHeaders...) {
		if !strings.EqualFold(h.Name, "Host") {
			req.Header.Set(h.Name, h.Value)
		}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<16)
	ranges := m.ExpectedStatusCodeRanges
	if len(ranges) == 0 {
		ranges = []span{{http.StatusOK, http.StatusOK}}
	}
	for _, r := range ranges {
		if resp.StatusCode >= r.Min && resp.StatusCode <= r.Max {
			return true
		}
	}
	return false
}

func hostOf(headers []header) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Host") {
			return h.Value
		}
	}
	return ""
}

// probed is what the probes found of an endpoint.
func (s *Service) probed(e *endpoint) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.health[strings.ToLower(e.ID)]; h != nil {
		return h.status
	}
	return checking
}

// show fills in how the endpoints and the profile are.
func (s *Service) show(p *profile) {
	found := map[string]bool{}
	for _, e := range p.Properties.Endpoints {
		status := s.probed(e)
		switch {
		case e.Properties.EndpointStatus == disabled:
			status = disabled
		case p.Properties.ProfileStatus == disabled:
			status = inactive
		case e.Properties.AlwaysServe == enabled:
			status = unmonitored
		case e.kind() == nested:
			status = s.nestedStatus(e)
		}
		e.Properties.EndpointMonitorStatus = status
		found[status] = true
	}
	whole := inactive
	switch {
	case p.Properties.ProfileStatus == disabled:
		whole = disabled
	case found[degraded]:
		whole = degraded
	case found[online] || found[unmonitored]:
		whole = online
	case found[checking]:
		whole = "CheckingEndpoints"
	}
	p.Properties.MonitorConfig.ProfileMonitorStatus = whole
}
