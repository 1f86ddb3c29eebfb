package kube_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/kube"
	"hubwright/internal/sandbox/releases"
	"hubwright/workflows"
)

func TestReadGatewayDefinitions(t *testing.T) {
	good := string(releases.GatewayAPI)
	d, err := kube.ReadGatewayDefinitions([]byte("# a licence\n---\n" + good))
	if err != nil || d.Version != "v1.5.1" || d.Channel != "standard" || len(d.Kinds) != 3 || len(d.Digest) != 64 {
		t.Errorf("%+v, %v", d, err)
	}
	for name, c := range map[string]struct{ text, why string }{
		"not YAML":         {"a: [", "not YAML"},
		"nothing":          {"", "does not define Gateway, GatewayClass, HTTPRoute"},
		"one is missing":   {good[:strings.LastIndex(good, "\n---")], "does not define HTTPRoute"},
		"something else":   {good + "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: miner}\n", "Deployment miner"},
		"of another group": {strings.ReplaceAll(good, "group: gateway.networking.k8s.io", "group: contoso.com"), "CustomResourceDefinition gatewayclasses"},
		"a page of HTML":   {"<!doctype html><html>", "not YAML"},
	} {
		_, err := kube.ReadGatewayDefinitions([]byte(c.text))
		if p := asProblem(t, err); p.Code != "gateway.file" || !strings.Contains(p.Why, c.why) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestGatewayAPI: definitions are put where there are none, and stay where they
// are of another release; classes and Gateways are told as kubectl has them.
func TestGatewayAPI(t *testing.T) {
	ctx, k := t.Context(), opened(t)
	have, err := k.GatewayDefinitions(ctx)
	if diff := cmp.Diff(workflows.GatewayDefinitions{Missing: []string{"Gateway", "GatewayClass", "HTTPRoute"}}, have); err != nil || diff != "" {
		t.Fatalf("before: %v\n%s", err, diff)
	}
	if classes, err := k.GatewayClasses(ctx); err != nil || len(classes) > 0 {
		t.Errorf("before: classes %v, %v", classes, err)
	}
	file, err := kube.ReadGatewayDefinitions(releases.GatewayAPI)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kubectl(t, "delete", "--ignore-not-found", "crd", "gatewayclasses.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io")
	})
	for range 2 {
		if err := k.EnsureGatewayDefinitions(ctx, file); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the definitions are served", func() string {
			have, err = k.GatewayDefinitions(ctx)
			if err != nil {
				return err.Error()
			}
			return strings.Join(have.Missing, ", ")
		})
		if have.Version != "v1.5.1" || have.Channel != "standard" {
			t.Errorf("%+v", have)
		}
	}
	newer, err := kube.ReadGatewayDefinitions([]byte(strings.ReplaceAll(string(releases.GatewayAPI), "v1.5.1", "v1.6.1")))
	if err != nil {
		t.Fatal(err)
	}
	if p := asProblem(t, k.EnsureGatewayDefinitions(ctx, newer)); p.Code != "gateway.definitions" || !strings.Contains(p.Why, "v1.5.1, the file's from v1.6.1") {
		t.Errorf("%+v", p)
	}

	objects := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(objects, []byte(`
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: eg}, spec: {controllerName: example.test/controller}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: shared, namespace: kube-public}, spec: {gatewayClassName: eg, listeners: [{name: web, port: 80, protocol: HTTP, hostname: a.test}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: strange, namespace: kube-public}, spec: {gatewayClassName: eg, listeners: []}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: shop, namespace: default}, spec: {parentRefs: [{name: shared, namespace: kube-public}]}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "apply", "-f", objects)
	kubectl(t, "-n", "kube-public", "patch", "gateway", "shared", "--subresource=status", "--type=merge", "-p",
		`{"status": {"addresses": [{"value": "20.1.2.3"}], "conditions": [{"type": "Programmed", "status": "True"}], "listeners": [{"name": "web", "attachedRoutes": 2}]}}`)
	gateways, err := k.Gateways(ctx, "default")
	if diff := cmp.Diff([]workflows.Gateway{{Namespace: "kube-public", Name: "shared", Class: "eg", Address: "20.1.2.3", Programmed: true,
		Listeners: []workflows.GatewayListener{{Name: "web", Protocol: "HTTP", Host: "a.test", Port: 80, Routes: 2}}}}, gateways); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	classes, err := k.GatewayClasses(ctx)
	if diff := cmp.Diff([]workflows.GatewayClass{{Name: "eg", Controller: "example.test/controller", Why: "no controller has looked at it"}}, classes); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
