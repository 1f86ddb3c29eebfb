package charts

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"hubwright/workflows"
)

const gatewayGroup = "gateway.networking.k8s.io"

// gatewayObject is what is read of an object of the Gateway API, of any kind.
type gatewayObject struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		ControllerName   string `json:"controllerName"`
		GatewayClassName string `json:"gatewayClassName"`
		ParentRefs       []struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"parentRefs"`
	} `json:"spec"`
	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
		Addresses  []struct {
			Value string `json:"value"`
		} `json:"addresses"`
		Listeners []struct {
			Name       string             `json:"name"`
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"listeners"`
		Parents []struct {
			ParentRef struct {
				Name string `json:"name"`
			} `json:"parentRef"`
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

// gatewayAPI sees how an object of the Gateway API is by the conditions that
// its controller writes.
func (e eye) gatewayAPI(live runtime.Object) error {
	u, ok := live.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	var o gatewayObject
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &o); err != nil {
		return err
	}
	switch e.Kind {
	case "GatewayClass":
		e.gatewayClass(o)
	case "Gateway":
		return e.gateway(o)
	case "HTTPRoute":
		e.route(o)
	}
	return nil
}

// said is a condition. What was written about an earlier form of the object
// does not count.
func (o gatewayObject) said(list []metav1.Condition, kind string) metav1.Condition {
	for _, c := range list {
		if c.Type == kind && (c.ObservedGeneration == 0 || c.ObservedGeneration >= o.Metadata.Generation) && c.Status != metav1.ConditionUnknown {
			return c
		}
	}
	return metav1.Condition{}
}

// unheard is for an object that no controller has looked at. That may take a
// while: the controller may still be starting.
func (e eye) unheard(which string) {
	e.Ready, e.slow, e.Detail = false, true, "waits for its controller"
	e.trouble = &workflows.Problem{
		Code: "gateway.silent", What: fmt.Sprintf("No controller takes the %s %s", e.Kind, e.Name), Why: "nobody has written what became of it" + which,
		Fix: "Look whether the controller of the Gateway class runs, and read its log. kubectl get gatewayclass says which class is accepted, and by whom. Then retry from this step.",
	}
}

func (e eye) gatewayClass(o gatewayObject) {
	switch c := o.said(o.Status.Conditions, "Accepted"); c.Status {
	case metav1.ConditionTrue:
		e.Detail = "accepted by " + o.Spec.ControllerName
		if v := o.said(o.Status.Conditions, "SupportedVersion"); v.Status == metav1.ConditionFalse {
			e.Detail += ", which says: " + v.Message
		}
	case metav1.ConditionFalse:
		e.Ready, e.Detail = false, "refused"
		e.note(&workflows.Problem{
			Code: "gateway.class", What: "The Gateway class " + e.Name + " is not accepted", Why: words(c),
			Fix: "Where the message names versions, install the definitions of the Gateway API that this controller is made for. Then retry from this step.",
		})
	default:
		e.unheard(": its controller is " + o.Spec.ControllerName)
	}
}

func (e eye) gateway(o gatewayObject) error {
	e.Ready = false
	for _, l := range o.Status.Listeners {
		for _, kind := range []string{"ResolvedRefs", "Accepted", "Programmed"} {
			if c := o.said(l.Conditions, kind); c.Status == metav1.ConditionFalse && c.Reason != "Pending" {
				e.Detail = "a listener is refused"
				e.note(&workflows.Problem{Code: "gateway.listener", What: "The listener " + l.Name + " of the Gateway " + e.Name + " does not work", Why: words(c), Fix: listenerFix(c.Reason, e.Namespace)})
				return nil
			}
		}
	}
	accepted, programmed := o.said(o.Status.Conditions, "Accepted"), o.said(o.Status.Conditions, "Programmed")
	for _, c := range []metav1.Condition{accepted, programmed} {
		if c.Status == metav1.ConditionFalse && c.Reason != "Pending" && c.Reason != "AddressNotAssigned" {
			e.Detail = "refused"
			e.note(&workflows.Problem{
				Code: "gateway.refused", What: "The controller does not set the Gateway " + e.Name + " up", Why: words(c),
				Fix: "Correct what the message names in the values, or read the controller's log, then start again.",
			})
			return nil
		}
	}
	if accepted.Status != metav1.ConditionTrue {
		e.unheard(": its class is " + o.Spec.GatewayClassName)
		return nil
	}
	if programmed.Status == metav1.ConditionTrue && len(o.Status.Addresses) > 0 {
		e.Ready, e.Detail = true, "programmed, external address "+o.Status.Addresses[0].Value
		return nil
	}
	return e.entrance()
}

