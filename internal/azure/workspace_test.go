package azure

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/loganalytics"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/publicazure"
	w "hubwright/workflows"
)

const (
	subscription = "aaaaaaaa-0000-4000-8000-000000000001"
	tenant       = "aaaaaaaa-0000-4000-8000-000000000002"
)

// analytics is a public Azure with Log Analytics behind a proxy, and what its
// agents in clusters would be.
type analytics struct {
	service *loganalytics.Service
	faults  faults.Set
	login   *identity.Service
	conn    w.Connection
	reader  w.Connection // its principal may only read

	mu     sync.Mutex
	agents []loganalytics.Agent
	ahead  time.Duration // of the clock
}

type plainSecrets struct{}

func (plainSecrets) Open(_ context.Context, ref w.SecretRef) ([]byte, error) { return []byte(ref), nil }

func openAnalytics(t *testing.T) (*analytics, *Cloud) {
	t.Helper()
	a := &analytics{}
	dir := t.TempDir()
	ca, err := pki.Open(dir, "public", "Public")
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.OpenKey(dir, "tokens")
	if err != nil {
		t.Fatal(err)
	}
	a.login = identity.New(identity.Config{
		System: identity.Entra, Host: publicazure.LoginHost, TenantID: tenant, Key: key, Audiences: []string{publicazure.Audience, loganalytics.QueryAudience},
		Principals: []identity.Principal{{ClientID: "writer", ObjectID: "o1", Secret: "s1"}, {ClientID: "reader", ObjectID: "o2", Secret: "s2"}},
	})
	front, err := publicazure.New(t.Context(), publicazure.Config{SubscriptionID: subscription, TenantID: tenant, Identity: a.login, Readers: []string{"o2"}, Speed: 1000, Faults: &a.faults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Close() })
	a.service = loganalytics.New(loganalytics.Config{Azure: front, Refuse: a.refuse,
		Agents: func(context.Context) []loganalytics.Agent {
			a.mu.Lock()
			defer a.mu.Unlock()
			return slices.Clone(a.agents)
		},
		Now: func() time.Time { a.mu.Lock(); defer a.mu.Unlock(); return time.Now().Add(a.ahead) },
	})
	door, err := proxy.Listen(proxy.Config{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	door.Terminate(publicazure.Host, ca.Server, front)
	door.Terminate(publicazure.LoginHost, ca.Server, a.login)
	door.Terminate(loganalytics.QueryHost, ca.Server, a.service.QueryHandler())
	go func() { _ = door.Serve() }()
	t.Cleanup(func() { door.Close() })
	a.conn = w.Connection{
		Kind: w.ConnectionAzure, Endpoint: publicazure.Audience, LoginEndpoint: "https://" + publicazure.LoginHost, TenantID: tenant, SubscriptionID: subscription,
		Credential: w.Credential{Method: w.AuthSecret, ClientID: "writer", Secret: "s1"}, CABundle: string(ca.PEM()), HTTPSProxy: door.URL(),
	}
	a.reader = a.conn
	a.reader.Credential = w.Credential{Method: w.AuthSecret, ClientID: "reader", Secret: "s2"}
	return a, a.as(t, a.conn)
}

func (a *analytics) as(t *testing.T, conn w.Connection) *Cloud {
	t.Helper()
	c, err := New(plainSecrets{}).Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *analytics) refuse(r *http.Request) (int, string) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := a.login.Verify(token)
	if err != nil || claims.Audience != loganalytics.QueryAudience {
		return http.StatusUnauthorized, "no"
	}
	if claims.ObjectID == "o2" {
		return http.StatusForbidden, "The provided credentials have insufficient access to perform the requested operation"
	}
	return 0, ""
}

func (a *analytics) send(agents ...loganalytics.Agent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.agents = agents
}

func wanted() Workspace {
	return Workspace{Group: "ratings-monitoring", Name: "ratings-law", Location: "westus2", Retention: 30, DailyCapGB: -1}
}

func TestEnsureWorkspace(t *testing.T) {
	a, c := openAnalytics(t)
	spec := wanted()
	made, what, err := c.EnsureWorkspace(t.Context(), spec)
	if err != nil || what != WorkspaceMade || made.CustomerID == "" || made.Group != spec.Group || made.Retention != 30 || made.DailyCapGB != -1 {
		t.Fatalf("%+v, %s, %v", made, what, err)
	}
	again, what, err := c.EnsureWorkspace(t.Context(), spec)
	if err != nil || what != WorkspaceSame || again != made {
		t.Errorf("the second time: %+v, %s, %v", again, what, err)
	}
	spec.Retention, spec.DailyCapGB = 90, 2.5
	changed, what, err := c.EnsureWorkspace(t.Context(), spec)
	if err != nil || what != WorkspaceChanged || changed.Retention != 90 || changed.DailyCapGB != 2.5 || changed.CustomerID != made.CustomerID {
		t.Errorf("with more days: %+v, %s, %v", changed, what, err)
	}
	all, err := c.Workspaces(t.Context())
	if err != nil || len(all) != 1 || all[0] != changed {
		t.Errorf("%+v, %v", all, err)
	}
	if made, err := c.EnsureSolution(t.Context(), changed); err != nil || !made {
		t.Errorf("solution: %t, %v", made, err)
	}
	if made, err := c.EnsureSolution(t.Context(), changed); err != nil || made {
		t.Errorf("solution again: %t, %v", made, err)
	}
	if got := a.service.Workspaces(); len(got) != 1 || got[0] != changed.ID {
		t.Errorf("%v", got)
	}
}

// TestWorkspaceAfterAKill: what dies while Azure still works finds its own
// workspace again.
func TestWorkspaceAfterAKill(t *testing.T) {
	a, c := openAnalytics(t)
	ctx, kill := context.WithCancel(t.Context())
	go func() {
		for len(a.service.Workspaces()) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		kill()
	}()
	if _, _, err := c.EnsureWorkspace(ctx, wanted()); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, _, err := c.EnsureWorkspace(t.Context(), wanted()); err != nil {
		t.Fatal(err)
	}
	if got := a.service.Workspaces(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestWorkspaceRefusals(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spec  func(*Workspace)
		setup func(t *testing.T, a *analytics, c *Cloud) *Cloud
		code  string
		part  string
	}{
		{"name taken", func(s *Workspace) { s.Group = "another" }, nil, "NameUnavailable", "is taken"},
		{"another location", func(s *Workspace) { s.Location = "eastus" }, nil, "azure.location", "westus2"},
		{"too few days", func(s *Workspace) { s.Retention = 3 }, nil, "InvalidParameter", "RetentionInDays"},
		{"no such location", func(s *Workspace) { s.Location, s.Name, s.Group = "moon", "other-law", "k" }, nil, "", "moon"},
		{"may not write", func(s *Workspace) { s.Name = "other-law" }, func(t *testing.T, a *analytics, _ *Cloud) *Cloud { return a.as(t, a.reader) }, "AuthorizationFailed", ""},
		{"wrong secret", nil, func(t *testing.T, a *analytics, _ *Cloud) *Cloud {
			conn := a.conn
			conn.Credential.Secret = "wrong"
			return a.as(t, conn)
		}, "", "secret"},
		{"busy for good", nil, func(t *testing.T, a *analytics, c *Cloud) *Cloud {
			_, err := a.faults.Add(faults.Rule{Match: faults.Match{At: faults.AtRequest, Host: publicazure.Host, Path: "workspaces"}, Effect: faults.Effect{Status: 429, Code: "TooManyRequests", Message: "slow down"}})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}, "TooManyRequests", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, c := openAnalytics(t)
			if _, _, err := c.EnsureWorkspace(t.Context(), wanted()); err != nil {
				t.Fatal(err)
			}
			spec := wanted()
			if tt.spec != nil {
				tt.spec(&spec)
			}
			if tt.setup != nil {
				c = tt.setup(t, a, c)
			}
			_, _, err := c.EnsureWorkspace(t.Context(), spec)
			var p *w.Problem
			if !errors.As(err, &p) || p.Fix == "" || !strings.Contains(p.Code, tt.code) || !strings.Contains(strings.ToLower(p.What+" "+p.Why), strings.ToLower(tt.part)) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestQueriesAndKeys(t *testing.T) {
	a, c := openAnalytics(t)
	ws, _, err := c.EnsureWorkspace(t.Context(), wanted())
	if err != nil {
		t.Fatal(err)
	}
	const query = `KubeNodeInventory | where ClusterName == "sea" and TimeGenerated > ago(10m) | summarize Nodes=dcount(Computer), Last=max(TimeGenerated) by ClusterName`
	ask := func(want string) {
		t.Helper()
		rows, err := c.Query(t.Context(), ws.CustomerID, query)
		got := ""
		switch {
		case errors.Is(err, w.ErrNotFound):
			got = "no table"
		case err != nil:
			t.Fatal(err)
		case len(rows) == 0:
			got = "no rows"
		default:
			got = rows[0]["Nodes"]
			if at, err := time.Parse(time.RFC3339Nano, rows[0]["Last"]); err != nil || at.IsZero() {
				t.Errorf("%v: %v", rows, err)
			}
		}
		if got != want {
			t.Errorf("%s, want %s: %v", got, want, rows)
		}
	}
	key, err := c.WorkspaceKey(t.Context(), ws)
	if err != nil || len(key) < 80 {
		t.Fatalf("%q, %v", key, err)
	}
	agent := loganalytics.Agent{WorkspaceID: ws.CustomerID, Key: key, ClusterName: "sea", ReadySince: time.Now(), Nodes: []loganalytics.Node{{Name: "a", Status: "Ready"}, {Name: "b"}}}
	a.send(agent)
	a.ahead = 5 * time.Minute
	ask("no table") // there is no solution yet
	if _, err := c.EnsureSolution(t.Context(), ws); err != nil {
		t.Fatal(err)
	}
	a.ahead = 6 * time.Minute
	wrong := agent
	wrong.Key = "wrong"
	a.send(wrong)
	ask("no table")
	a.send(agent)
	ask("2")
	a.send(wrong)
	ask("no rows") // the table stays
	other := agent
	other.ClusterName = "orl"
	a.send(other)
	ask("no rows")

	var p *w.Problem
	if _, err := c.Query(t.Context(), ws.CustomerID, "KubeNodeInventory | frobnicate"); !errors.As(err, &p) {
		t.Errorf("%v", err)
	}
	if _, err := c.Query(t.Context(), tenant, query); !errors.As(err, &p) {
		t.Errorf("a workspace that is not there: %v", err)
	}
	if _, err := a.as(t, a.reader).Query(t.Context(), ws.CustomerID, query); !errors.As(err, &p) || !strings.Contains(p.Code, "InsufficientAccess") {
		t.Errorf("%v", err)
	}
}
