package devops_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/devops"
	emulated "hubwright/internal/sandbox/devops"
	"hubwright/internal/sandbox/identity"
	w "hubwright/workflows"
)

const (
	goodToken = "pat-good"
	oldToken  = "pat-expired"
	fewScopes = "pat-projects-only"
)

// rig is an emulated organization, and what the test lays before it.
type rig struct {
	server *httptest.Server
	login  func() *identity.Service
	before func(http.ResponseWriter, *http.Request) bool // true: answered
	calls  atomic.Int64
}

func newRig(t *testing.T, onPremises bool) *rig {
	t.Helper()
	r := &rig{}
	s, err := emulated.New(emulated.Config{Host: "dev.azure.com", Organization: "Contoso", OnPremises: onPremises, Tokens: []emulated.Token{
		{Secret: goodToken}, {Secret: oldToken, Expires: time.Now().Add(-time.Hour)}, {Secret: fewScopes, Scopes: []string{emulated.ScopeProjects}},
	}, Bearer: func(token string) bool { return r.known(token) }})
	if err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.calls.Add(1)
		switch {
		case strings.HasPrefix(q.URL.Path, "/"+tenant):
			r.login().ServeHTTP(w, q)
		case r.before == nil || !r.before(w, q):
			s.ServeHTTP(w, q)
		}
	}))
	r.login = sync.OnceValue(func() *identity.Service { return logins(t, strings.TrimPrefix(r.server.URL, "https://")) })
	t.Cleanup(r.server.Close)
	return r
}

const (
	tenant = "c0470500-0000-4000-8000-000000000001"
	client = "c0470500-2222-4000-8000-000000000003"
)

// logins plays Entra ID for one principal, whose secret is "principal".
func logins(t *testing.T, host string) *identity.Service {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return identity.New(identity.Config{System: identity.Entra, Host: host, TenantID: tenant, Key: key, Audiences: []string{"499b84ac-1321-427f-aa17-267ca6975798"},
		Principals: []identity.Principal{{ClientID: client, Secret: "principal"}}})
}

func (r *rig) known(token string) bool {
	_, err := r.login().Verify(token)
	return err == nil
}

type token string

func (s token) Open(context.Context, w.SecretRef) ([]byte, error) { return []byte(s), nil }

func (r *rig) open(t *testing.T, pat string) *devops.Organization {
	t.Helper()
	c := w.Connection{Name: "Contoso", Kind: w.ConnectionDevOps, Endpoint: r.server.URL + "/Contoso", Credential: w.Credential{Method: w.AuthToken, Secret: "sec_1"},
		CABundle: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw}))}
	if pat == "principal" {
		c.Credential = w.Credential{Method: w.AuthSecret, ClientID: client}
		c.TenantID, c.LoginEndpoint = tenant, r.server.URL
	}
	o, err := devops.New(token(pat)).Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func spec(p devops.Project) devops.Spec {
	return devops.Spec{Name: "k8s-seattle", Server: "https://ratings.seattle.test", Project: p, Token: "jwt", CA: []byte("-----BEGIN CERTIFICATE-----")}
}

func TestServiceConnectionLives(t *testing.T) {
	for name, c := range map[string]struct {
		onPremises bool
		credential string
	}{"services with a token": {false, goodToken}, "services with a principal": {false, "principal"}, "server on premises": {true, goodToken}} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			o := newRig(t, c.onPremises).open(t, c.credential)
			ratings := must(o.Project(ctx, "ratings"))(t)
			platform := must(o.Project(ctx, "Platform"))(t)
			if all := must(o.Projects(ctx))(t); len(all) != 2 {
				t.Errorf("projects: %v", all)
			}
			if e := must(o.EndpointByName(ctx, ratings.ID, "k8s-seattle"))(t); e != nil {
				t.Fatalf("there is one already: %+v", e)
			}
			made := must(o.CreateEndpoint(ctx, spec(ratings)))(t)
			want := devops.Endpoint{ID: made.ID, Name: "k8s-seattle", Type: "kubernetes", URL: "https://ratings.seattle.test", Method: "ServiceAccount", Ready: true, State: "Ready", Projects: []string{ratings.ID}}
			if diff := cmp.Diff(want, made); diff != "" {
				t.Error(diff)
			}
			if again := must(o.UpdateEndpoint(ctx, made.ID, spec(ratings)))(t); again.ID != made.ID {
				t.Errorf("a renewal made another: %+v", again)
			}
			if err := o.ShareEndpoint(ctx, made.ID, "k8s-seattle", platform); err != nil {
				t.Fatal(err)
			}
			if e := must(o.Endpoint(ctx, platform.ID, made.ID))(t); e == nil || len(e.Projects) != 2 {
				t.Errorf("shared: %+v", e)
			}
			if open := must(o.OpenToAll(ctx, ratings.ID, made.ID))(t); open {
				t.Error("every pipeline may use it, though nobody said so")
			}
			if err := o.OpenForAll(ctx, ratings.ID, made.ID); err != nil {
				t.Fatal(err)
			}
			if open := must(o.OpenToAll(ctx, ratings.ID, made.ID))(t); !open {
				t.Error("no pipeline may use it")
			}
			if err := o.DeleteEndpoint(ctx, made.ID, []string{ratings.ID, platform.ID}); err != nil {
				t.Fatal(err)
			}
			if e := must(o.Endpoint(ctx, ratings.ID, made.ID))(t); e != nil {
				t.Errorf("it is there still: %+v", e)
			}
		})
	}
}

