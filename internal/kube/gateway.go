package kube

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"hubwright/workflows"
)

const (
	gatewayGroup = "gateway.networking.k8s.io"
	gatewayLabel = gatewayGroup + "/gateway-name"
)

func gatewayResource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: gatewayGroup, Version: "v1", Resource: name}
}

// Of the Gateway API's objects what is read here.
type (
	gatewayClass struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			ControllerName string `json:"controllerName"`
		} `json:"spec"`
		Status conditions `json:"status"`
	}
	gateway struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			GatewayClassName string `json:"gatewayClassName"`
			Listeners        []struct {
				Name     string `json:"name"`
				Protocol string `json:"protocol"`
				Hostname string `json:"hostname"`
				Port     int    `json:"port"`
			} `json:"listeners"`
		} `json:"spec"`
		Status struct {
			conditions `json:",inline"`
			Addresses  []struct {
				Value string `json:"value"`
			} `json:"addresses"`
			Listeners []struct {
				Name           string `json:"name"`
				AttachedRoutes int    `json:"attachedRoutes"`
			} `json:"listeners"`
		} `json:"status"`
	}
	route struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			ParentRefs []struct {
				Kind      string `json:"kind"`
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"parentRefs"`
		} `json:"spec"`
	}
	conditions struct {
		Conditions []metav1.Condition `json:"conditions"`
	}
)

// of is a condition; one that nobody has written has no status.
func (c conditions) of(kind string) metav1.Condition {
	for _, k := range c.Conditions {
		if k.Type == kind {
			return k
		}
	}
	return metav1.Condition{}
}

// listed are the objects of a kind of the Gateway API, none when the cluster
// does not know the kind.
func listed[T any](ctx context.Context, c *Cluster, what, resource, namespace string) ([]T, error) {
	list, err := c.any.Resource(gatewayResource(resource)).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain("Listing the "+what, err)
	}
	out := make([]T, len(list.Items))
	for i := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &out[i]); err != nil {
			return nil, explain("Reading the "+what, err)
		}
	}
	return out, nil
}

// GatewayClasses are the implementations of the Gateway API that the cluster
// knows.
func (c *Cluster) GatewayClasses(ctx context.Context) ([]workflows.GatewayClass, error) {
	list, err := listed[gatewayClass](ctx, c, "Gateway classes", "gatewayclasses", "")
	var out []workflows.GatewayClass
	for _, k := range list {
		accepted := k.Status.of("Accepted")
		g := workflows.GatewayClass{Name: k.Metadata.Name, Controller: k.Spec.ControllerName, Accepted: accepted.Status == metav1.ConditionTrue}
		if g.Why = accepted.Message; !g.Accepted && g.Why == "" {
			g.Why = "no controller has looked at it"
		}
		out = append(out, g)
	}
	return out, err
}

// Gateways are the Gateways of a namespace, and those elsewhere that its routes
// name.
func (c *Cluster) Gateways(ctx context.Context, namespace string) ([]workflows.Gateway, error) {
	list, err := listed[gateway](ctx, c, "Gateways", "gateways", namespace)
	if err != nil {
		return nil, err
	}
	routes, err := listed[route](ctx, c, "routes", "httproutes", namespace)
	if err != nil {
		return nil, err
	}
	var away []string
	for _, r := range routes {
		for _, p := range r.Spec.ParentRefs {
			if (p.Kind == "" || p.Kind == "Gateway") && p.Namespace != "" && p.Namespace != namespace && !slices.Contains(away, p.Namespace+"/"+p.Name) {
				away = append(away, p.Namespace+"/"+p.Name)
			}
		}
	}
	if len(away) > 0 {
		all, err := listed[gateway](ctx, c, "Gateways", "gateways", "")
		if err != nil {
			return nil, err
		}
		for _, g := range all {
			if slices.Contains(away, g.Metadata.Namespace+"/"+g.Metadata.Name) {
				list = append(list, g)
			}
		}
	}
	var out []workflows.Gateway
	for _, g := range list {
		out = append(out, g.seen())
	}
	return out, nil
}

func (g gateway) seen() workflows.Gateway {
	out := workflows.Gateway{
		Namespace: g.Metadata.Namespace, Name: g.Metadata.Name, Class: g.Spec.GatewayClassName,
		Programmed: g.Status.of("Programmed").Status == metav1.ConditionTrue,
	}
	if len(g.Status.Addresses) > 0 {
		out.Address = g.Status.Addresses[0].Value
	}
	for _, l := range g.Spec.Listeners {
		listener := workflows.GatewayListener{Name: l.Name, Protocol: l.Protocol, Host: l.Hostname, Port: l.Port}
		for _, s := range g.Status.Listeners {
			if s.Name == l.Name {
				listener.Routes = s.AttachedRoutes
			}
		}
		out.Listeners = append(out.Listeners, listener)
	}
	return out
}
