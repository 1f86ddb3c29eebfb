package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
)

const (
	metricsGroup   = "metrics.k8s.io/v1beta1"
	metricsName    = "metrics-server"
	metricsWindow  = 15 * time.Second
	loadAnnotation = "sandbox/cpu-load" // on a Deployment: CPU that its pods use together
)

// meter is the aggregated API metrics.k8s.io: what each pod uses follows from the requests that its Services get and from
// an annotation of its Deployment.
type meter struct {
	pods     corelisters.PodLister
	nodes    corelisters.NodeLister
	services corelisters.ServiceLister
	sets     appslisters.ReplicaSetLister
	deploys  appslisters.DeploymentLister
	load     *load
	server   *http.Server
}

func newMeter(f informers.SharedInformerFactory, l *load) *meter {
	return &meter{
		pods: f.Core().V1().Pods().Lister(), nodes: f.Core().V1().Nodes().Lister(), services: f.Core().V1().Services().Lister(),
		sets: f.Apps().V1().ReplicaSets().Lister(), deploys: f.Apps().V1().Deployments().Lister(), load: l,
	}
}

// listen serves the API to the cluster's own API server alone.
func (m *meter) listen(s *Spec) error {
	pair, err := tls.X509KeyPair(s.PKI.APIServer, s.PKI.APIServerKey)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.PKI.CA)
	ln, err := net.Listen("tcp4", s.at(portMetrics))
	if err != nil {
		return fmt.Errorf("the metrics API: %w", err)
	}
	m.server = &http.Server{Handler: m.routes(), ReadHeaderTimeout: 10 * time.Second, TLSConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert,
	}}
	go m.server.ServeTLS(ln, "", "")
	return nil
}

func (m *meter) close() error {
	if m == nil || m.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(m.server.Shutdown(ctx), m.server.Close())
}

func (m *meter) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/"+metricsGroup, func(w http.ResponseWriter, _ *http.Request) {
		verbs := []string{"get", "list"}
		tell(w, http.StatusOK, object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": metricsGroup, "resources": []object{
			{"name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics", "verbs": verbs},
			{"name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics", "verbs": verbs},
		}})
	})
	base := "GET /apis/" + metricsGroup
	mux.HandleFunc(base+"/nodes", m.listNodes)
	mux.HandleFunc(base+"/nodes/{name}", func(w http.ResponseWriter, r *http.Request) {
		n, err := m.nodes.Get(r.PathValue("name"))
		if err != nil {
			absent(w, "nodes", r.PathValue("name"))
			return
		}
		tell(w, http.StatusOK, m.node(n))
	})
	mux.HandleFunc(base+"/pods", m.listPods)
	mux.HandleFunc(base+"/namespaces/{namespace}/pods", m.listPods)
	mux.HandleFunc(base+"/namespaces/{namespace}/pods/{name}", func(w http.ResponseWriter, r *http.Request) {
		p, err := m.pods.Pods(r.PathValue("namespace")).Get(r.PathValue("name"))
		if err != nil || p.Status.Phase != corev1.PodRunning {
			absent(w, "pods", r.PathValue("name"))
			return
		}
		tell(w, http.StatusOK, m.pod(p))
	})
	return mux
}

func tell(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func absent(w http.ResponseWriter, what, name string) {
	tell(w, http.StatusNotFound, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
		"message": fmt.Sprintf("%s.metrics.k8s.io %q not found", what, name)})
}

func selector(w http.ResponseWriter, r *http.Request) (labels.Selector, bool) {
	sel, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		tell(w, http.StatusBadRequest, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 400, "message": err.Error()})
	}
	return sel, err == nil
}

func (m *meter) listNodes(w http.ResponseWriter, r *http.Request) {
	sel, ok := selector(w, r)
	if !ok {
		return
	}
	items := []object{}
	nodes, _ := m.nodes.List(sel)
	for _, n := range nodes {
		items = append(items, m.node(n))
	}
	tell(w, http.StatusOK, object{"kind": "NodeMetricsList", "apiVersion": metricsGroup, "metadata": object{}, "items": items})
}

