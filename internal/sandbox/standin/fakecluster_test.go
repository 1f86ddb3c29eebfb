package standin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/identity"
)

const apiHost = "k111." + region + ".cloudapp." + domain

// world is the sandbox's own Hub behind the test's proxy, with the least of a Kubernetes API.
type world struct {
	*hub
	arm *arm.Hub

	late int // how often a new node is asked for before it is ready; -1 for ever

	kube  sync.Mutex
	nodes map[string]*corev1.Node
	pods  map[string]*corev1.Pod // by name, of namespace default
	stuck map[string]int         // evictions that a budget forbids first, by pod; -1 for ever
	wait  map[string]int         // of late, by node
	beats map[string]int         // writes that a change by somebody else comes before, by node
	asked []string               // of the Kubernetes API

	system []corev1.Pod // of kube-system
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{hub: newHub(t), nodes: map[string]*corev1.Node{}, pods: map[string]*corev1.Pod{}, stuck: map[string]int{}, wait: map[string]int{}, beats: map[string]int{}}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	host := "login." + region + "." + domain
	login := identity.New(identity.Config{System: identity.Entra, Host: host, TenantID: tenantID, Audiences: []string{audience}, Key: key,
		Principals: []identity.Principal{{ClientID: clientUUID, Secret: goodSecret}}})
	w.arm, err = arm.New(t.Context(), arm.Config{Region: region, Domain: domain, SubscriptionID: subscriptionID, TenantID: tenantID, Audience: audience,
		Identity: login, IPPrefix: "127.41.1.", Speed: 1e6, Hooks: arm.Hooks{NodeJoins: w.join, VMGone: w.leave}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.arm.Close() })
	w.hosts = map[string]http.Handler{onARM: w.arm, host: login, apiHost: http.HandlerFunc(w.serveKube)}
	return w
}

// cluster deploys the sample cluster with one master and so many agents, and lets its API server be seen.
func (w *world) cluster(t *testing.T, r *run, agents int, change func(node)) {
	t.Helper()
	r.main(w.hub, r.deployArgs(model(t, r.dir, func(m node) {
		master(m)["count"] = 1
		pool(m)["count"] = agents
		if change != nil {
			change(m)
		}
	}))...)
	if r.code != 0 {
		t.Fatalf("deploy: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	w.load(t)
}

// load lets the API server of the cluster in the folder out be seen.
func (w *world) load(t *testing.T) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair("out/apiserver.crt", "out/apiserver.key")
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apiPair, w.requests = &pair, nil
}

func (w *world) join(_ context.Context, m arm.Machine, c arm.ClusterFacts) error {
	w.kube.Lock()
	defer w.kube.Unlock()
	labels := map[string]string{"kubernetes.io/hostname": m.Name}
	if m.Tags["poolName"] == "master" {
		labels["node-role.kubernetes.io/master"] = ""
	}
	w.wait[m.Name] = w.late
	w.nodes[m.Name] = &corev1.Node{TypeMeta: metav1.TypeMeta{Kind: "Node", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: m.Name, Labels: labels}, Status: corev1.NodeStatus{
		NodeInfo:   corev1.NodeSystemInfo{KubeletVersion: "v" + c.Version, OSImage: "Ubuntu 22.04.5 LTS", KernelVersion: "5.15.0-1084-azure"},
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
	return nil
}

func (w *world) leave(_ context.Context, m arm.Machine) {
	w.kube.Lock()
	defer w.kube.Unlock()
	if m.Tags["poolName"] != "master" {
		delete(w.nodes, m.Name)
	}
}

// run puts a pod on a node.
func (w *world) run(name, on string) *corev1.Pod {
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: "1"}, Spec: corev1.PodSpec{NodeName: on}}
	w.pods[name] = pod
	return pod
}

func (w *world) serveKube(rw http.ResponseWriter, r *http.Request) {
	w.kube.Lock()
	defer w.kube.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	w.asked = append(w.asked, r.Method+" "+path)
	name := path[strings.LastIndexByte(path, '/')+1:]
	refuse := func(code int, what string) {
		rw.WriteHeader(code)
		json.NewEncoder(rw).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Message: what, Code: int32(code), Reason: map[int]metav1.StatusReason{404: "NotFound", 429: "TooManyRequests"}[code]})
	}
	switch {
	case r.URL.Path == "/api" || r.URL.Path == "/apis" || r.URL.Path == "/api/v1":
		json.NewEncoder(rw).Encode(discovery[r.URL.Path])
	case strings.HasPrefix(path, "namespaces/kube-system/pods"):
		json.NewEncoder(rw).Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: w.system})
	case strings.HasPrefix(path, "/apis/apps/v1/"):
		rw.Write([]byte(`{"items":[]}`))
	case path == "nodes":
		list := corev1.NodeList{TypeMeta: metav1.TypeMeta{Kind: "NodeList", APIVersion: "v1"}}
		for _, name := range slices.Sorted(maps.Keys(w.nodes)) {
			if selector := r.URL.Query().Get("labelSelector"); selector == "" || hasLabel(w.nodes[name], selector) {
				list.Items = append(list.Items, *w.nodes[name])
			}
		}
		json.NewEncoder(rw).Encode(list)
	case strings.HasPrefix(path, "nodes/"):
		w.serveNode(rw, r, name, refuse)
	case path == "pods":
		list := corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}}
		for _, name := range slices.Sorted(maps.Keys(w.pods)) {
			if "spec.nodeName="+w.pods[name].Spec.NodeName == r.URL.Query().Get("fieldSelector") {
				list.Items = append(list.Items, *w.pods[name])
			}
		}
		json.NewEncoder(rw).Encode(list)
	case name == "eviction":
		name = strings.Split(path, "/")[3]
		if w.stuck[name] != 0 {
			w.stuck[name]--
			refuse(429, "Cannot evict pod as it would violate the pod's disruption budget.")
			return
		}
		delete(w.pods, name)
		rw.WriteHeader(201)
		json.NewEncoder(rw).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Success"})
	case w.pods[name] != nil:
		json.NewEncoder(rw).Encode(w.pods[name])
	default:
		refuse(404, fmt.Sprintf("pods %q not found", name))
	}
}

