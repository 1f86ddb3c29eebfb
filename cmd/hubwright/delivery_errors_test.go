package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/charts"
	"hubwright/internal/kube"
	library "hubwright/internal/sandbox/charts"
	"hubwright/internal/sandbox/clustertest"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/workflows"
	"hubwright/workflows/app"
	"hubwright/workflows/autoscale"
)

// The charts that go wrong.
const (
	webTier = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: {{ .Values.image }}, resources: {requests: {cpu: 10m}}}]}
`
	failingHook = `apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: a, image: b, command: ["false"]}]}}}
`
	diskClaim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: managed-premium, resources: {requests: {storage: 1Gi}}}
`
	publicService = `apiVersion: v1
kind: Service
metadata: {name: ingress-controller}
spec: {type: LoadBalancer, selector: {app: none}, ports: [{port: 80}]}
`
	noMoreAddresses = `Code="PublicIPCountLimitReached" Message="Cannot create more than 5 public IP addresses for this subscription in this region."`
)

// TestDeliveryErrors is what can go wrong in a delivery on a real API server,
// with what the person is told and that it is told within the step's soft
// time-out, which goes by a clock that advances with each pause.
func TestDeliveryErrors(t *testing.T) {
	d := newDelivery(t)
	t.Run("told", func(t *testing.T) {
		for name, c := range map[string]deliveryError{
			"the chart is missing": {
				own: map[string]string{"own_source": "repository", "own_url": d.repository, "own_chart": "nginx-ingress", "own_version": "9.9.9"},
				at:  "check charts", what: "nginx-ingress 9.9.9", why: "2.4.1", fix: "Choose",
			},
			"values break the schema": {
				chart: map[string]string{"values.schema.json": `{"properties": {"replicas": {"type": "integer"}}}`}, own: map[string]string{"values": "replicas: many"},
				at: "check values", what: "The chart does not take these values", why: "replicas", fix: "Correct the values that are named",
			},
			"an image pull that never ends": {
				chart: map[string]string{"values.yaml": "image: registry.invalid/web:1\n", "templates/a.yaml": webTier},
				at:    "step app", what: "The image registry.invalid/web:1 cannot be pulled", why: "pod web-", fix: "pull secret",
			},
			"a hook fails": {
				chart: map[string]string{"templates/a.yaml": failingHook},
				at:    "step app", what: "The hook migrate does not end well", why: "backoff limit", fix: "logs job/migrate",
			},
			"a claim waits for a driver": {
				chart: map[string]string{"templates/a.yaml": diskClaim},
				at:    "step app", what: "The claim data gets no disk", why: "the driver disk.csi.azure.com of the storage class managed-premium is not on the cluster", fix: "Install the driver",
			},
			"the same, found before the start": {
				own: map[string]string{"app": "ratings", "driver": "keep"},
				at:  "check storage", what: "wants the driver disk.csi.azure.com, which the cluster does not have", fix: "Let the run install the Azure Disk CSI driver",
			},
			"no public address is left": {
				ingress: map[string]string{"templates/a.yaml": publicService},
				at:      "step ingress", what: "The Service ingress-controller gets no external address", why: "Cannot create more than 5 public IP addresses", fix: "larger quota",
			},
			"the endpoint does not answer": {
				at: "step probe", what: "The application does not answer through the ingress", why: "refused", fix: "Look whether this server reaches the address",
			},
			"there are no metrics": {
				at: "autoscale check metrics", what: "There are no metrics", why: "the cluster has no metrics API", fix: "Look at the Deployment metrics-server in kube-system",
			},
			"the metrics go away": {
				chart: map[string]string{"values.yaml": "image: example.test/web:1\n", "templates/a.yaml": webTier},
				at:    "autoscale step targets", what: "The autoscaler has no numbers to go by", why: "FailedGetResourceMetric", fix: "Look at the metrics server",
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.check(t, d, "errors-"+strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", ""))
			})
		}
	})
}

