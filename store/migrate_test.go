package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/monitor"
	"hubwright/workflows"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		ok(t, os.WriteFile(path, []byte(have), 0o644))
	}
	want, err := os.ReadFile(path)
	ok(t, err)
	if diff := cmp.Diff(string(want), have); diff != "" {
		t.Errorf("%s (go test -update writes it):\n%s", path, diff)
	}
}

// schema is every table, index and trigger as SQL. DBOS's are not there: it
// has not been started on this database.
func schema(t *testing.T, d *DB) string {
	t.Helper()
	parts, err := list(t.Context(), d.db, value[string],
		`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name`)
	ok(t, err)
	return strings.Join(parts, ";\n\n") + ";\n"
}

func TestSchema(t *testing.T) { golden(t, "schema.sql", schema(t, open(t))) }

// A migration that was released is never changed: databases out there had it
// as it was. Only new ones may be added to the golden file.
func TestMigrationsNeverChange(t *testing.T) {
	all, err := migrations()
	ok(t, err)
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256([]byte(m.sql)), m.name)
	}
	golden(t, "migrations.sum", b.String())
}

// oldDatabase is a file as builds left it that knew one migration more each,
// up to n, and wrote something.
func oldDatabase(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	all, err := migrations()
	ok(t, err)
	d, err := prepare(path, Options{})
	ok(t, err)
	defer d.Close()
	for i := range n {
		ok(t, d.migrateTo(t.Context(), all[:i+1]))
		rows, err := os.ReadFile(filepath.Join("testdata", "old", fmt.Sprintf("%04d.sql", i+1)))
		ok(t, err)
		_, err = d.exec(t.Context(), string(rows))
		ok(t, err)
	}
	return path
}

// openWith opens with the first n migrations.
func openWith(t *testing.T, path string, n int) (*DB, error) {
	t.Helper()
	all, err := migrations()
	ok(t, err)
	d, err := prepare(path, Options{})
	ok(t, err)
	return d, d.migrateTo(t.Context(), all[:n])
}

func TestOldDatabasesAreMigrated(t *testing.T) {
	all, err := migrations()
	ok(t, err)
	want := schema(t, open(t))
	for n := 1; n <= len(all); n++ {
		t.Run(fmt.Sprint("from schema ", n), func(t *testing.T) {
			path := oldDatabase(t, n)
			d, err := Open(t.Context(), path, Options{})
			ok(t, err)
			defer d.Close()
			if diff := cmp.Diff(want, schema(t, d)); diff != "" {
				t.Errorf("schema of the migrated database:\n%s", diff)
			}
			for i, look := range []func(*testing.T, *DB){lookAtSites, lookAtRuns, lookAtPeople, lookAtAudit, lookAtStatus, lookAtAuditAtSize, lookAtRunLists, lookAtDelivery, lookAtGuard, lookAtTokens, lookAtTraffic, lookAtServiceConnections, lookAtNotices, lookAtNodeWork, lookAtAgentHosts, lookAtScaling} {
				if i < n {
					look(t, d)
				}
			}
			broken, err := list(t.Context(), d.db, value[string], `SELECT "table" FROM pragma_foreign_key_check`)
			if err != nil || len(broken) > 0 {
				t.Errorf("rows that refer to nothing: %v %v", broken, err)
			}
		})
	}
}

var then = time.Unix(1763888400, 0).UTC()

func lookAtSites(t *testing.T, d *DB) {
	ctx := t.Context()
	got(t, workflows.Stack{
		ID: "stk_old", Name: "Seattle", ARMEndpoint: "https://management.seattle.azurestack.test", PortalURL: "https://portal.seattle.azurestack.test",
		Region: "seattle", Metadata: workflows.HubMetadata{Identity: workflows.IdentityEntra, TenantID: "t"}, TenantID: "t", SubscriptionID: "sub",
		Credential: workflows.Credential{Method: workflows.AuthSecret, ClientID: "c", Secret: "sec_old"}, AirGapped: true, CreatedAt: then, CreatedBy: "ana", Version: 3,
	})(d.Stack(ctx, "stk_old"))
	got(t, []workflows.Site{{ID: "site_old", DeploymentID: "dep_old", StackID: "stk_old", Name: "Seattle"}})(d.Sites(ctx, "dep_old"))
	h, err := d.HelperVM(ctx, "site_old")
	ok(t, err)
	c, err := d.ClusterOfSite(ctx, "site_old")
	ok(t, err)
	if h.EngineVersion != "v0.85.0" || len(h.Kubernetes) != 1 || c.ID != "clu_old" || c.Nodes() != 6 {
		t.Errorf("helper VM %+v, cluster %+v", h, c)
	}
	got(t, workflows.APIModel{ID: "apm_old", ClusterID: "clu_old", Version: 1, SHA256: "ab", Size: 10, Document: "sec_doc", RunID: "run_old", At: then})(d.APIModel(ctx, "clu_old", 1))
	f, err := d.Draft(ctx, "drf_old")
	ok(t, err)
	if f.Answers["name"] != "ratings-sea" || f.Version != 2 {
		t.Errorf("draft %+v", f)
	}
	r, err := d.CheckResults(ctx, "drf_old")
	if err != nil || len(r) != 1 || r[0].Status != workflows.CheckWaived {
		t.Errorf("checks %+v %v", r, err)
	}
}