func TestPoolsAndAgents(t *testing.T) {
	ctx := t.Context()
	o := newRig(t, false).open(t, goodToken)
	p := must(o.Project(ctx, "Ratings"))(t)
	pools := must(o.Pools(ctx))(t)
	if diff := cmp.Diff([]devops.Pool{{ID: 1, Name: "Default"}, {ID: 9, Name: "Azure Pipelines", Hosted: true}}, pools); diff != "" {
		t.Fatal(diff)
	}
	if has := must(o.HasQueue(ctx, p.ID, pools[0]))(t); has {
		t.Error("the project sees the pool already")
	}
	if err := o.AddQueue(ctx, p.ID, pools[0]); err != nil {
		t.Fatal(err)
	}
	if has := must(o.HasQueue(ctx, p.ID, pools[0]))(t); !has {
		t.Error("the project does not see the pool")
	}
	if a := must(o.Agent(ctx, 1, "seattle"))(t); a != nil {
		t.Errorf("agent %+v", a)
	}
	if err := o.RemoveAgent(ctx, 1, 5); err != nil {
		t.Error(err)
	}
	got := must(o.AgentPackage(ctx))(t)
	if got.Version == "" || len(got.SHA256) != 64 || !strings.HasPrefix(got.URL, "https://download.agent.dev.azure.com/agent/") {
		t.Errorf("package %+v", got)
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	status := func(code int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method == http.MethodOptions {
				return false
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	readProjects := func(ctx context.Context, o *devops.Organization) error { _, err := o.Projects(ctx); return err }
	for name, c := range map[string]struct {
		token  string
		before func(http.ResponseWriter, *http.Request) bool
		do     func(ctx context.Context, o *devops.Organization) error
		code   string
		says   string
	}{
		"wrong token":             {"nonsense", nil, readProjects, "devops.login", "TF400813"},
		"expired token, 203":      {oldToken, nil, readProjects, "devops.login", "login page"},
		"token without the scope": {fewScopes, nil, func(ctx context.Context, o *devops.Organization) error { _, err := o.Pools(ctx); return err }, "devops.scope", "not authorized"},
		"project missing": {goodToken, nil, func(ctx context.Context, o *devops.Organization) error {
			_, err := o.Project(ctx, "Nowhere")
			return err
		}, "devops.project", "VS800075"},
		"name taken": {goodToken, nil, func(ctx context.Context, o *devops.Organization) error {
			p, err := o.Project(ctx, "Ratings")
			if err != nil {
				return err
			}
			if _, err := o.CreateEndpoint(ctx, spec(p)); err != nil {
				return err
			}
			_, err = o.CreateEndpoint(ctx, spec(p))
			return err
		}, "devops.duplicate", "already exists"},
		"pool missing":      {goodToken, nil, func(ctx context.Context, o *devops.Organization) error { _, err := o.Agent(ctx, 77, "a"); return err }, "devops.pool", "No agent pool"},
		"throttled":         {goodToken, status(429, "application/json", `{"message":"too many"}`), readProjects, "devops.throttled", "too many"},
		"a proxy's page":    {goodToken, status(502, "text/html", "<h1>Bad Gateway</h1>"), readProjects, "devops.refused", "Bad Gateway"},
		"an error in words": {goodToken, status(500, "application/json", `{"message":"TF10158: The user or group name contains unsupported characters.","typeKey":"X"}`), readProjects, "devops.refused", "TF10158"},
		"a redirect to login": {goodToken, func(w http.ResponseWriter, q *http.Request) bool {
			w.Header().Set("Location", "https://spsprodeus21.vssps.visualstudio.com/_signin")
			w.WriteHeader(http.StatusFound)
			return true
		}, readProjects, "devops.login", "login page"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, false)
			r.before = c.before
			err := c.do(t.Context(), r.open(t, c.token))
			var p *w.Problem
			if !errors.As(err, &p) {
				t.Fatalf("got %v", err)
			}
			if p.Code != c.code || !strings.Contains(p.Why+p.What, c.says) || p.Fix == "" {
				t.Errorf("got %s: %s; %s; %s", p.Code, p.What, p.Why, p.Fix)
			}
			if strings.Contains(p.Detail+p.Why, c.token) {
				t.Error("the problem tells the token")
			}
		})
	}
}

func TestThrottlingIsWaitedFor(t *testing.T) {
	r := newRig(t, false)
	left := 2
	r.before = func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method != http.MethodPost || left == 0 {
			return false
		}
		left--
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	o := r.open(t, goodToken)
	p := must(o.Project(t.Context(), "Ratings"))(t)
	if e := must(o.CreateEndpoint(t.Context(), spec(p)))(t); !e.Ready || left != 0 {
		t.Errorf("made %+v with %d refusals left", e, left)
	}
}

func TestNobodyThere(t *testing.T) {
	r := newRig(t, false)
	o := r.open(t, goodToken)
	r.server.Close()
	_, err := o.Projects(t.Context())
	var p *w.Problem
	if !errors.As(err, &p) || !strings.HasPrefix(p.Code, "net.") {
		t.Errorf("got %v", err)
	}
}
