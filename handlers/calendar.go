package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/aksengine"
	"hubwright/internal/expiry"
	"hubwright/store"
	"hubwright/web/calendar"
	"hubwright/web/layout"
	"hubwright/workflows"
)

// calendar is all that ends one day.
func (s *Server) calendar(c echo.Context) error {
	ctx := c.Request().Context()
	r, err := s.readExpiries(ctx)
	if err != nil {
		return err
	}
	p := calendar.Props{Role: me(c).ui(), Now: s.Clock(), Items: r.items, Unknown: r.unknown}
	return s.page(c, http.StatusOK, layout.Frame{Title: "What ends when", Active: layout.NavStatus, Body: calendar.Page(p)})
}

// calendarFile is the same for calendars of people.
func (s *Server) calendarFile(c echo.Context) error {
	items, err := s.Expiries(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="hubwright-expiry.ics"`)
	return c.Blob(http.StatusOK, "text/calendar; charset=utf-8", expiry.ICS(items, s.Clock(), strings.TrimSuffix(s.PublicURL, "/")))
}

// Expiries are all things that end, what ends first first.
func (s *Server) Expiries(ctx context.Context) ([]expiry.Item, error) {
	r, err := s.readExpiries(ctx)
	return r.items, err
}

// expiries collects what ends.
type expiries struct {
	items   []expiry.Item
	unknown []expiry.Item // nobody said when they end
}

func (x *expiries) add(i expiry.Item) {
	if i.Ends.IsZero() {
		x.unknown = append(x.unknown, i)
		return
	}
	x.items = append(x.items, i)
}

func (s *Server) readExpiries(ctx context.Context) (expiries, error) {
	r := statusReader{s: s, now: s.Clock()}
	if err := r.read(ctx); err != nil {
		return expiries{}, err
	}
	return s.expiriesOf(ctx, &r)
}

// expiriesOf collects what ends, of what a reader has read.
func (s *Server) expiriesOf(ctx context.Context, r *statusReader) (expiries, error) {
	var x expiries
	stacks, err := s.Store.Stacks(ctx)
	if err != nil {
		return x, err
	}
	for _, st := range stacks {
		x.add(s.ofStack(ctx, st, *r))
	}
	connections, err := s.Store.Connections(ctx)
	if err != nil {
		return x, err
	}
	for _, cn := range connections {
		x.add(ofConnection(cn))
	}
	for _, d := range r.deployments {
		for _, site := range r.sites[d.ID] {
			r.ofSite(&x, d, site)
		}
	}
	shares, err := s.Store.OpenShares(ctx)
	if err != nil {
		return x, err
	}
	for _, sh := range shares {
		x.add(ofShare(sh))
	}
	expiry.Sort(x.items)
	return x, nil
}

func (s *Server) ofStack(ctx context.Context, st workflows.Stack, r statusReader) expiry.Item {
	i := expiry.Item{ID: "credential-" + st.ID, What: "Client secret", Of: "Stack " + st.Name, Ends: st.Credential.EndsAt, URL: "/stacks/" + st.ID,
		Fix: "Make a new one in the identity system and give it to the Stack."}
	if st.Credential.Method == workflows.AuthCertificate {
		i.What = "Principal's certificate"
		if i.Ends.IsZero() {
			i.Ends = s.ends.of(st.Credential.Certificate, func() (time.Time, error) {
				pem, err := s.Vault.Open(ctx, st.Credential.Certificate)
				if err != nil {
					return time.Time{}, err
				}
				return s.certificateEnds(pem)
			})
		}
	}
	users := map[string]bool{}
	for _, sites := range r.sites {
		for _, site := range sites {
			if site.StackID == st.ID {
				users[site.DeploymentID] = true
			}
		}
	}
	if len(users) == 1 {
		for id := range users {
			i.DeploymentID = id
		}
	}
	return i
}

// certificateEnds is when the first certificate of a PEM ends: the
// principal's, before those that signed it.
func (s *Server) certificateEnds(pem []byte) (time.Time, error) {
	list, err := s.Hubs.ReadBundle(string(pem))
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0].NotAfter, nil
}

// knownEnds remembers when sealed certificates end, so that they are not
// opened again each time.
type knownEnds struct {
	mu  sync.Mutex
	all map[workflows.SecretRef]time.Time
}

func (k *knownEnds) of(ref workflows.SecretRef, read func() (time.Time, error)) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, ok := k.all[ref]; ok {
		return t
	}
	t, err := read()
	if err != nil {
		return time.Time{} // it is listed as unknown
	}
	if k.all == nil {
		k.all = map[workflows.SecretRef]time.Time{}
	}
	k.all[ref] = t
	return t
}

func ofConnection(cn workflows.Connection) expiry.Item {
	i := expiry.Item{ID: "connection-" + cn.ID, What: "Client secret", Of: "Connection " + cn.Name, Ends: cn.ExpiresAt, URL: "/connections/" + cn.ID,
		Fix: "Make a new one and give it to the Connection."}
	switch cn.Credential.Method {
	case workflows.AuthToken:
		i.What = "Personal access token"
	case workflows.AuthCertificate:
		i.What = "Principal's certificate"
	}
	return i
}

func ofShare(sh store.Share) expiry.Item {
	i := expiry.Item{ID: "share-" + sh.ID, What: "Shared link", Of: sh.Name, DeploymentID: sh.DeploymentID, Ends: sh.ExpiresAt, URL: "/status", Fix: "Make a new link for whoever uses it."}
	if sh.DeploymentID != "" {
		i.URL += "/" + sh.DeploymentID
	}
	return i
}

// ofSite adds what runs on a Site.
func (r *statusReader) ofSite(x *expiries, d workflows.Deployment, site workflows.Site) {
	where := d.Name + " / " + site.Name
	if a, ok := r.apps[site.ID]; ok && !a.CertificateEnds.IsZero() {
		x.add(expiry.Item{ID: "ingress-" + site.ID, What: "Ingress certificate", Of: where, DeploymentID: d.ID, Ends: a.CertificateEnds, URL: "/status/" + d.ID,
			Fix: "Give the ingress a new certificate."})
	}
	cl, ok := r.clusters[site.ID]
	if !ok {
		return
	}
	url := "/clusters/" + cl.ID
	if h, probed := r.healths[site.ID]; probed && h.ClusterID == cl.ID && !h.CertificateEnds.IsZero() {
		x.add(expiry.Item{ID: "pki-" + cl.ID, What: "Cluster's certificates", Of: where, DeploymentID: d.ID, Ends: h.CertificateEnds, URL: url,
			Fix: "Rotate the certificates: the workflow of that name does it."})
	}
	if ends, known := aksengine.SupportEnds(cl.Version); known {
		minor := cl.Version[:strings.LastIndexByte(cl.Version, '.')]
		x.add(expiry.Item{ID: "kubernetes-" + cl.ID, What: "Support of Kubernetes " + minor, Of: where, DeploymentID: d.ID, Ends: ends, URL: url, Support: true,
			Fix: fmt.Sprintf("Upgrade: the Kubernetes project publishes no patches for %s after that.", minor)})
	}
	if engine, known := aksengine.Find(cl.EngineVersion); known {
		if name, ends := engine.ImageSupport(); name != "" {
			x.add(expiry.Item{ID: "image-" + cl.ID, What: "Support of the nodes' " + name, Of: where, DeploymentID: d.ID, Ends: ends, URL: url, Support: true,
				Fix: "Upgrade with an engine whose marketplace image is newer."})
		}
	}
}
