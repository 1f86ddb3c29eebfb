package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	w "hubwright/workflows"
)

// How long a step waits before it says what is wrong: less than its soft
// time-out, so that nobody waits without a word.
const (
	askAgain     = 3 * time.Second
	partPatience = 4 * time.Minute // nothing of a controller or driver gets better
	appPatience  = 8 * time.Minute // nothing of the application does
	addresses    = 6 * time.Minute // an address is not there
	answering    = 3 * time.Minute // there is no answer through the ingress
)

func (f flow) steps() []w.Step[State] {
	return []w.Step[State]{
		{ID: "storage", Title: "Install the disk driver", Why: "Volumes need it; on a Hub it is not there by default.", Timeout: 5 * time.Minute, Weight: 3, When: func(s *State) bool { return s.Storage.Install }, Run: f.storage},
		{ID: "definitions", Title: "Install the definitions of the Gateway API", Why: "The API server takes no Gateway and no route before it knows them.", Timeout: 5 * time.Minute, When: (*State).installsDefinitions, Run: f.putDefinitions},
		{ID: "ingress", Title: "Install the ingress controller", Why: "It leads requests from one public address to the applications.", Timeout: 5 * time.Minute, Weight: 3, When: (*State).ownIngress, Run: f.ingress},
		{ID: "address", Title: "Wait for the external address", Why: "The Hub gives it; that takes one to three minutes.", Timeout: 7 * time.Minute, Weight: 2, When: func(s *State) bool { return !s.gateway() }, Run: f.address},
		{ID: "certificate", Title: "Make the certificate", Why: "The application's chart refers to its Secret.", Timeout: 2 * time.Minute, When: (*State).ownCertificate, Run: f.certificate},
		{ID: "app", Title: "Install the application", Why: "Helm puts its objects on the cluster, and each is waited for.", Timeout: 10 * time.Minute, Weight: 5, Run: f.app},
		{ID: "gateway", Title: "Wait for the Gateway's address", Why: "Its controller makes a Service for it, and the Hub gives that an address.", Timeout: 7 * time.Minute, Weight: 2, When: (*State).gateway, Run: f.entrance},
		{ID: "verify", Title: "Verify pods and endpoints", Why: "A Service without an endpoint fails silently.", Timeout: 2 * time.Minute, Run: f.verify},
		{ID: "probe", Title: "Ask through the ingress", Why: "What people will see counts.", Timeout: 4 * time.Minute, Run: f.probe},
		{ID: "record", Title: "Remember where it answers", Why: "Traffic Manager and the status page ask there.", Run: f.record},
	}
}

// place installs a part and remembers it. Without the chart at hand, because
// the source is away, a release that is as it should be cannot be told from
// one that is not: that fails.
func (f flow) place(ctx context.Context, s *State, k Kube, p part, log w.Log) (Placed, error) {
	c, err := f.chart(ctx, s, p.source)
	if err != nil {
		return Placed{}, err
	}
	log.Command(p.command())
	state, err := k.Install(ctx, p.spec(c), log)
	if err != nil {
		return Placed{}, err
	}
	if p.role == w.ReleaseApp {
		s.Found.Objects = state.Objects
	}
	return placed(state), f.remember(ctx, s, p, state, c.Digest)
}

func placed(state w.ReleaseState) Placed {
	return Placed{Name: state.Name, Namespace: state.Namespace, Chart: state.Chart, Version: state.ChartVersion, Revision: state.Revision, Changed: state.Changed}
}

func (f flow) remember(ctx context.Context, s *State, p part, state w.ReleaseState, digest string) error {
	return f.Records.SaveRelease(ctx, &w.Release{
		SiteID: s.SiteID, Role: p.role, Name: state.Name, Namespace: state.Namespace, Chart: state.Chart, ChartVersion: state.ChartVersion,
		AppVersion: state.AppVersion, Source: p.source.Place(), Digest: digest, Revision: state.Revision, RunID: w.OriginOf(ctx).RunID,
	})
}

func (f flow) part(s *State, role w.ReleaseRole) part {
	for _, p := range s.parts() {
		if p.role == role {
			return p
		}
	}
	return part{}
}