// deliveryError is a case: the charts and answers, where it shows, and what is
// said.
type deliveryError struct {
	chart, ingress map[string]string // files; nil is a chart that installs
	own            map[string]string // answers
	at             string
	what, why, fix string
}

func (c deliveryError) check(t *testing.T, d *delivery, namespace string) {
	w := &scene{delivery: d, t: t, now: time.Unix(1_900_000_000, 0), archives: map[string][]byte{}}
	own, ingress := c.chart, c.ingress
	if own == nil {
		own = map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}
	}
	if ingress == nil {
		ingress = own
	}
	answers := workflows.Answers{
		"ingress_namespace": namespace, "f5_source": "uploaded", "f5_archive": w.keep("nginx-ingress", ingress), "driver": "keep", "namespace": namespace,
		"app": "own", "own_source": "uploaded", "own_archive": w.keep("shop", own), "release": "shop", "deployment": namespace + "/web",
	}
	maps.Copy(answers, c.own)
	def := app.New(w.app())
	at := c.at
	if rest, ok := strings.CutPrefix(at, "autoscale "); ok {
		at = rest
		if c.chart != nil {
			w.step(app.New(w.app()), "app", answers)
		}
		def = autoscale.New(w.autoscale())
	}
	kind, id, _ := strings.Cut(at, " ")
	if kind == "check" {
		s, err := def.Open(t.Context(), workflows.Target{SiteID: "s"}, answers)
		if err != nil || len(s.Errors()) > 0 {
			t.Fatal(err, s.Errors())
		}
		f := s.RunCheck(t.Context(), id)
		c.compare(t, workflows.Problem{What: f.Found, Why: f.Found, Fix: f.Remedy})
		return
	}
	if id == "targets" {
		w.step(def, "apply", answers)
	}
	began := w.now
	err := w.step(def, id, answers)
	var p *workflows.Problem
	if !errors.As(err, &p) {
		t.Fatalf("it ends with %v", err)
	}
	c.compare(t, *p)
	for _, s := range def.Info().Steps {
		soft := time.Duration(s.TimeoutSeconds) * time.Second
		if took := w.now.Sub(began); s.ID == id && (took > soft || soft == 0) {
			t.Errorf("it is told after %s; the soft time-out is %s", took, soft)
		}
	}
}

func (c deliveryError) compare(t *testing.T, p workflows.Problem) {
	t.Helper()
	if !strings.Contains(p.What, c.what) || !strings.Contains(p.Why, c.why) || !strings.Contains(p.Fix, c.fix) || p.Fix == "" {
		t.Errorf("what: %s\nwhy:  %s\nfix:  %s", p.What, p.Why, p.Fix)
	}
}

// delivery is a cluster without metrics, disk driver and addresses.
type delivery struct {
	cluster    *clustertest.Cluster
	repository string
	way        charts.Net
}