func hasLabel(n *corev1.Node, key string) bool { _, ok := n.Labels[key]; return ok }

var discovery = map[string]any{
	"/api":  metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}},
	"/apis": metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList"}, Groups: []metav1.APIGroup{{Name: "policy", Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: "policy/v1", Version: "v1"}}, PreferredVersion: metav1.GroupVersionForDiscovery{GroupVersion: "policy/v1", Version: "v1"}}}},
	"/api/v1": metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1",
		APIResources: []metav1.APIResource{{Name: "pods/eviction", Kind: "Eviction", Namespaced: true, Group: "policy", Version: "v1"}}},
}

func (w *world) serveNode(rw http.ResponseWriter, r *http.Request, name string, refuse func(int, string)) {
	n := w.nodes[name]
	if n == nil {
		refuse(404, fmt.Sprintf("nodes %q not found", name))
		return
	}
	switch r.Method {
	case http.MethodPut:
		if w.beats[name] > 0 {
			w.beats[name]--
			refuse(409, "the object has been modified; please apply your changes to the latest version and try again")
			return
		}
		changed := &corev1.Node{}
		if err := json.NewDecoder(r.Body).Decode(changed); err != nil {
			refuse(400, err.Error())
			return
		}
		changed.Status = n.Status
		w.nodes[name], n = changed, changed
	case http.MethodDelete:
		delete(w.nodes, name)
	default:
		n = n.DeepCopy()
		if w.wait[name] != 0 {
			w.wait[name]--
			n.Status.Conditions[0].Status = corev1.ConditionUnknown
		}
	}
	json.NewEncoder(rw).Encode(n)
}

// machines are the names of the VMs, by name.
func (w *world) machines() (names []string) {
	for _, m := range w.arm.Machines() {
		names = append(names, strings.TrimPrefix(m.Name, "k8s-"))
	}
	slices.Sort(names)
	return names
}

// seenARM are the changes asked of the Hub, with what differs between runs made equal, and without polls.
func (w *world) seenARM(r *run) (list []string) {
	for _, line := range strings.Split(r.plain(strings.Join(w.seen(), "\n")), "\n") {
		line, ok := strings.CutPrefix(line, "PUT "+onSub+"/")
		method := "PUT "
		if !ok {
			line, ok = strings.CutPrefix(line, "DELETE "+onSub+"/")
			method = "DELETE "
		}
		if ok {
			list = append(list, method+line[strings.LastIndexByte(line, '/')+1:])
		}
	}
	return list
}

// hurry is a run with all pauses and limits shortened.
func (r *run) hurry(h *hub, args ...string) *run { return r.hurryBy(200, h, args...) }

func (r *run) hurryBy(factor time.Duration, h *hub, args ...string) *run {
	var out, errOut strings.Builder
	p := newProcess(h.env(r.dir), &out, &errOut)
	p.hasten = factor
	r.code = p.main(args)
	r.stdout, r.stderr = out.String(), errOut.String()
	return r
}

// on are the arguments of a command on the cluster in the folder out.
func (r *run) on(command string, more ...string) []string {
	return append([]string{command, "--azure-env", "AzureStackCloud", "-l", region, "-g", "rg1", "-s", subscriptionID, "--client-id", clientUUID,
		"--client-secret", goodSecret, "-m", filepath.Join(r.dir, "out", "apimodel.json")}, more...)
}

// said are the lines on stderr without their times.
func (r *run) said() (lines []string) {
	for line := range strings.Lines(r.stderr) {
		if _, rest, ok := strings.Cut(strings.TrimSpace(line), " level="); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}

func (r *run) failed() string {
	_, rest, _ := strings.Cut(r.stderr, "Error: ")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}