func (f flow) storage(ctx context.Context, s *State, log w.Log) error {
	install := false
	err := f.with(ctx, s, func(k Kube) error {
		foreign, err := f.foreignDriver(ctx, k)
		if err != nil {
			return err
		}
		install = !foreign
		if foreign {
			log.Good("The driver %s is on the cluster already, and not from Helm: it stays as it is", driverName)
		}
		return nil
	})
	if err != nil || !install {
		return err
	}
	return f.install(ctx, s, w.ReleaseStorage, &s.Found.Driver, log)
}

// foreignDriver says whether the driver came otherwise: as AKS Engine's addon.
func (f flow) foreignDriver(ctx context.Context, k Kube) (bool, error) {
	classes, err := k.StorageClasses(ctx)
	if err != nil {
		return false, err
	}
	there := false
	for _, c := range classes {
		there = there || c.Provisioner == driverName && c.Driver
	}
	if !there {
		return false, nil
	}
	releases, err := k.List(ctx)
	for _, r := range releases {
		if r.Chart == driverChart {
			return false, err
		}
	}
	return true, err
}

func (f flow) ingress(ctx context.Context, s *State, log w.Log) error {
	return f.install(ctx, s, w.ReleaseIngress, &s.Found.Ingress, log)
}

func (f flow) certificate(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		s.Found.Certificate = s.App.Namespace + "/" + s.App.TLSSecret
		changed, err := k.EnsureCertificate(ctx, s.App.Namespace, s.App.TLSSecret, s.App.Host)
		var p *w.Problem
		switch {
		case errors.As(err, &p) && p.Code == w.CertificateTaken:
			s.Found.Certificate = ""
			return err
		case err != nil:
			return err
		case changed:
			log.Good("The Secret %s holds a certificate for %s that signs itself", s.Found.Certificate, s.App.Host)
		default:
			log.Good("The Secret %s holds a certificate for %s already: nothing to change", s.Found.Certificate, s.App.Host)
		}
		return nil
	})
}

func (f flow) app(ctx context.Context, s *State, log w.Log) error {
	return f.install(ctx, s, w.ReleaseApp, &s.Found.App, log)
}

// install places a part. When that does not come to its end, what the cluster
// has of it is remembered, so that it can be told and taken away.
func (f flow) install(ctx context.Context, s *State, role w.ReleaseRole, found *Placed, log w.Log) error {
	p := f.part(s, role)
	err := f.with(ctx, s, func(k Kube) (err error) {
		*found, err = f.place(ctx, s, k, p, log)
		return err
	})
	if err != nil {
		f.leave(ctx, s, p, found, log)
	}
	return err
}

// address waits until the controller's Service has its public address.
func (f flow) address(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		for end := f.Clock().Add(addresses); ; {
			all, err := k.Exposures(ctx, "")
			if err != nil {
				return err
			}
			e, ok := s.front(all)
			if ok && e.External != "" {
				s.Found.Address, s.Found.DNSName = e.External, ""
				if e.DNSLabel != "" {
					s.Found.DNSName = e.DNSLabel + "." + s.Cluster.Domain
				}
				log.Good("Service %s/%s answers at %s %s", e.Namespace, e.Name, e.External, s.Found.DNSName)
				return nil
			}
			if f.Clock().After(end) {
				return &w.Problem{Code: "app.address", What: "The ingress controller has no external address", Why: "the Hub gave none in " + addresses.String(),
					Fix: "Look at the events of the Service and at the public IP addresses of the subscription: their number is limited. Then retry from this step."}
			}
			log.Progress(-1, "waits for the external address")
			if err := f.Pause(ctx, askAgain); err != nil {
				return err
			}
		}
	})
}

// front is the Service with the public address: the ingress controller's, or
// the Gateway's.
func (s *State) front(all []w.Exposure) (w.Exposure, bool) {
	for _, e := range all {
		name := e.Namespace + "/" + e.Name
		if e.Type != "LoadBalancer" {
			continue
		}
		if s.gateway() {
			if g := s.Found.Gateway; g.Name != "" && e.Namespace == g.Namespace && e.Gateway == g.Name {
				return e, true
			}
			continue
		}
		if !s.ownIngress() && name == s.Ingress.Service || s.ownIngress() && strings.HasPrefix(name, s.Ingress.Namespace+"/"+ingressRelease) {
			return e, true
		}
	}
	return w.Exposure{}, false
}

