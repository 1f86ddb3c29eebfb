package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hubwright/internal/sandbox/controlplane"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// TestNothingLeavesLoopback asks a cluster for everything that makes a kube-apiserver dial nodes, pods, Services and
// webhooks. The cluster runs in a network namespace of its own, where every packet for another address than loopback
// would be seen. Where namespaces are not allowed (some containers), the sockets of its processes are watched instead.
func TestNothingLeavesLoopback(t *testing.T) {
	order := childOrder{
		Dir: t.TempDir(), Spec: newSpec(t, "still", "1.33.10", address(1)), Isolated: true,
		Nodes: []controlplane.Node{master(0, "1.33.10"), agent(0, "1.33.10")},
	}
	c, err := startChild(t, "loopback", order, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: syscall.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: syscall.Getgid(), Size: 1}},
	})
	if err == nil && c.until(t, "DONE") {
		return
	}
	if err == nil && c.last != notIsolated {
		t.Fatal("see the child's last line")
	}
	t.Logf("no network namespace here (%v): watching sockets instead of packets", err)
	order.Dir, order.Isolated = t.TempDir(), false
	if c, err = startChild(t, "loopback", order, nil); err != nil {
		t.Fatal(err)
	}
	if !c.until(t, "DONE") {
		t.Fatal("see the child's last line")
	}
}

// notIsolated is what a child says that got a namespace, but not the rights to use it.
const notIsolated = "NOT ISOLATED"

// loopbackChild is the test proper.
func loopbackChild() (err error) {
	order, err := readOrder()
	if err != nil {
		return err
	}
	var packets *capture
	if order.Isolated {
		if packets, err = isolatedCapture(); err != nil {
			return err
		}
		if packets == nil {
			fmt.Println(notIsolated)
			os.Exit(0)
		}
	}
	sockets := watchSockets()

	m, err := order.manager()
	if err != nil {
		return err
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.Ensure(ctx, order.Spec); err != nil {
		return err
	}
	for _, node := range order.Nodes {
		if err := m.AddNode(ctx, order.Spec.ID, node); err != nil {
			return err
		}
	}
	return errors.Join(provoke(ctx, m, order.Spec), watched(sockets, packets))
}

// watched is the verdict of those who watched; packets may be nil.
func watched(sockets *socketWatch, packets *capture) error {
	var errs []error
	if peers := sockets.result(); len(peers) > 0 {
		errs = append(errs, fmt.Errorf("sockets went off loopback: %v", peers))
	}
	if packets != nil {
		if drops, err := packets.dropped(); err != nil || drops > 0 {
			errs = append(errs, fmt.Errorf("the capture missed %d packets, %v", drops, err))
		}
		seen := packets.list()
		fmt.Printf("log: %d packets left loopback\n", len(seen))
		if len(seen) > 0 {
			errs = append(errs, fmt.Errorf("packets went off loopback: %v", seen))
		}
	}
	return errors.Join(errs...)
}

// isolatedCapture sets the namespace up and proves that both ways of watching see what they are for. It returns nil
// where the kernel doesn't allow to set one up.
func isolatedCapture() (*capture, error) {
	control, err := startCapture()
	if err = errors.Join(err, isolate()); err != nil {
		fmt.Println("log:", strings.ReplaceAll(err.Error(), "\n", ", "))
		return nil, nil
	}
	sockets := watchSockets()
	dialer := net.Dialer{Timeout: 200 * time.Millisecond}
	if conn, err := dialer.Dial("tcp", "10.9.9.9:443"); err == nil {
		conn.Close()
		return nil, errors.New("somebody answers at 10.9.9.9")
	}
	datagram, err := net.Dial("udp", "10.9.9.8:53")
	if err != nil {
		return nil, err
	}
	_, err = datagram.Write([]byte("x"))
	peers := sockets.result()
	if err := errors.Join(err, datagram.Close()); err != nil {
		return nil, err
	}
	if !slices.Contains(peers, "tcp 10.9.9.9") {
		return nil, fmt.Errorf("the watch of sockets saw %v of a dial to 10.9.9.9", peers)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		seen := control.list()
		if slices.Contains(seen, "10.9.9.9") && slices.Contains(seen, "10.9.9.8") {
			return startCapture()
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the capture saw %v of a dial to 10.9.9.9 and a datagram to 10.9.9.8", seen)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// provoke has kube-apiserver want to dial, and waits until each wish has been refused or led to kwok.
func provoke(ctx context.Context, m *controlplane.Manager, spec controlplane.Spec) error {
	api, err := newClient(m.Endpoint(spec.ID), spec)
	if err != nil {
		return err
	}
	service, err := backend(ctx, api)
	if err != nil {
		return err
	}
	objects := provocations()
	for path, object := range objects {
		if err := api.RESTClient().Post().AbsPath(path).Body(mustJSON(object)).Do(ctx).Error(); err != nil {
			return fmt.Errorf("POST %s: %w", path, err)
		}
	}
	pod, err := runningPod(ctx, api)
	if err != nil {
		return err
	}
	node := agent(0, "").Name
	pods := "/api/v1/namespaces/default/pods/caller"
	for deadline := time.Now().Add(30 * time.Second); ; {
		for _, path := range []string{
			pods + "/log", pods + "/proxy/", "/api/v1/namespaces/default/services/hook:443/proxy/",
			"/api/v1/nodes/" + node + "/proxy/healthz", "/api/v1/nodes/" + node + ":9100/proxy/metrics",
			"/apis/far.example/v1", "/apis/converted.example/v2/things",
		} {
			_, _ = api.RESTClient().Get().AbsPath(path).DoRaw(ctx) // that it fails is right; whom it asked counts
		}
		for _, path := range []string{pods + "/exec", pods + "/portforward", pods + "/attach"} {
			_, _ = api.RESTClient().Post().AbsPath(path).Param("command", "id").Param("container", "c").Param("stdout", "true").DoRaw(ctx)
		}
		missing := missingDials(m.Dials(spec.ID), service, pod)
		if len(missing) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("kube-apiserver never asked the egress proxy for %v, only for %v", missing, m.Dials(spec.ID))
		}
		<-time.After(200 * time.Millisecond)
	}
	return checkHooksAreOff(ctx, m, api, spec.ID)
}

// metricsServer is the address of the Service of that name.
const metricsServer = "10.0.0.11:443"

// missingDials checks the proxy's record: kubelets are kwok, the metrics server is the sandbox's, all else was refused.
func missingDials(dials []controlplane.Dial, service, pod string) (missing []string) {
	verdicts := map[string]string{}
	for _, d := range dials {
		verdicts[d.Target] = d.To
	}
	for _, refused := range []string{service + ":443", pod + ":80", "10.240.0.4:9100"} {
		if to, ok := verdicts[refused]; !ok || to != "" {
			missing = append(missing, refused+" refused")
		}
	}
	if !strings.HasPrefix(verdicts["10.240.0.4:10250"], "127.") {
		missing = append(missing, "10.240.0.4:10250 led to kwok")
	}
	for target, to := range verdicts {
		ours := target == metricsServer && strings.HasPrefix(to, "127.")
		if to != "" && !strings.HasSuffix(target, ":10250") && !ours {
			missing = append(missing, target+" refused, it was led to "+to)
		}
	}
	return missing
}

// backend is a Service with an endpoint in the pod network, which webhooks and an APIService point at.
func backend(ctx context.Context, api *kubernetes.Clientset) (ip string, err error) {
	s, err := api.CoreV1().Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "hook"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "caller"}, Ports: []corev1.ServicePort{{Port: 443}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return s.Spec.ClusterIP, nil
}

// runningPod makes a pod and returns its address.
func runningPod(ctx context.Context, api *kubernetes.Clientset) (ip string, err error) {
	pods := api.CoreV1().Pods("default")
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		pod, getErr := pods.Get(ctx, "caller", metav1.GetOptions{})
		if getErr == nil && pod.Status.PodIP != "" {
			return pod.Status.PodIP, nil
		}
		// Refused until the controller manager has made the namespace's service account.
		_, err = pods.Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "caller", Labels: map[string]string{"app": "caller"}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "c", Image: "caller:1", Ports: []corev1.ContainerPort{{ContainerPort: 80}},
			}}},
		}, metav1.CreateOptions{})
	}
	return "", fmt.Errorf("the pod does not run: %w", err)
}