func lookAtStatus(t *testing.T, d *DB) {
	ctx := t.Context()
	all, err := d.SiteHealths(ctx)
	if h := all["site_old"]; err != nil || h.Health != monitor.Degraded || h.Ready != 5 || len(h.Sick) != 1 || !h.At.Equal(then) {
		t.Errorf("probes %+v %v", all, err)
	}
	s, err := d.ShareByToken(ctx, []byte{1, 2})
	if err != nil || s.ID != "shr_old" || !s.Opens(then) || s.Opens(then.AddDate(2, 0, 0)) {
		t.Errorf("share %+v %v", s, err)
	}
}

func lookAtRuns(t *testing.T, d *DB) {
	ctx := t.Context()
	run, err := d.RunByNumber(ctx, 41)
	ok(t, err)
	if run.ID != "run_old" || run.Plan.Duration != "33 min" || run.Lines != 2 {
		t.Errorf("run %+v", run)
	}
	line := func(n int64, level workflows.Level, text string) workflows.LogLine {
		return workflows.LogLine{N: n, At: time.Unix(0, 1).UTC(), StepID: "deploy", Attempt: 1, Level: level, Text: text}
	}
	got(t, []workflows.LogLine{line(1, workflows.LevelInfo, "hello"), line(2, workflows.LevelError, "ohno")})(d.ReadLog(ctx, "run_old", 0, 10))
	got(t, int64(512))(d.StreamOffset(ctx, "run_old", "job.out"))
	if next := createRun(t, d, &workflows.Run{}); next.Number != 42 {
		t.Errorf("the next run has number %d", next.Number)
	}
}

func lookAtPeople(t *testing.T, d *DB) {
	ctx := t.Context()
	got(t, User{Name: "ana", Role: "admin", PasswordHash: "$argon2id$x", CreatedAt: then})(d.User(ctx, "ana"))
	got(t, []byte{0, 255})(d.GetSecret(ctx, "sec_old"))
	got(t, "v")(d.Setting(ctx, "k"))
	a, err := d.Archive(ctx, "v0.85.0")
	if err != nil || a.ID != "arc_old" {
		t.Errorf("archive %+v %v", a, err)
	}
}

func lookAtAudit(t *testing.T, d *DB) {
	verify(t, d, int64(len(auditSeqs(t, d, AuditFilter{}))), 0)
}

// The events of an older build are found by workflow and by time as well.
func TestOldEventsAreFound(t *testing.T) {
	d, err := Open(t.Context(), oldDatabase(t, 4), Options{})
	ok(t, err)
	defer d.Close()
	got(t, []int64{1})(auditSeqs(t, d, AuditFilter{WorkflowID: "cluster", SiteID: "site_old", From: then.Add(-time.Hour), To: then.Add(time.Second)}), nil)
}

func lookAtAuditAtSize(t *testing.T, d *DB) {
	got(t, []int64{2})(auditSeqs(t, d, AuditFilter{WorkflowID: "cluster", Action: "run.cancel"}), nil)
}

func lookAtRunLists(t *testing.T, d *DB) {
	got(t, "schema 7")(d.Setting(t.Context(), "seen"))
}

func lookAtDelivery(t *testing.T, d *DB) {
	con, err := d.Connection(t.Context(), "con_old")
	if ok(t, err); con.Credential.Secret != "sec_con" || con.Kind != workflows.ConnectionAzure {
		t.Errorf("connection %+v", con)
	}
	rels, err := d.Releases(t.Context(), "site_old")
	if ok(t, err); len(rels) != 1 || rels[0].Role != workflows.ReleaseApp || rels[0].Revision != 2 {
		t.Errorf("releases %+v", rels)
	}
	end, err := d.Endpoint(t.Context(), "site_old")
	if ok(t, err); !end.TLS || end.Port != 443 || end.Path != "/" {
		t.Errorf("endpoint %+v", end)
	}
}