// entrance looks what keeps the Service that the controller made for a Gateway.
func (e eye) entrance() error {
	e.Detail = "waits for its external address"
	services, err := e.client.CoreV1().Services(e.Namespace).List(e.ctx, metav1.ListOptions{LabelSelector: gatewayGroup + "/gateway-name=" + e.Name})
	if err != nil {
		return err
	}
	for _, s := range services.Items {
		behind := &seen{ReleaseObject: workflows.ReleaseObject{Kind: "Service", Namespace: s.Namespace, Name: s.Name}}
		if err := (eye{e.client, e.ctx, behind}).service(); err != nil {
			return unlessMissing(err)
		}
		if e.trouble = behind.trouble; e.trouble != nil {
			e.Detail += "; " + e.trouble.What
			return nil
		}
	}
	return nil
}

func (e eye) route(o gatewayObject) {
	want := 0
	for _, p := range o.Spec.ParentRefs {
		if p.Kind == "" || p.Kind == "Gateway" {
			want++
		}
	}
	good := 0
	var at []string
	for _, p := range o.Status.Parents {
		for _, kind := range []string{"Accepted", "ResolvedRefs"} {
			if c := o.said(p.Conditions, kind); c.Status == metav1.ConditionFalse {
				e.Ready, e.Detail = false, "refused"
				e.note(&workflows.Problem{Code: "gateway.route", What: "The Gateway " + p.ParentRef.Name + " does not lead requests by the route " + e.Name, Why: words(c), Fix: routeFix(c.Reason)})
				return
			}
		}
		if o.said(p.Conditions, "Accepted").Status == metav1.ConditionTrue {
			good++
			at = append(at, p.ParentRef.Name)
		}
	}
	if good < want {
		e.unheard("")
		return
	}
	e.Detail = "accepted by the Gateway " + strings.Join(at, ", ")
}

func words(c metav1.Condition) string {
	return strings.TrimSuffix(c.Reason+": "+c.Message, ": ")
}

func listenerFix(reason, namespace string) string {
	switch reason {
	case "InvalidCertificateRef":
		return "Make the Secret of type kubernetes.io/tls in the namespace " + namespace + " with the keys tls.crt and tls.key, or choose another one. Then retry from this step."
	case "RefNotPermitted":
		return "The certificate is in another namespace: put it beside the Gateway, or permit it there by a ReferenceGrant. Then retry from this step."
	case "PortUnavailable", "HostnameConflict", "ProtocolConflict":
		return "Another listener has that port and host: change one of them, then start again."
	}
	return "Correct what the message names in the values, then start again."
}

func routeFix(reason string) string {
	switch reason {
	case "NoMatchingListenerHostname":
		return "Give the route a host that a listener of the Gateway has, then start again."
	case "NotAllowedByListeners":
		return "The Gateway takes no routes of this namespace: change allowedRoutes of its listener, or name another Gateway. Then start again."
	case "NoMatchingParent":
		return "The Gateway has no listener of that name or port: correct parentRefs, then start again."
	case "BackendNotFound":
		return "Look at the name and the port of the Service that the route names, then start again."
	case "RefNotPermitted":
		return "The Service is in another namespace: permit it there by a ReferenceGrant, then retry from this step."
	}
	return "Correct what the message names in the values, then start again."
}
