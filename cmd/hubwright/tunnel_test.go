package main

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/engine"
	"hubwright/internal/redact"
	"hubwright/internal/remote"
	"hubwright/internal/sandbox/clustertest"
	"hubwright/internal/sandbox/helper"
	"hubwright/store"
	"hubwright/workflows"
	"hubwright/workflows/connect"
)

// farHub is a whole server whose Stack's proxy refuses the way to a real
// cluster, and a helper VM from which there is one.
type farHub struct {
	*product
	t       *testing.T
	cluster workflows.Cluster
	site    workflows.Site
	kube    *clustertest.Cluster
	fleet   *helper.Fleet
	refused atomic.Int64
	url     string
	browser http.Client
}

func newFarHub(t *testing.T) *farHub {
	t.Helper()
	ctx := t.Context()
	f := &farHub{t: t}
	var err error
	if f.kube, err = clustertest.Start(ctx, t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.kube.Close() })
	dir := t.TempDir()
	if f.product, err = assemble(ctx, config{Data: dir, KeyFile: filepath.Join(dir, "key"), PublicURL: "http://127.0.0.1"}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	if err := f.engine.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.refused.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	f.register(proxy.URL, f.startHelper())
	f.logIn()
	return f
}

// startHelper starts the SSH server of a helper VM that knows the cluster.
func (f *farHub) startHelper() workflows.HelperVM {
	f.t.Helper()
	ctx := f.t.Context()
	private, public, err := remote.NewKeyPair("test")
	f.must(err)
	f.fleet = helper.New(helper.Options{Dir: f.t.TempDir(), Resolve: func(_, host string, port int) (string, bool) {
		return f.kube.Endpoint(), host == clustertest.FQDN && port == 443
	}})
	f.t.Cleanup(func() { f.fleet.Close() })
	addr, err := f.fleet.Add(ctx, helper.VM{Name: "helper", Address: "127.0.0.1:0", AdminUser: "azureuser", AuthorizedKeys: []string{public}})
	f.must(err)
	host, port, err := net.SplitHostPort(addr)
	f.must(err)
	vm := workflows.HelperVM{Address: host, User: "azureuser"}
	vm.Port, err = strconv.Atoi(port)
	f.must(err)
	vm.HostKey, _, err = remote.ScanHostKey(ctx, remote.Target{Host: host, Port: vm.Port})
	f.must(err)
	vm.PrivateKey, err = f.vault.Seal(ctx, "key of the helper VM", private)
	f.must(err)
	return vm
}

func (f *farHub) register(proxy string, vm workflows.HelperVM) {
	f.t.Helper()
	ctx := f.t.Context()
	stack := workflows.Stack{Name: "Seattle", HTTPSProxy: proxy}
	f.must(f.db.SaveStack(ctx, &stack))
	d := workflows.Deployment{Name: "Ratings", CreatedBy: "ana"}
	f.must(f.db.SaveDeployment(ctx, &d))
	f.site = workflows.Site{DeploymentID: d.ID, StackID: stack.ID, Name: "Seattle"}
	f.must(f.db.SaveSite(ctx, &f.site))
	vm.SiteID = f.site.ID
	f.must(f.db.SaveHelperVM(ctx, &vm))
	ref, err := f.vault.Seal(ctx, "kubeconfig", f.kube.Kubeconfig())
	f.must(err)
	f.cluster = workflows.Cluster{SiteID: f.site.ID, Name: "ratings-sea", NameSuffix: clustertest.Suffix, FQDN: clustertest.FQDN, Version: clustertest.Version,
		MasterCount: 1, Pools: []workflows.NodePool{{Name: "linuxpool", Count: 2}}, AdminUser: "azureuser", Kubeconfig: ref, CreatedBy: "ben"}
	f.must(f.db.SaveCluster(ctx, &f.cluster))
	f.must(f.db.SaveAPIModel(ctx, &workflows.APIModel{ClusterID: f.cluster.ID, SHA256: "ab", Size: 2, Document: ref, RunID: "run_first"}))
}

func (f *farHub) logIn() {
	f.t.Helper()
	server := httptest.NewServer(f.handler)
	f.t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	f.must(err)
	f.url, f.browser = server.URL, http.Client{Jar: jar}
	token, _, err := f.auth.SetupToken(f.t.Context())
	f.must(err)
	const password = "correct horse battery"
	f.must(f.auth.CompleteSetup(f.t.Context(), token, "ana", password))
	if status, _ := f.post("/login", url.Values{"name": {"ana"}, "password": {password}}); status != http.StatusOK {
		f.t.Fatalf("login: %d", status)
	}
}

func (f *farHub) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *farHub) post(path string, form url.Values) (int, string) {
	f.t.Helper()
	res, err := f.browser.PostForm(f.url+path, form)
	f.must(err)
	return f.read(res)
}

func (f *farHub) get(path string) string {
	f.t.Helper()
	res, err := f.browser.Get(f.url + path)
	f.must(err)
	status, body := f.read(res)
	if status != http.StatusOK {
		f.t.Fatalf("%s: %d", path, status)
	}
	return body
}

func (f *farHub) read(res *http.Response) (int, string) {
	f.t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	f.must(err)
	return res.StatusCode, string(body)
}

