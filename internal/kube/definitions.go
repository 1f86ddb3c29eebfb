package kube

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"hubwright/workflows"
)

const (
	bundleNote  = gatewayGroup + "/bundle-version"
	channelNote = gatewayGroup + "/channel"
)

// neededKinds are the kinds without which an application cannot be exposed.
var neededKinds = map[string]string{"GatewayClass": "gatewayclasses", "Gateway": "gateways", "HTTPRoute": "httproutes"}

// definitionKinds are what a file of definitions may hold: a run puts nothing
// else on a cluster from there.
var definitionKinds = map[string]schema.GroupVersionResource{
	"CustomResourceDefinition":         {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	"ValidatingAdmissionPolicy":        {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"},
	"ValidatingAdmissionPolicyBinding": {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicybindings"},
}

// GatewayDefinitions says what the cluster has of the Gateway API's
// definitions.
func (c *Cluster) GatewayDefinitions(ctx context.Context) (d workflows.GatewayDefinitions, err error) {
	for kind, plural := range neededKinds {
		u, err := c.any.Resource(definitionKinds["CustomResourceDefinition"]).Get(ctx, plural+"."+gatewayGroup, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return d, explain("Reading the definitions of the Gateway API", err)
		}
		if err != nil || !serves(u, "v1") {
			d.Missing = append(d.Missing, kind)
		}
		if err == nil {
			d.Version, d.Channel = u.GetAnnotations()[bundleNote], u.GetAnnotations()[channelNote]
		}
	}
	if len(d.Missing) == 0 {
		if d.Missing, err = c.unlisted(); err != nil {
			return d, err
		}
	}
	slices.Sort(d.Missing)
	return d, nil
}

// unlisted are the kinds that the API server does not list yet, a moment after
// their definitions: who asks it what there is does not know them.
func (c *Cluster) unlisted() ([]string, error) {
	_, lists, err := c.client.Discovery().ServerGroupsAndResources()
	if len(lists) == 0 && err != nil { // else it is another group's server that is away
		return nil, explain("The API server's APIs cannot be listed", err)
	}
	var out []string
	for kind := range neededKinds {
		if !slices.ContainsFunc(lists, func(l *metav1.APIResourceList) bool {
			return l.GroupVersion == gatewayGroup+"/v1" && slices.ContainsFunc(l.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind })
		}) {
			out = append(out, kind)
		}
	}
	return out, nil
}

// serves says whether a definition is established with a version.
func serves(u *unstructured.Unstructured, version string) bool {
	ok := false
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	for _, v := range versions {
		m, _ := v.(map[string]any)
		ok = ok || m["name"] == version && m["served"] == true
	}
	said, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	return ok && slices.ContainsFunc(said, func(s any) bool {
		m, _ := s.(map[string]any)
		return m["type"] == "Established" && m["status"] == "True"
	})
}

// ReadGatewayDefinitions reads a file of definitions, such as the
// standard-install.yaml of a release. What is wrong with it comes back as a
// *workflows.Problem.
func ReadGatewayDefinitions(text []byte) (workflows.GatewayDefinitions, error) {
	sum := sha256.Sum256(text)
	d := workflows.GatewayDefinitions{Digest: hex.EncodeToString(sum[:]), Text: text}
	objects, err := definitionsIn(text)
	if err != nil {
		return d, err
	}
	for _, u := range objects {
		kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
		if kind == "" {
			continue
		}
		d.Kinds = append(d.Kinds, kind)
		d.Version, d.Channel = u.GetAnnotations()[bundleNote], u.GetAnnotations()[channelNote]
	}
	for kind := range neededKinds {
		if !slices.Contains(d.Kinds, kind) {
			d.Missing = append(d.Missing, kind)
		}
	}
	if len(d.Missing) > 0 {
		slices.Sort(d.Missing)
		return d, noDefinitions("it does not define " + strings.Join(d.Missing, ", "))
	}
	return d, nil
}

func definitionsIn(text []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, doc := range strings.Split("\n"+string(text), "\n---") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
			return nil, noDefinitions("it is not YAML: " + err.Error())
		}
		if len(object) == 0 {
			continue
		}
		u := &unstructured.Unstructured{Object: object}
		gvr, ok := definitionKinds[u.GetKind()]
		group, _, _ := unstructured.NestedString(object, "spec", "group")
		ofAPI := group == gatewayGroup || group == "gateway.networking.x-k8s.io" || group == "" && strings.HasSuffix(u.GetName(), gatewayGroup)
		if !ok || !ofAPI || u.GetAPIVersion() != gvr.GroupVersion().String() {
			return nil, noDefinitions(fmt.Sprintf("it holds %s, which is no definition of that API", strings.TrimSpace(u.GetKind()+" "+u.GetName())))
		}
		out = append(out, u)
	}
	return out, nil
}

func noDefinitions(why string) error {
	return &workflows.Problem{
		Code: "gateway.file", What: "This file has no definitions of the Gateway API that can be installed", Why: why,
		Fix: "Give the standard-install.yaml of a release of the Gateway API.",
	}
}

// EnsureGatewayDefinitions puts the definitions of a file on the cluster. Of
// another release than the file's it leaves each as it is and fails: others may
// depend on it.
func (c *Cluster) EnsureGatewayDefinitions(ctx context.Context, d workflows.GatewayDefinitions) error {
	objects, err := definitionsIn(d.Text)
	if err != nil {
		return err
	}
	for _, u := range objects {
		there, err := c.any.Resource(definitionKinds[u.GetKind()]).Get(ctx, u.GetName(), metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return explain("Reading "+u.GetName(), err)
		}
		if err == nil && there.GetAnnotations()[bundleNote] != u.GetAnnotations()[bundleNote] {
			return &workflows.Problem{
				Code: "gateway.definitions", What: "The cluster has other definitions of the Gateway API",
				Why: fmt.Sprintf("its %s is from release %s, the file's from %s", u.GetName(), cmp.Or(there.GetAnnotations()[bundleNote], "unknown"), cmp.Or(u.GetAnnotations()[bundleNote], "unknown")),
				Fix: "Find out who depends on them. Then upgrade them with kubectl apply --server-side -f and the file, or leave them as they are.",
			}
		}
	}
	for _, u := range objects {
		_, err := c.any.Resource(definitionKinds[u.GetKind()]).Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "hubwright", Force: true})
		if err != nil {
			return explain("Installing the definition "+u.GetName(), err)
		}
	}
	return nil
}
