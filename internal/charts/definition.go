package charts

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definition sees whether the API server serves a kind. It does so a moment
// after the definition is there, and lists it among its kinds yet a moment
// later: before, Helm does not know what to do with objects of the kind.
func (e eye) definition(live runtime.Object) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return err
	}
	var d struct {
		Spec struct {
			Group string `json:"group"`
			Names struct {
				Kind string `json:"kind"`
			} `json:"names"`
			Versions []struct {
				Name   string `json:"name"`
				Served bool   `json:"served"`
			} `json:"versions"`
		} `json:"spec"`
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &d); err != nil {
		return err
	}
	e.Ready = slices.ContainsFunc(d.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == "Established" && c.Status == metav1.ConditionTrue
	})
	if !e.Ready {
		return nil
	}
	_, lists, err := e.client.Discovery().ServerGroupsAndResources()
	if len(lists) == 0 { // else it is another group's server that is away
		return err
	}
	for _, v := range d.Spec.Versions {
		at := schema.GroupVersion{Group: d.Spec.Group, Version: v.Name}.String()
		e.Ready = e.Ready && (!v.Served || slices.ContainsFunc(lists, func(l *metav1.APIResourceList) bool {
			return l.GroupVersion == at && slices.ContainsFunc(l.APIResources, func(r metav1.APIResource) bool { return r.Kind == d.Spec.Names.Kind })
		}))
	}
	return nil
}