// connect runs the workflow as ana and answers the run and its log.
func (f *farHub) connect(answers workflows.Answers) (workflows.Run, string) {
	f.t.Helper()
	ctx := f.t.Context()
	def := connect.New(newAdapters(f.db, f.vault, redact.New(), nil).connect())
	s, err := def.Open(ctx, workflows.Target{SiteID: f.site.ID}, answers)
	f.must(err)
	state, err := s.State()
	f.must(err)
	plan, err := s.Plan(ctx)
	f.must(err)
	run, err := f.engine.Start(ctx, engine.Start{Workflow: def, Target: workflows.Target{SiteID: f.site.ID}, LockKey: s.LockKey(), Plan: plan, State: state, Actor: "ana"})
	f.must(err)
	for deadline := time.Now().Add(time.Minute); !run.Status.Ended(); {
		if time.Now().After(deadline) {
			f.t.Fatalf("the run is %s", run.Status)
		}
		<-time.After(20 * time.Millisecond)
		run, err = f.db.Run(ctx, run.ID)
		f.must(err)
	}
	lines, err := f.db.ReadLog(ctx, run.ID, 0, 1000)
	f.must(err)
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.Text + "\n")
	}
	return run, text.String()
}

func (f *farHub) downloads() []string {
	f.t.Helper()
	events, err := f.db.AuditEvents(f.t.Context(), store.AuditFilter{Action: "kubeconfig.download", Limit: 10})
	f.must(err)
	var out []string
	for _, e := range events {
		out = append(out, e.Actor+": "+e.Object)
	}
	return out
}

func contains(t *testing.T, where, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s does not say %q:\n%s", where, p, text)
		}
	}
}

// TestFarHub has parts that share the server; the last one takes its helper VM
// away.
func TestFarHub(t *testing.T) {
	f := newFarHub(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *farHub)
	}{
		{"a refusal is no reason to tunnel", refusal}, {"the download is audited", downloadAudited},
		{"the run and the page tunnel", tunnels}, {"neither way", neitherWay},
	} {
		t.Run(part.name, func(t *testing.T) {
			f.t = t
			part.run(t, f)
		})
	}
}

// Who is refused by the API server itself would be refused through the tunnel,
// too.
func refusal(t *testing.T, f *farHub) {
	var asked atomic.Int64
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(api.Close)
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}))
	kubeconfig := `{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{"token":"t"}}],
		"clusters":[{"name":"c","cluster":{"server":"` + api.URL + `","certificate-authority-data":"` + ca + `"}}]}`
	a := newAdapters(f.db, f.vault, redact.New(), nil)
	_, err := a.anyWay(t.Context(), []byte(kubeconfig), workflows.Stack{}, f.site.ID)
	var p *workflows.Problem
	if !errors.As(err, &p) || p.Code != "kube.unauthorized" || asked.Load() != 1 {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
}

func downloadAudited(t *testing.T, f *farHub) {
	path := "/clusters/" + f.cluster.ID + "/kubeconfig"
	status, body := f.post(path, nil)
	if status != http.StatusUnprocessableEntity || len(f.downloads()) != 0 {
		t.Errorf("without the confirmation: %d, audited %v", status, f.downloads())
	}
	contains(t, "the refusal", body, "who has the file is cluster administrator", "This kubeconfig is cluster-admin")
	if status, body = f.post(path, url.Values{"confirm": {"yes"}}); status != http.StatusOK || !strings.Contains(body, "proxy-url: http://127.0.0.1:") {
		t.Errorf("%d: the file has no proxy", status)
	}
	if diff := cmp.Diff([]string{"ana: cluster ratings-sea"}, f.downloads()); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func tunnels(t *testing.T, f *farHub) {
	run, log := f.connect(workflows.Answers{"account": "yes", "namespace": "ratings", "name": "robot", "role": "view", "hours": "1"})
	if run.Status != workflows.RunSucceeded {
		t.Fatalf("the run is %s: %+v\n%s", run.Status, run.Problem, log)
	}
	contains(t, "the log", log, "Not directly: The HTTPS proxy does not let us through", "Through the helper VM's SSH to https://"+clustertest.FQDN,
		"v"+clustertest.Version, "3 of 3 nodes are Ready", "From now on the cluster is reached through the helper VM's SSH", "Service account robot")
	if kept, err := f.db.Cluster(t.Context(), f.cluster.ID); err != nil || !kept.ViaHelper {
		t.Errorf("the way was not remembered: %v", err)
	}

	// The page goes the same way, and does not ask the proxy any more.
	asked := f.refused.Load()
	page := f.get("/clusters/" + f.cluster.ID)
	contains(t, "the page", page, "reached through the helper VM", "3 of 3 Ready", "k8s-linuxpool-"+clustertest.Suffix+"-1", "Kubernetes control plane",
		"by ben", `href="/runs/run_first"`, "ssh -p 22 azureuser@"+clustertest.FQDN, "Not as a jump box", "This kubeconfig is cluster-admin")
	if f.refused.Load() != asked {
		t.Error("the page tried the direct way")
	}

	if run, log = f.connect(nil); run.Status != workflows.RunSucceeded {
		t.Fatalf("%+v", run.Problem)
	}
	contains(t, "the second log", log, "The way is recorded already: through the helper VM's SSH")
}

func neitherWay(t *testing.T, f *farHub) {
	f.must(f.fleet.Remove("helper"))
	run, _ := f.connect(nil)
	if run.Status != workflows.RunFailed || run.Problem == nil {
		t.Fatalf("the run is %s", run.Status)
	}
	contains(t, "the problem", run.Problem.Error(), "Directly: The HTTPS proxy", "Through the helper VM: No SSH connection", "nothing listens")
}
