package controlplane

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// What we read of the Gateway API, and no more: its definitions are not part of a cluster until somebody installs them.

const (
	gatewayGroup = "gateway.networking.k8s.io"
	gatewayLabel = gatewayGroup + "/gateway-name"
	bundleNote   = gatewayGroup + "/bundle-version"
)

var (
	definitionsGVR = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	classesGVR     = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "gatewayclasses"}
	gatewaysGVR    = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "gateways"}
	routesGVR      = schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: "httproutes"}
	proxiesGVR     = schema.GroupVersionResource{Group: "gateway.nginx.org", Version: "v1alpha2", Resource: "nginxproxies"}
)

type gatewayClass struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ControllerName string
		ParametersRef  *struct{ Kind, Name, Namespace string }
	}
	Status struct{ Conditions []metav1.Condition }
}

type gateway struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		GatewayClassName string
		Listeners        []listener
		Infrastructure   struct{ Labels, Annotations map[string]string }
	}
	Status struct{ Conditions []metav1.Condition }
}

type listener struct {
	Name, Hostname, Protocol string
	Port                     int32
	TLS                      struct {
		CertificateRefs []struct{ Kind, Name, Namespace string }
	}
	AllowedRoutes struct{ Namespaces struct{ From string } }
}

type httpRoute struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []parentRef
		Hostnames  []string
		Rules      []routeRule
	}
}

type parentRef struct {
	Kind        string `json:"kind,omitempty"`
	Group       string `json:"group,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name"`
	SectionName string `json:"sectionName,omitempty"`
	Port        int32  `json:"port,omitempty"`
}

type routeRule struct {
	Matches     []struct{ Path struct{ Type, Value string } }
	BackendRefs []backendRef
	Filters     []struct {
		Type            string
		RequestRedirect *struct {
			Scheme, Hostname string
			Port, StatusCode int
		}
	}
}

type backendRef struct {
	Kind, Name, Namespace string
	Port                  int32
	Weight                *int
}

// gatewayAPI sees a cluster's objects of the Gateway API from the moment that their definitions are there.
type gatewayAPI struct {
	client      dynamic.Interface
	definitions cache.GenericLister
	live        atomic.Pointer[gatewayListers]
}

type gatewayListers struct{ classes, gateways, routes cache.GenericLister }

// watchGatewayAPI begins to look for the definitions. Objects are watched by start, once they may be.
func (r *running) watchGatewayAPI(ctx context.Context, handler cache.ResourceEventHandler) *gatewayAPI {
	config := clientConfig(&r.spec)
	factory := metadatainformer.NewSharedInformerFactory(metadata.NewForConfigOrDie(config), 0) // newClient took the same settings
	definitions := factory.ForResource(definitionsGVR)
	_, _ = definitions.Informer().AddEventHandler(handler) // fails only for a stopped informer
	factory.Start(ctx.Done())
	return &gatewayAPI{client: dynamic.NewForConfigOrDie(config), definitions: definitions.Lister()}
}

// start watches the objects. It fails while the API server does not serve them yet.
func (g *gatewayAPI) start(ctx context.Context, handler cache.ResourceEventHandler) error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(g.client, 0)
	listers := gatewayListers{}
	for gvr, to := range map[schema.GroupVersionResource]*cache.GenericLister{classesGVR: &listers.classes, gatewaysGVR: &listers.gateways, routesGVR: &listers.routes} {
		if _, err := g.client.Resource(gvr).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return err
		}
		informer := factory.ForResource(gvr)
		if _, err := informer.Informer().AddEventHandler(handler); err != nil {
			return err
		}
		*to = informer.Lister()
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	g.live.Store(&listers)
	return nil
}

// bundle is the release of the Gateway API that the definitions are from.
func (g *gatewayAPI) bundle() (version string, uid string) {
	o, err := g.definitions.Get(gatewaysGVR.Resource + "." + gatewayGroup)
	if err != nil {
		return "", ""
	}
	m, ok := o.(*metav1.PartialObjectMetadata)
	if !ok {
		return "", ""
	}
	return m.Annotations[bundleNote], string(m.UID)
}

// decoded are the objects of a list in a fixed order.
func decoded[T any](l cache.GenericLister) []T {
	all, _ := l.List(labels.Everything())
	slices.SortFunc(all, func(a, b runtime.Object) int { return strings.Compare(nameOf(a), nameOf(b)) })
	var out []T
	for _, o := range all {
		var v T
		if text, err := json.Marshal(o); err == nil && json.Unmarshal(text, &v) == nil {
			out = append(out, v)
		}
	}
	return out
}

func nameOf(o runtime.Object) string {
	if u, ok := o.(*unstructured.Unstructured); ok {
		return u.GetNamespace() + "/" + u.GetName()
	}
	return ""
}

// writeStatus changes an object's status, unless it is as wanted already: times do not count.
func (g *gatewayAPI) writeStatus(ctx context.Context, l cache.GenericLister, gvr schema.GroupVersionResource, namespace, name string, status any) error {
	o, err := l.Get(strings.TrimPrefix(namespace+"/"+name, "/"))
	if err != nil {
		return err
	}
	u := o.(*unstructured.Unstructured).DeepCopy()
	text, err := json.Marshal(status)
	if err != nil {
		return err
	}
	var want map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		return err
	}
	u.Object["status"] = want
	_, err = g.client.Resource(gvr).Namespace(namespace).UpdateStatus(ctx, u, metav1.UpdateOptions{})
	return err
}

// statusSame compares what an object has with what it should, but for times.
func (g *gatewayAPI) statusSame(l cache.GenericLister, namespace, name string, status any) bool {
	o, err := l.Get(strings.TrimPrefix(namespace+"/"+name, "/"))
	if err != nil {
		return true
	}
	return timeless(o.(*unstructured.Unstructured).Object["status"]) == timeless(status)
}

func timeless(status any) string {
	text, err := json.Marshal(status)
	var v any
	if err != nil || json.Unmarshal(text, &v) != nil {
		return ""
	}
	text, _ = json.Marshal(forgetTimes(v))
	return string(text)
}

func forgetTimes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "lastTransitionTime")
		for k := range v {
			v[k] = forgetTimes(v[k])
		}
	case []any:
		for i := range v {
			v[i] = forgetTimes(v[i])
		}
	}
	return v
}
