package standin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/identity"
)

// The sandbox's own Hub must take what the stand-in sends, with either identity system.
func TestDeployOnTheSandboxsHub(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		adfs   bool
		host   string
		change func(node)
		nodes  int
	}{
		{"Entra ID, three masters", false, "login.", nil, 5},
		{"AD FS, one master", true, "adfs.", func(m node) { master(m)["count"] = 1; cloud(m)["identitySystem"] = "adfs" }, 3},
		{"Azure CNI", false, "login.", put(kubernetes, "networkPlugin", "azure"), 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, r := newHub(t), newRun(t)
			system, flag := identity.Entra, "azure_ad"
			if tc.adfs {
				system, flag = identity.ADFS, "adfs"
			}
			host := tc.host + region + "." + domain
			login := identity.New(identity.Config{System: system, Host: host, TenantID: tenantID, Audiences: []string{audience}, Key: key,
				Principals: []identity.Principal{{ClientID: clientUUID, Secret: goodSecret}}})
			var mu sync.Mutex
			var joined []string
			hub, err := arm.New(t.Context(), arm.Config{Region: region, Domain: domain, SubscriptionID: subscriptionID, TenantID: tenantID, Audience: audience,
				Identity: login, ADFS: tc.adfs, IPPrefix: "127.40.1.", Speed: 1e6, Hooks: arm.Hooks{
					NodeJoins: func(_ context.Context, m arm.Machine, c arm.ClusterFacts) error {
						mu.Lock()
						defer mu.Unlock()
						joined = append(joined, m.Name)
						if c.Suffix != "28578941" || c.Version != "1.33.10" || !strings.Contains(string(c.PEM["apiserverprivatekey"]), "RSA PRIVATE KEY") {
							t.Errorf("%s joins a cluster %s of version %s", m.Name, c.Suffix, c.Version)
						}
						return nil
					}}})
			if err != nil {
				t.Fatal(err)
			}
			defer hub.Close()
			h.hosts = map[string]http.Handler{"management." + region + "." + domain: hub, host: login}
			r.main(h, r.deployArgs(model(t, r.dir, tc.change), "--identity-system", flag)...)
			if r.code != 0 || !strings.Contains(r.stdout, "Succeeded") {
				t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
			slices.Sort(joined)
			if joined = slices.Compact(joined); len(joined) != tc.nodes || len(hub.Machines()) != tc.nodes {
				t.Errorf("%d machines, and these joined: %v", len(hub.Machines()), joined)
			}
			if name := hub.ClusterName("rg1", "28578941"); name != "k111.seattle.cloudapp.azurestack.test" {
				t.Errorf("the API server is %q", name)
			}
		})
	}
}