func (m *meter) listPods(w http.ResponseWriter, r *http.Request) {
	sel, ok := selector(w, r)
	if !ok {
		return
	}
	items := []object{}
	pods, _ := m.pods.Pods(r.PathValue("namespace")).List(sel)
	for _, p := range pods {
		if p.Status.Phase == corev1.PodRunning {
			items = append(items, m.pod(p))
		}
	}
	tell(w, http.StatusOK, object{"kind": "PodMetricsList", "apiVersion": metricsGroup, "metadata": object{}, "items": items})
}

func (m *meter) head(kind string, o metav1.ObjectMeta) object {
	now := m.load.now().UTC().Truncate(time.Second).Format(time.RFC3339)
	meta := object{"name": o.Name, "creationTimestamp": now, "labels": o.Labels}
	if o.Namespace != "" {
		meta["namespace"] = o.Namespace
	}
	return object{"kind": kind, "apiVersion": metricsGroup, "metadata": meta, "timestamp": now, "window": metricsWindow.String()}
}

// pod gives its first container all of the load.
func (m *meter) pod(p *corev1.Pod) object {
	out := m.head("PodMetrics", p.ObjectMeta)
	var containers []object
	for i, c := range p.Spec.Containers {
		cpu := int64(1)
		if i == 0 {
			cpu = m.usage(p)
		}
		containers = append(containers, object{"name": c.Name, "usage": used(cpu, 24)})
	}
	out["containers"] = containers
	return out
}

func (m *meter) node(n *corev1.Node) object {
	cpu, memory := int64(60), int64(900)
	pods, _ := m.pods.List(labels.Everything())
	for _, p := range pods {
		if p.Spec.NodeName == n.Name && p.Status.Phase == corev1.PodRunning {
			cpu, memory = cpu+m.usage(p), memory+24
		}
	}
	out := m.head("NodeMetrics", n.ObjectMeta)
	out["usage"] = used(cpu, memory)
	return out
}

func used(milli, mebi int64) object {
	return object{"cpu": resource.NewMilliQuantity(milli, resource.DecimalSI).String(), "memory": fmt.Sprintf("%dMi", mebi)}
}

// usage is a pod's CPU in millicores.
func (m *meter) usage(p *corev1.Pod) int64 {
	f := fnv.New32a()
	_, _ = f.Write([]byte(p.Name))
	total := 1 + float64(f.Sum32()%3) // nothing is quite idle
	services, _ := m.services.Services(p.Namespace).List(labels.Everything())
	for _, s := range services {
		if len(s.Spec.Selector) == 0 || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels)) {
			continue
		}
		total += m.load.millicores(s.Namespace, s.Name) / m.sharing(s.Namespace, s.Spec.Selector)
	}
	if set := metav1.GetControllerOf(p); set != nil && set.Kind == "ReplicaSet" {
		total += m.ordered(p.Namespace, set.Name)
	}
	return int64(math.Round(total))
}

// sharing is how many running pods take part.
func (m *meter) sharing(namespace string, selector map[string]string) float64 {
	pods, _ := m.pods.Pods(namespace).List(labels.SelectorFromSet(selector))
	n := 0.0
	for _, p := range pods {
		if p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil {
			n++
		}
	}
	return max(n, 1)
}

// ordered is the part of a pod of a ReplicaSet in what its Deployment's annotation says.
func (m *meter) ordered(namespace, set string) float64 {
	rs, err := m.sets.ReplicaSets(namespace).Get(set)
	if err != nil {
		return 0
	}
	owner := metav1.GetControllerOf(rs)
	if owner == nil {
		return 0
	}
	d, err := m.deploys.Deployments(namespace).Get(owner.Name)
	if err != nil || d.Annotations[loadAnnotation] == "" {
		return 0
	}
	q, err := resource.ParseQuantity(strings.TrimSpace(d.Annotations[loadAnnotation]))
	if err != nil || d.Spec.Selector == nil {
		return 0
	}
	return float64(q.MilliValue()) / m.sharing(namespace, d.Spec.Selector.MatchLabels)
}