func newDelivery(t *testing.T) *delivery {
	t.Helper()
	c, err := clustertest.Start(t.Context(), t.TempDir(), nil, func(o *controlplane.Options) {
		o.LoadBalancerIP = func(context.Context, string, string, string, string) (string, error) {
			return "", errors.New(noMoreAddresses)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(config, c.KubeconfigForKubectl(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), c.Binary(), "kubectl", "--kubeconfig", config, "delete", "apiservice", "v1beta1.metrics.k8s.io").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := library.Open()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(l)
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &delivery{c, server.URL + "/stable", charts.Net{CABundle: string(ca)}}
}

// scene is one case with a time of its own.
type scene struct {
	*delivery
	app.Records // what is not asked here
	t           *testing.T
	now         time.Time
	archives    map[string][]byte
}

func (w *scene) Site(context.Context, string) (workflows.Site, error) {
	return workflows.Site{ID: "s", Name: "Seattle"}, nil
}
func (w *scene) Stack(context.Context, string) (workflows.Stack, error) {
	return workflows.Stack{}, nil
}
func (w *scene) ClusterOfSite(context.Context, string) (workflows.Cluster, error) {
	return workflows.Cluster{Name: "ratings-sea", Version: clustertest.Version}, nil
}
func (w *scene) Releases(context.Context, string) ([]workflows.Release, error) { return nil, nil }
func (w *scene) SaveRelease(context.Context, *workflows.Release) error         { return nil }
func (w *scene) Endpoint(context.Context, string) (workflows.Endpoint, error) {
	return workflows.Endpoint{}, workflows.ErrNotFound
}

func (w *scene) clock() time.Time { return w.now }

// pause is short, whatever is asked for; the clock goes on by all of it.
func (w *scene) pause(ctx context.Context, d time.Duration) error {
	w.now = w.now.Add(d)
	return workflows.Pause(ctx, 100*time.Millisecond)
}

// keep packs a chart and gives the answer that an upload would.
func (w *scene) keep(name string, files map[string]string) string {
	w.t.Helper()
	all := map[string]string{"Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"}
	maps.Copy(all, files)
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if err := tw.WriteHeader(&tar.Header{Name: name + "/" + file, Mode: 0o644, Size: int64(len(all[file]))}); err != nil {
			w.t.Fatal(err)
		}
		if _, err := tw.Write([]byte(all[file])); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		w.t.Fatal(err)
	}
	c, err := charts.Read(buf.Bytes(), workflows.ChartSource{Kind: workflows.ChartUploaded, Name: name + ".tgz"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.archives[c.Digest] = buf.Bytes()
	return c.Digest + " " + name + ".tgz"
}

func (w *scene) open() (helmCluster, error) {
	k, err := kube.Open(w.cluster.Kubeconfig(), kube.Way{Dial: w.cluster.Dial})
	if err != nil {
		return helmCluster{}, err
	}
	helm := charts.Open(k.Config())
	helm.Clock, helm.Pause = w.clock, w.pause
	return helmCluster{liveCluster{Cluster: k}, helm}, nil
}

func (w *scene) app() app.Needs {
	return app.Needs{
		Records: w, CheckValues: charts.CheckValues, Hide: charts.Hide, Probe: probe, Clock: w.clock, Pause: w.pause,
		Open: func(context.Context, workflows.Cluster) (app.Kube, error) { return w.open() },
		Chart: func(ctx context.Context, src workflows.ChartSource, _ workflows.Stack) (workflows.Chart, error) {
			if src.Kind == workflows.ChartUploaded {
				return charts.Read(w.archives[src.Digest], src)
			}
			return charts.Locate(ctx, src, w.way)
		},
	}
}

func (w *scene) autoscale() autoscale.Needs {
	return autoscale.Needs{
		Records: w, Clock: w.clock, Pause: w.pause,
		Open: func(context.Context, workflows.Cluster) (autoscale.Kube, error) { return w.open() },
	}
}

// step runs one step with these answers.
func (w *scene) step(def workflows.Definition, id string, answers workflows.Answers) error {
	w.t.Helper()
	s, err := def.Open(w.t.Context(), workflows.Target{SiteID: "s"}, answers)
	if err != nil || len(s.Errors()) > 0 {
		w.t.Fatal(err, s.Errors())
	}
	state, err := s.State()
	if err != nil {
		w.t.Fatal(err)
	}
	if id == "probe" { // the address that an earlier step has found, where nobody listens
		state = bytes.Replace(state, []byte(`"Address":""`), []byte(`"Address":"127.0.0.1"`), 1)
	}
	x, err := def.Resume(state)
	if err != nil {
		w.t.Fatal(err)
	}
	return x.Run(w.t.Context(), id, discard{})
}

// discard is a log that nobody reads.
type discard struct{ workflows.Log }

func (discard) Info(string, ...any)  {}
func (discard) Warn(string, ...any)  {}
func (discard) Good(string, ...any)  {}
func (discard) Command(string)       {}
func (discard) Progress(int, string) {}
func (discard) Mask(string)          {}
