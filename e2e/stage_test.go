package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/standin"
)

// stage is the real server with a sandbox in this process, so that a test can
// make things go wrong and count what there is.
type stage struct {
	*world
	play *sandbox.World
}

func newStage(t *testing.T, speed float64) *stage {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	play, err := sandbox.Start(t.Context(), sandbox.Options{
		Dir: filepath.Join(w.dir, "sandbox"), ProxyAddr: "127.0.0.1:0", Speed: speed, Block: freeBlock(t), Self: binary, EngineBin: realEngine(),
		ControlPlane: func(ctx context.Context) (string, error) { return controlplane.Build(ctx, "", nil) },
		MachineEnv:   []string{standin.BitsVariable + "=2048"},
		Log:          slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := play.Close(); err != nil {
			t.Error(err)
		}
		for _, what := range play.Misuse() {
			t.Errorf("misuse: %s", what)
		}
	})
	if err := os.WriteFile(filepath.Join(w.dir, "seed.json"), seedOf(play.Seed()), 0o600); err != nil {
		t.Fatal(err)
	}
	w.startServer()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.client = &http.Client{Jar: jar, Timeout: time.Minute}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("server:\n%s", tail(w.server.output(), 60))
		}
	})
	w.setUp()
	return &stage{w, play}
}

// seedOf is what serve --seed reads: Seattle with a secret, Orlando with a
// certificate.
func seedOf(s sandbox.Seed) []byte {
	var stacks []map[string]string
	for _, st := range s.Stacks {
		m := map[string]string{"name": st.Name, "armEndpoint": st.ARMEndpoint, "portalURL": st.PortalURL, "subscriptionID": st.SubscriptionID,
			"clientID": st.ClientID, "caBundle": st.CABundle, "httpsProxy": st.Proxy}
		if st.IdentitySystem == "adfs" {
			m["certificate"] = st.Certificate + st.CertificateKey
		} else {
			m["clientSecret"] = st.ClientSecret
		}
		stacks = append(stacks, m)
	}
	contoso := map[string]string{"name": "Contoso DevOps", "kind": "azure_devops", "endpoint": s.DevOps.Organization, "token": s.DevOps.Token, "caBundle": s.PublicCA, "httpsProxy": s.Proxy}
	azure := map[string]string{"name": s.Azure.Name, "kind": "azure", "endpoint": s.Azure.ARMEndpoint, "loginEndpoint": s.Azure.LoginEndpoint, "tenantID": s.Azure.TenantID,
		"subscriptionID": s.Azure.SubscriptionID, "clientID": s.Azure.ClientID, "clientSecret": s.Azure.ClientSecret, "caBundle": s.Azure.CABundle, "httpsProxy": s.Azure.Proxy, "dnsServer": s.Azure.DNSServer}
	raw, _ := json.Marshal(map[string]any{"stacks": stacks, "connections": []any{contoso, azure}, "deployments": []any{map[string]any{"name": "Base", "sites": []string{"Seattle", "Orlando"}}}})
	return raw
}

// newSite makes a Deployment with one Site, so that a scenario has a helper VM
// and a cluster of its own.
func (s *stage) newSite(name string, on site) site {
	s.t.Helper()
	a := s.post("/deployments", url.Values{"name": {name}, "stack": {on.stack}})
	id, ok := strings.CutPrefix(a.path, "/deployments/")
	if !ok {
		s.t.Fatalf("a new deployment answered %d at %s", a.status, a.path)
	}
	value, ok := s.parse(a).Find(`form[action="/drafts"] input[name="site"]`).First().Attr("value")
	if !ok {
		s.t.Fatalf("a new site answered %d at %s: %s", a.status, a.path, text(s.parse(a)))
	}
	return site{deployment: id, site: value, stack: on.stack}
}

// resources counts what exists on a Hub by type.
func (s *stage) resources(region string) map[string]int {
	out := map[string]int{}
	for _, r := range s.play.Resources(region, "") {
		kind, _, _ := strings.Cut(r, " ")
		out[kind[strings.LastIndex(kind, "/")+1:]]++
	}
	return out
}
