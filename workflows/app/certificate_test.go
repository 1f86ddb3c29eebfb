package app

import (
	"strings"
	"testing"

	w "hubwright/workflows"
)

// TestCertificateForAnOwnChart: the run makes the Secret before the chart that
// refers to it, and asks with TLS.
func TestCertificateForAnOwnChart(t *testing.T) {
	x, answers := newWorld(), own("secret: ratings-tls")
	answers["tls"], answers["host"] = TLSSelf, "shop.contoso.com"
	e, err := run(t, x, answers)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(x.installed, ", "); !strings.HasSuffix(got, "ingress, certificate ratingsapp/ratings-tls for shop.contoso.com, ratings") {
		t.Errorf("installed %s", got)
	}
	if x.endpoint == nil || !x.endpoint.TLS || x.endpoint.Port != 443 {
		t.Errorf("%+v", x.endpoint)
	}
	if l := e.Left(); l.Items[len(l.Items)-2].Label != "Secret ratingsapp/ratings-tls" {
		t.Errorf("%+v", l.Items)
	}
	if said := (flow{x.needs()}).seenValues(t.Context(), &State{App: App{TLSSecret: "ratings-tls"}}); !strings.Contains(said, "Secret ratings-tls") {
		t.Error(said)
	}
	x = newWorld()
	answers["tls"], answers["tls_secret"] = TLSSecret, "theirs"
	if _, err := run(t, x, answers); err != nil || strings.Contains(strings.Join(x.installed, " "), "certificate") || !x.endpoint.TLS {
		t.Errorf("%v, %v", x.installed, err)
	}
	x = newWorld()
	answers["tls"], x.fail["certificate"] = TLSSelf, &w.Problem{Code: "certificate.taken"}
	e, err = run(t, x, answers)
	if err == nil || x.installed[len(x.installed)-1] == "ratings" {
		t.Errorf("%v, installed %v", err, x.installed)
	}
	for _, i := range e.Left().Items {
		if strings.HasPrefix(i.Label, "Secret") {
			t.Errorf("somebody else's Secret is said to be ours: %+v", i)
		}
	}
}
