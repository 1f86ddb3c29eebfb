package controlplane_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hubwright/internal/sandbox/controlplane"
)

func deploy(t *testing.T, api *kubernetes.Clientset, name, image string) {
	t.Helper()
	labels := map[string]string{"app": name}
	_, err := api.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image, Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": resource.MustParse("50m")},
			}}}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func service(t *testing.T, api *kubernetes.Clientset, name string, kind corev1.ServiceType) {
	t.Helper()
	_, err := api.CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app.kubernetes.io/instance": name}},
		Spec:       corev1.ServiceSpec{Type: kind, Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request to a public address as the Internet would. A path may follow the host.
func ask(m *controlplane.Manager, ip, host string) (code int, body string, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, m.Front(ip, 80))
	}}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	host, path, _ := strings.Cut(host, "/")
	req, _ := http.NewRequest(http.MethodGet, "http://"+host+"/"+path, nil)
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// checkTraffic follows requests from a public address through a live Ingress to pods, whose use of CPU rises until the
// real autoscaler gives them company.
func checkTraffic(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset) {
	ctx := t.Context()
	deploy(t, api, "ingress", "example.test/nginx-ingress:5")
	deploy(t, api, "shop", "example.test/shop:1")
	service(t, api, "ingress", corev1.ServiceTypeLoadBalancer)
	service(t, api, "shop", corev1.ServiceTypeClusterIP)
	_, err := api.NetworkingV1().IngressClasses().Create(ctx, &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "nginx", Labels: map[string]string{"app.kubernetes.io/instance": "ingress"}}, Spec: networkingv1.IngressClassSpec{Controller: "nginx.org/ingress-controller"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	class, prefix := "nginx", networkingv1.PathTypePrefix
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: networkingv1.IngressSpec{IngressClassName: &class, Rules: []networkingv1.IngressRule{{
		Host: "shop.contoso.test", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
			Path: "/", PathType: &prefix, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "shop", Port: networkingv1.ServiceBackendPort{Number: 80}}},
		}}}},
	}}}}
	if _, err := api.NetworkingV1().Ingresses("default").Create(ctx, ingress, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ip := ""
	eventually(t, 30*time.Second, func() error {
		i, err := api.NetworkingV1().Ingresses("default").Get(ctx, "shop", metav1.GetOptions{})
		if err != nil || len(i.Status.LoadBalancer.Ingress) == 0 {
			return fmt.Errorf("the Ingress has no address: %v", err)
		}
		ip = i.Status.LoadBalancer.Ingress[0].IP
		if code, body, err := ask(m, ip, "shop.contoso.test"); code != http.StatusOK {
			return fmt.Errorf("answer %d %s %w", code, body, err)
		}
		return nil
	})
	if code, _, err := ask(m, ip, "other.contoso.test"); code != http.StatusNotFound {
		t.Errorf("another host: %d, %v", code, err)
	}
	checkScaling(t, m, api, ip)
	if err := api.AppsV1().Deployments("default").Delete(ctx, "shop", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() error {
		if code, _, err := ask(m, ip, "shop.contoso.test"); code != http.StatusServiceUnavailable {
			return fmt.Errorf("without pods: %d, %w", code, err)
		}
		return nil
	})
}

func checkScaling(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset, ip string) {
	t.Helper()
	ctx, most, use := t.Context(), int32(4), int32(80)
	_, err := api.AutoscalingV2().HorizontalPodAutoscalers("default").Create(ctx, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "shop"}, MaxReplicas: most,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &use},
			}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		for range 5 {
			if code, _, err := ask(m, ip, "shop.contoso.test"); code != http.StatusOK {
				return fmt.Errorf("under load: %d, %w", code, err)
			}
		}
		d, err := api.AppsV1().Deployments("default").Get(ctx, "shop", metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas < 2 {
			err = fmt.Errorf("%d pods", d.Status.ReadyReplicas)
		}
		return err
	})
	raw, err := api.RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods").Param("labelSelector", "app=shop").DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Items []struct{ Containers []any } }
	if err := json.Unmarshal(raw, &list); err != nil || len(list.Items) < 2 {
		t.Errorf("metrics of %d pods, %v", len(list.Items), err)
	}
}

// checkBroken sees pods that never get ready and Jobs that fail.
func checkBroken(t *testing.T, api *kubernetes.Clientset) {
	deploy(t, api, "lost", "registry.invalid/lost:1")
	eventually(t, 30*time.Second, func() error {
		pods, err := api.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=lost"})
		if err != nil || len(pods.Items) != 1 || len(pods.Items[0].Status.ContainerStatuses) != 1 {
			return fmt.Errorf("%d pods, %v", len(pods.Items), err)
		}
		if w := pods.Items[0].Status.ContainerStatuses[0].State.Waiting; w == nil || w.Reason != "ImagePullBackOff" {
			return fmt.Errorf("it is %+v", pods.Items[0].Status)
		}
		return nil
	})
}