// provocations are objects, by the path that they are posted to, each of which names somebody for kube-apiserver to dial.
func provocations() map[string]any {
	type object = map[string]any
	service := object{"service": object{"namespace": "default", "name": "hook", "port": 443}}
	url := object{"url": "https://10.9.9.9/hook"}
	hook := func(name string, config object) object {
		return object{
			"name": name, "clientConfig": config, "sideEffects": "None", "admissionReviewVersions": []string{"v1"},
			"rules": []object{{"apiGroups": []string{""}, "apiVersions": []string{"v1"}, "resources": []string{"configmaps"}, "operations": []string{"*"}}},
		}
	}
	admission := func(kind string) object {
		return object{
			"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": object{"name": "far"},
			"webhooks": []object{hook("service.far.example", service), hook("url.far.example", url)},
		}
	}
	schema := object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
	return map[string]any{
		"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations": admission("ValidatingWebhookConfiguration"),
		"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations":   admission("MutatingWebhookConfiguration"),
		"/apis/apiregistration.k8s.io/v1/apiservices": object{
			"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": object{"name": "v1.far.example"},
			"spec": object{
				"group": "far.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
				"service": object{"namespace": "default", "name": "hook", "port": 443},
			},
		},
		"/apis/apiextensions.k8s.io/v1/customresourcedefinitions": object{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": object{"name": "things.converted.example"},
			"spec": object{
				"group": "converted.example", "scope": "Cluster", "names": object{"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
				"versions": []object{
					{"name": "v1", "served": true, "storage": true, "schema": schema},
					{"name": "v2", "served": true, "storage": false, "schema": schema},
				},
				"conversion": object{"strategy": "Webhook", "webhook": object{"clientConfig": url, "conversionReviewVersions": []string{"v1"}}},
			},
		},
	}
}

// checkHooksAreOff writes what the webhooks want to see, and what a conversion webhook must convert.
func checkHooksAreOff(ctx context.Context, m *controlplane.Manager, api *kubernetes.Clientset, id string) error {
	_, err := api.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "watched"}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("an object that webhooks want to see: %w", err)
	}
	thing := mustJSON(map[string]any{"apiVersion": "converted.example/v1", "kind": "Thing", "metadata": map[string]any{"name": "one"}})
	err = api.RESTClient().Post().AbsPath("/apis/converted.example/v1/things").Body(thing).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("an object that is to be converted: %w", err)
	}
	if _, err = api.RESTClient().Get().AbsPath("/apis/converted.example/v2/things/one").DoRaw(ctx); err == nil {
		return errors.New("somebody converted an object")
	}
	refused := slices.ContainsFunc(m.Dials(id), func(d controlplane.Dial) bool { return d.Target == "10.9.9.9:443" && d.To == "" })
	if !refused {
		return fmt.Errorf("the conversion webhook was not asked for through the egress proxy: %v, %v", err, m.Dials(id))
	}
	return nil
}