// verify looks at every workload and Service of the application's namespace.
func (f flow) verify(ctx context.Context, s *State, log w.Log) error {
	return f.with(ctx, s, func(k Kube) error {
		works, err := k.Workloads(ctx, s.App.Namespace)
		if err != nil {
			return err
		}
		exposed, err := k.Exposures(ctx, s.App.Namespace)
		if err != nil {
			return err
		}
		all, err := k.Exposures(ctx, "")
		if err != nil {
			return err
		}
		s.Found.Works, s.Found.Exposed = works, exposed
		if e, ok := s.front(all); ok && e.Namespace != s.App.Namespace {
			s.Found.Exposed = append(s.Found.Exposed, e)
		}
		var bad []string
		for _, x := range works {
			line := fmt.Sprintf("%s %s: %d of %d ready", x.Kind, x.Name, x.Ready, x.Want)
			if x.Ready < x.Want {
				bad = append(bad, line)
				continue
			}
			log.Good("%s", line)
		}
		for _, e := range exposed {
			line := fmt.Sprintf("Service %s: %d endpoints", e.Name, e.Endpoints)
			if e.Selects && e.Endpoints == 0 {
				bad = append(bad, line)
				continue
			}
			log.Good("%s", line)
		}
		if len(bad) > 0 {
			return &w.Problem{Code: "app.endpoints", What: "Not everything of the application is ready", Why: strings.Join(bad, "; "),
				Fix: "Compare the Service's selector with the pods' labels, look at the pods' events, then retry from this step."}
		}
		return nil
	})
}

func (s *State) request() Probe {
	p := Probe{Address: s.Found.Address, Port: 80, Host: s.App.Host, Path: s.App.Path}
	if s.App.TLS != TLSNone && s.App.TLS != "" {
		p.Port, p.TLS = 443, true
	}
	return p
}

func (f flow) probe(ctx context.Context, s *State, log w.Log) error {
	stack, err := f.Records.Stack(ctx, s.StackID)
	if err != nil {
		return err
	}
	p := s.request()
	for end := f.Clock().Add(answering); ; {
		a, err := f.Probe(ctx, stack, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && a.Status == http.StatusOK {
			s.Found.Status, s.Found.Millis, s.Found.Served = a.Status, a.Took.Milliseconds(), a.Server
			log.Good("%s answers %d in %d ms%s", p.words(), a.Status, a.Took.Milliseconds(), by(a.Server))
			if p.TLS && !a.Trusted {
				log.Warn("The certificate is not signed by a CA that the Stack trusts: browsers will warn")
			}
			return nil
		}
		why := ""
		if err != nil {
			why = err.Error()
		} else {
			why = fmt.Sprintf("it answers %d", a.Status)
		}
		if f.Clock().After(end) {
			return &w.Problem{Code: "app.probe", What: "The application does not answer through the ingress", Why: p.words() + ": " + why, Fix: hint(a.Status)}
		}
		log.Progress(-1, why)
		if err := f.Pause(ctx, askAgain); err != nil {
			return err
		}
	}
}

func (p Probe) words() string {
	scheme := "http"
	if p.TLS {
		scheme = "https"
	}
	at := fmt.Sprintf("%s://%s%s", scheme, p.Address, p.Path)
	if p.Host != "" {
		at += " for the host " + p.Host
	}
	return at
}

func hint(status int) string {
	switch status {
	case http.StatusNotFound:
		return "No rule of an Ingress or a route fits: compare its host, path and class with the controller's, then retry from this step."
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		return "No pod is behind the rule: look at the Service's endpoints, then retry from this step."
	case http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusFound:
		return "It sends elsewhere. Choose the path that answers 200 itself, or TLS."
	case 0:
		return "Look whether this server reaches the address: the Hub's network, its firewall and the proxy of the Stack. Then retry from this step."
	}
	return "Look at the application's log, then retry from this step."
}

func (f flow) record(ctx context.Context, s *State, log w.Log) error {
	p := s.request()
	e := w.Endpoint{SiteID: s.SiteID, Address: s.Found.Address, DNSName: s.Found.DNSName, Host: p.Host, TLS: p.TLS, Port: p.Port, Path: p.Path, RunID: w.OriginOf(ctx).RunID}
	have, err := f.Records.Endpoint(ctx, s.SiteID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return err
	}
	same := have
	same.RunID, same.UpdatedAt = e.RunID, e.UpdatedAt
	if err == nil && same == e {
		log.Info("It is recorded already")
		return nil
	}
	if err := f.Records.SaveEndpoint(ctx, &e); err != nil {
		return err
	}
	log.Good("The application of %s answers at %s", s.SiteName, p.words())
	return nil
}
