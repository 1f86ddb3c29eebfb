package charts

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	library "hubwright/internal/sandbox/charts"
	"hubwright/workflows"
)

// source is a repository and registry with a certificate that only Net trusts.
func source(t *testing.T) (host string, way Net) {
	t.Helper()
	l, err := library.Open()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", l)
	mux.HandleFunc("/login/index.yaml", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>Log in</html>")) })
	mux.HandleFunc("/closed/index.yaml", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return strings.TrimPrefix(s.URL, "https://"), Net{CABundle: string(ca)}
}

func TestLocate(t *testing.T) {
	host, way := source(t)
	repository := workflows.ChartSource{Kind: workflows.ChartRepository, URL: "https://" + host + "/stable/", Name: "nginx-ingress", Version: "2.4.1"}
	one, err := Locate(t.Context(), repository, way)
	if err != nil {
		t.Fatal(err)
	}
	registry := workflows.ChartSource{Kind: workflows.ChartOCI, URL: "oci://" + host + "/charts/nginx-ingress", Version: "2.4.1", Digest: one.Digest}
	two, err := Locate(t.Context(), registry, way)
	if err != nil {
		t.Fatal(err)
	}
	if one.Digest != two.Digest || one.Name != "nginx-ingress" || one.Version != "2.4.1" || !strings.Contains(one.Values, "controller:") || two.Source != registry.URL {
		t.Errorf("%s %s from %s, %s from %s", one.Name, one.Version, one.Source, two.Name, two.Source)
	}
}

func TestLocateFails(t *testing.T) {
	host, way := source(t)
	at := func(path, name, version string) workflows.ChartSource {
		return workflows.ChartSource{Kind: workflows.ChartRepository, URL: "https://" + host + path, Name: name, Version: version}
	}
	pinned := at("/stable", "nginx-ingress", "2.4.1")
	pinned.Digest = strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		src  workflows.ChartSource
		way  Net
		code string
		says string
	}{
		"no such chart":       {at("/stable", "none", "1.0.0"), way, "chart.missing", "no chart of that name"},
		"no such version":     {at("/stable", "nginx-ingress", "9.9.9"), way, "chart.missing", "2.4.1"},
		"another digest":      {pinned, way, "chart.digest", "not 0000"},
		"a login page":        {at("/login", "a", "1.0.0"), way, "chart.repository", "no index"},
		"not allowed":         {at("/closed", "a", "1.0.0"), way, "chart.fetch", "403"},
		"an unknown CA":       {at("/stable", "a", "1.0.0"), Net{}, "tls.authority", ""},
		"a bad CA":            {at("/stable", "a", "1.0.0"), Net{CABundle: "x"}, "chart.ca", "no certificate"},
		"nobody is there":     {workflows.ChartSource{Kind: workflows.ChartRepository, URL: "https://127.0.0.1:1", Name: "a", Version: "1.0.0"}, way, "net.refused", ""},
		"not in the registry": {workflows.ChartSource{Kind: workflows.ChartOCI, URL: "oci://" + host + "/charts/none", Version: "1.0.0"}, way, "chart.missing", "no such chart"},
		"no reference":        {workflows.ChartSource{Kind: workflows.ChartOCI, URL: "https://" + host, Version: "1.0.0"}, way, "chart.reference", "oci://"},
	} {
		t.Run(name, func(t *testing.T) {
			var p *workflows.Problem
			if _, err := Locate(t.Context(), c.src, c.way); !errors.As(err, &p) || p.Code != c.code || !strings.Contains(p.Why, c.says) || p.Fix == "" {
				t.Errorf("%+v", err)
			}
		})
	}
}
