package kube

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	discoveryfake "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	k8stesting "k8s.io/client-go/testing"

	"hubwright/workflows"
)

func TestSurvey(t *testing.T) {
	yes := true
	pod := func(namespace, name string, grace int64, change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.PodSpec{TerminationGracePeriodSeconds: &grace}}
		if change != nil {
			change(p)
		}
		return p
	}
	static := func(p *corev1.Pod) { p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"} }
	objects := []runtime.Object{
		pod("kube-system", "kube-apiserver-k8s-master-1", 30, static),
		pod("kube-system", "etcd-k8s-master-1", 30, static),
		pod("kube-system", "proxy-k8s-master-1", 30, static),
		pod("shop", "queue-0", 600, nil),
		pod("shop", "done", 6000, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
		pod("shop", "agent", 6000, func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "agent", Controller: &yes}}
		}),
		pod("kube-system", "csi-azuredisk-node", 30, func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{{Image: "mcr.microsoft.com/oss/kubernetes-csi/azuredisk-csi:v1.29.12"}}
		}),
		&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "old"}, Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{AzureDisk: &corev1.AzureDiskVolumeSource{}}}},
		&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "new"}},
		&storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Provisioner: inTreeDisk},
		&storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "disk.csi.azure.com"},
	}
	got, err := (&Cluster{client: fake.NewClientset(objects...)}).Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := workflows.Survey{Static: []string{"kube-system/proxy-k8s-master-1"}, Slow: "shop/queue-0", SlowFor: 10 * time.Minute, InTree: []string{"volume old", "class default"}, DiskDriver: "1.29.12"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, list := range []string{"pods", "persistentvolumes", "storageclasses"} {
		client := fake.NewClientset()
		client.PrependReactor("list", list, func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
		if _, err := (&Cluster{client: client}).Survey(t.Context()); err == nil {
			t.Errorf("%s cannot be listed, and nobody says so", list)
		}
	}
}

// release is a Secret as Helm 3 writes it.
func release(t *testing.T, namespace, name, manifest string) *corev1.Secret {
	t.Helper()
	doc, err := json.Marshal(map[string]string{"name": name, "manifest": manifest})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(doc); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sh.helm.release.v1." + name + ".v1", Labels: map[string]string{"owner": "helm", "status": "deployed"}},
		Type:       helmType, Data: map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))},
	}
}

func TestAPIUses(t *testing.T) {
	hpa := workflows.RemovedAPI{Version: "autoscaling/v2beta2", Kind: "HorizontalPodAutoscaler", GoneIn: 26, Instead: "autoscaling/v2"}
	psp := workflows.RemovedAPI{Version: "policy/v1beta1", Kind: "PodSecurityPolicy", GoneIn: 25}
	ingress := workflows.RemovedAPI{Version: "extensions/v1beta1", Kind: "Ingress", GoneIn: 22, Instead: "networking.k8s.io/v1"}
	object := func(apiVersion, kind, namespace, name string, change func(*metav1.PartialObjectMetadata)) *metav1.PartialObjectMetadata {
		o := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		if change != nil {
			change(o)
		}
		return o
	}
	managed := func(version, by string) func(*metav1.PartialObjectMetadata) {
		return func(o *metav1.PartialObjectMetadata) {
			o.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager", APIVersion: "autoscaling/v2"}, {Manager: by, APIVersion: version}}
		}
	}
	applied := func(version string) func(*metav1.PartialObjectMetadata) {
		return func(o *metav1.PartialObjectMetadata) {
			o.Annotations = map[string]string{lastApplied: `{"apiVersion":"` + version + `","kind":"Ingress"}`}
		}
	}
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	meta := metadatafake.NewSimpleMetadataClient(scheme,
		object("autoscaling/v2", "HorizontalPodAutoscaler", "shop", "web", managed("autoscaling/v2beta2", "kubectl-client-side-apply")),
		object("autoscaling/v2", "HorizontalPodAutoscaler", "shop", "new", managed("autoscaling/v2", "kubectl")),
		object("networking.k8s.io/v1", "Ingress", "shop", "front", applied("extensions/v1beta1")),
		object("networking.k8s.io/v1", "Ingress", "shop", "back", applied("networking.k8s.io/v1")),
		object("policy/v1beta1", "PodSecurityPolicy", "", "mine", nil),
		object("policy/v1beta1", "PodSecurityPolicy", "", "restricted", nil),
	)
	superseded := release(t, "shop", "old", "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: gone}\n")
	superseded.Name, superseded.Labels["status"] = "older", "superseded"
	broken := release(t, "shop", "broken", "")
	broken.Data["release"] = []byte("!")
	client := fake.NewClientset(superseded, broken, release(t, "shop", "ratings", `---
# Source: ratings/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
---
apiVersion: autoscaling/v2beta2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
`))
	list := metav1.Verbs{"get", "list"}
	client.Discovery().(*discoveryfake.FakeDiscovery).Resources = []*metav1.APIResourceList{
		{GroupVersion: "autoscaling/v2", APIResources: []metav1.APIResource{{Name: "horizontalpodautoscalers", Kind: "HorizontalPodAutoscaler", Namespaced: true, Verbs: list}, {Name: "horizontalpodautoscalers/status", Kind: "HorizontalPodAutoscaler", Verbs: metav1.Verbs{"get"}}}},
		{GroupVersion: "networking.k8s.io/v1", APIResources: []metav1.APIResource{{Name: "ingresses", Kind: "Ingress", Namespaced: true, Verbs: list}, {Name: "networkpolicies", Kind: "NetworkPolicy", Verbs: list}}},
		{GroupVersion: "policy/v1beta1", APIResources: []metav1.APIResource{{Name: "podsecuritypolicies", Kind: "PodSecurityPolicy", Verbs: list}}},
	}
	c := &Cluster{client: client, meta: meta}
	got, err := c.APIUses(t.Context(), []workflows.RemovedAPI{hpa, psp, ingress})
	if err != nil {
		t.Fatal(err)
	}
	want := []workflows.APIUse{
		{RemovedAPI: ingress, Object: "Ingress shop/front", By: "kubectl apply"},
		{RemovedAPI: psp, Object: "PodSecurityPolicy mine", By: "there is no other version"},
		{RemovedAPI: hpa, Object: "HorizontalPodAutoscaler shop/web", By: "Helm release shop/ratings"},
		{RemovedAPI: hpa, Object: "HorizontalPodAutoscaler shop/web", By: "kubectl-client-side-apply"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	client.PrependReactor("list", "secrets", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
	if _, err := c.APIUses(t.Context(), nil); err == nil {
		t.Error("Helm's releases cannot be listed, and nobody says so")
	}
}
