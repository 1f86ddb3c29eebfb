package handlers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/internal/live"
	"hubwright/internal/monitor"
	"hubwright/store"
	"hubwright/workflows"
)

// statusRig is a server whose clock the test moves, with one Deployment on
// Seattle and Orlando.
type statusRig struct {
	t       testing.TB
	mu      sync.Mutex // guards now, which the test alone writes
	now     time.Time
	db      *store.DB
	handler *Server
	people  *auth.Service
	news    *live.Hub
	log     bytes.Buffer
	dep     workflows.Deployment
	sites   []workflows.Site
	cookies map[auth.Role]string
}

func newStatusRig(t testing.TB) *statusRig {
	t.Helper()
	r := &statusRig{t: t, now: time.Date(2026, 11, 23, 9, 41, 12, 0, time.UTC), cookies: map[auth.Role]string{}}
	clock := func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.now
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), store.Options{Clock: clock})
	r.ok(err)
	t.Cleanup(func() { db.Close() })
	r.db = db
	people := auth.New(db, clock)
	r.people, r.news = people, live.New()
	r.join(auth.RoleViewer)
	r.join(auth.RoleOperator)
	r.handler = New(Deps{Store: db, Engine: &engine.Engine{}, Auth: people, Live: r.news, Log: slog.New(slog.NewTextHandler(&r.log, nil)), Clock: clock, PublicURL: "https://hub.example.com", Probing: time.Minute})
	t.Cleanup(r.handler.Close)
	r.dep, r.sites = r.deployment("Ratings", "Seattle", "Orlando")
	return r
}

func (r *statusRig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// join makes a person of that role and logs in.
func (r *statusRig) join(role auth.Role) {
	r.t.Helper()
	name := "person-" + string(role)
	r.ok(r.people.CreateUser(r.t.Context(), name, role, password))
	session, _, err := r.people.Login(r.t.Context(), name, password, "127.0.0.1")
	r.ok(err)
	r.cookies[role] = sessionCookie + "=" + session
}

// deployment makes a Deployment with a cluster on each Site.
func (r *statusRig) deployment(name string, sites ...string) (workflows.Deployment, []workflows.Site) {
	r.t.Helper()
	ctx := context.Background()
	d := workflows.Deployment{Name: name, CreatedBy: "person-admin"}
	r.ok(r.db.SaveDeployment(ctx, &d))
	var out []workflows.Site
	for i, site := range sites {
		st := workflows.Stack{Name: name + " " + site}
		r.ok(r.db.SaveStack(ctx, &st))
		x := workflows.Site{DeploymentID: d.ID, StackID: st.ID, Name: site, Position: i}
		r.ok(r.db.SaveSite(ctx, &x))
		r.ok(r.db.SaveCluster(ctx, &workflows.Cluster{ID: "clu_" + x.ID, SiteID: x.ID, Name: "secretname", FQDN: "secret.host.test", Version: "1.33.10",
			MasterCount: 3, Pools: []workflows.NodePool{{Name: "p", Count: 3}}, Kubeconfig: "sec_kubeconfig"}))
		out = append(out, x)
	}
	return d, out
}

// probe saves that a Site is so now.
func (r *statusRig) probe(site workflows.Site, health monitor.Health) {
	r.t.Helper()
	p := monitor.Probe{SiteID: site.ID, ClusterID: "clu_" + site.ID, At: r.now, Health: health, Ready: 6, Want: 6, Version: "1.33.10", CertificateEnds: r.now.AddDate(0, 0, 40)}
	p.Scaling = []monitor.Scaler{{Name: "secret-web", Current: 97, Target: 80, Replicas: 4, Min: 1, Max: 10}}
	switch health {
	case monitor.Degraded:
		p.Ready, p.Sick = 5, []string{"etcd-secret-pod"}
	case monitor.Down:
		p = monitor.Probe{SiteID: site.ID, ClusterID: "clu_" + site.ID, At: r.now, Health: health, Want: 6, Problem: "secret.host.test refused the connection"}
	}
	r.ok(r.db.SaveProbe(context.Background(), p))
}

// later moves the clock, beyond what is cached.
func (r *statusRig) later(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *statusRig) do(role auth.Role, method, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c := r.cookies[role]; c != "" {
		q.Header.Set("Cookie", c)
	}
	for _, f := range change {
		f(q)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, q)
	return w
}

// get reads a page that has to be there.
func (r *statusRig) get(role auth.Role, path string, change ...func(*http.Request)) string {
	r.t.Helper()
	w := r.do(role, http.MethodGet, path, nil, change...)
	if w.Code != http.StatusOK {
		r.t.Fatalf("%s answers %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func asFragment(q *http.Request) { q.Header.Set("HX-Request", "true") }

// run begins a run of three steps on a Site and is in its second.
func (r *statusRig) run(site workflows.Site, title string) string {
	r.t.Helper()
	ctx := context.Background()
	run := &workflows.Run{WorkflowID: "upgrade", Title: title, Status: workflows.RunQueued, Attempt: 1, CreatedBy: "person-operator", CreatedAt: r.now,
		Target: workflows.Target{DeploymentID: site.DeploymentID, SiteID: site.ID, StackID: site.StackID}}
	var steps []workflows.StepRun
	for i := range 3 {
		steps = append(steps, workflows.StepRun{Attempt: 1, Index: i, StepID: fmt.Sprint("s", i), Title: fmt.Sprint("Part ", i+1)})
	}
	r.ok(r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.CreateRun(ctx, tx, run, steps, []byte("{}")) }))
	r.ok(errors.Join(r.db.StartRun(ctx, run.ID, r.now), r.db.StartStep(ctx, run.ID, 1, 1, r.now),
		r.db.SetProgress(ctx, run.ID, 1, 1, 50, 62, "secret.host.test")))
	return run.ID
}

func (r *statusRig) finish(runID string) {
	r.t.Helper()
	ctx := context.Background()
	r.ok(r.db.InTx(ctx, func(tx engine.Tx) error {
		return r.db.FinishRun(ctx, tx, runID, workflows.RunFailed, &workflows.Problem{What: "secret.host.test failed"}, r.now)
	}))
}