func lookAtGuard(t *testing.T, d *DB) {
	got(t, workflows.Policy{StackID: "stk_old", Approval: []string{"upgrade"}, Windowed: []string{"upgrade"}, Zone: "Europe/Berlin", UpdatedBy: "ana", UpdatedAt: then, Version: 2,
		Windows: []workflows.Window{{Days: []time.Weekday{time.Saturday}, From: 1320, To: 240, Zone: "Europe/Berlin"}}})(d.Policy(t.Context(), "stk_old"))
	got(t, workflows.Gate{Approval: true, Askers: []string{"ana"}, Verdicts: []workflows.Verdict{{By: "bob", At: then, Approved: true, Reason: "fine", Attempt: 1}}})(d.Gate(t.Context(), "run_old"))
}

func lookAtTokens(t *testing.T, d *DB) {
	tok, err := d.TokenByHash(t.Context(), []byte{3, 4})
	if ok(t, err); tok.ID != "tok_old" || tok.Person != "ana" || !tok.Opens(then) || tok.Opens(then.AddDate(2, 0, 0)) {
		t.Errorf("token %+v", tok)
	}
}

func lookAtTraffic(t *testing.T, d *DB) {
	p, err := d.TrafficProfile(t.Context(), "dep_old")
	if ok(t, err); p.TTL != 100 || p.Probe.TimeoutSeconds != 9 || len(p.Endpoints) != 1 || p.Endpoints[0].Weight != 2 {
		t.Errorf("traffic profile %+v", p)
	}
}

func lookAtServiceConnections(t *testing.T, d *DB) {
	sc, err := d.ServiceConnection(t.Context(), "site_old")
	if ok(t, err); sc.Name != "k8s-seattle" || len(sc.Shared) != 1 || sc.ExpiresAt.Year() != 2026 || sc.PoolID != 1 {
		t.Errorf("service connection %+v", sc)
	}
}

func lookAtAgentHosts(t *testing.T, d *DB) {
	sc, err := d.ServiceConnection(t.Context(), "site_old")
	if ok(t, err); sc.AgentHost.Address != "build01.example.org" || sc.AgentHost.PrivateKey != "sec_key" {
		t.Errorf("agent's host %+v", sc.AgentHost)
	}
}

func lookAtScaling(t *testing.T, d *DB) {
	all, err := d.SiteHealths(t.Context())
	if ok(t, err); len(all["site_old"].Scaling) != 1 || all["site_old"].Scaling[0] != (monitor.Scaler{Name: "ratings-web", Current: 97, Target: 80, Replicas: 4, Min: 1, Max: 10}) {
		t.Errorf("autoscalers %+v", all["site_old"].Scaling)
	}
}

func lookAtNodeWork(t *testing.T, d *DB) {
	got(t, []time.Duration{5 * time.Minute})(d.NodeTimes(t.Context(), "upgrade", "site_old"))
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	d, err := Open(t.Context(), path, Options{})
	ok(t, err)
	_, err = d.exec(t.Context(), `INSERT INTO schema_migrations VALUES (99, '0099_later.sql', 0)`)
	ok(t, err)
	ok(t, d.Close())
	var p *workflows.Problem
	if _, err := Open(t.Context(), path, Options{}); !errors.As(err, &p) || p.Code != "store.newer" {
		t.Errorf("error %v", err)
	}
}

// A migration that fails leaves the schema as it was before it.
func TestAFailedMigrationLeavesNothing(t *testing.T) {
	all, err := migrations()
	ok(t, err)
	d := open(t)
	before := schema(t, d)
	bad := migration{len(all) + 1, "bad.sql", "CREATE TABLE half (a); CREATE TABLE runs (b);"}
	if err := d.migrateTo(t.Context(), append(all, bad)); err == nil || !strings.Contains(err.Error(), "bad.sql") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, schema(t, d)); diff != "" {
		t.Error(diff)
	}
	got(t, len(all))(d.schemaVersion(t.Context()))
}

// Several processes that start on an empty database at once all come up.
func TestOpenedByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			d, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if err := d.SetSetting(context.Background(), fmt.Sprint(i), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
