package azure

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// Visitor asks for names and pages as a user's machine does, without
// credentials: with the Connection's name server, proxy and trusted roots.
type Visitor struct {
	resolver *net.Resolver
	client   *http.Client
}

// NewVisitor makes a Visitor of a Connection's settings. All of them may be
// empty: then the machine's own resolver and a direct way are taken.
func NewVisitor(caBundle, proxy, dnsServer string) (*Visitor, error) {
	way, err := newTransporter(caBundle, proxy)
	if err != nil {
		return nil, err
	}
	v := &Visitor{resolver: net.DefaultResolver}
	if dnsServer != "" {
		v.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := net.Dialer{Timeout: 5 * time.Second}
			return d.DialContext(ctx, network, dnsServer)
		}}
	}
	tr := way.client.Transport.(*http.Transport)
	// Each visit finds its way anew, as a new user would.
	tr.DisableKeepAlives = true
	tr.DialContext = (&net.Dialer{Timeout: dialTimeout, Resolver: v.resolver}).DialContext
	v.client = &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v, nil
}

// Lookup is where a name leads: addresses in order, and the last alias on the
// way to them ("" without one).
func (v *Visitor) Lookup(ctx context.Context, name string) (addresses []string, alias string, err error) {
	dotted := strings.TrimSuffix(name, ".") + "."
	addresses, err = v.resolver.LookupHost(ctx, dotted)
	if err != nil {
		return nil, "", problem.Network(err, name)
	}
	slices.Sort(addresses)
	if c, cerr := v.resolver.LookupCNAME(ctx, dotted); cerr == nil && !strings.EqualFold(c, dotted) {
		alias = strings.ToLower(strings.TrimSuffix(c, "."))
	}
	return addresses, alias, nil
}

// Get asks for a page once, follows no redirect, and answers the status. host
// is sent as Host header; "" is the link's own.
func (v *Visitor) Get(ctx context.Context, link, host string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return 0, &w.Problem{Code: "visit.address", What: link + " is not an address", Why: err.Error(), Fix: "Correct the name or the path."}
	}
	req.Host = host
	req.Header.Set("User-Agent", "hubwright")
	resp, err := v.client.Do(req)
	if err != nil {
		if ctx.Err() != nil && context.Cause(ctx) == context.Canceled {
			return 0, ctx.Err()
		}
		return 0, problem.Network(err, req.URL.Hostname())
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
	return resp.StatusCode, nil
}
