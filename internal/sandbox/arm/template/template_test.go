package template_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/sandbox/arm/template"
)

func load(t *testing.T) map[string]any {
	t.Helper()
	b, err := os.ReadFile("testdata/cluster.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := template.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func values(kv ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = map[string]any{"value": kv[i+1]}
	}
	return out
}

func TestAClusterTemplateUnrolls(t *testing.T) {
	ev, err := template.New(load(t), values("linuxpoolCount", int64(5), "linuxpoolOffset", int64(3), "masterVMSize", "standard_ds2_v2", "caPrivateKey", "c2VjcmV0"), place)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ev.Resources()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		line := r.Type[strings.LastIndex(r.Type, "/")+1:] + " " + r.Name + " <-"
		for _, n := range r.Needs {
			line += " " + all[n].Name
		}
		got = append(got, line)
	}
	want := []string{
		"deployments pid-1 <-",
		"networkInterfaces k8s-linuxpool-28578941-nic-3 <- k8s-vnet-28578941",
		"networkInterfaces k8s-linuxpool-28578941-nic-4 <- k8s-vnet-28578941",
		"virtualMachines k8s-linuxpool-28578941-3 <- k8s-linuxpool-28578941-nic-3",
		"virtualMachines k8s-linuxpool-28578941-4 <- k8s-linuxpool-28578941-nic-4",
		"extensions k8s-linuxpool-28578941-3/cse-agent-3 <- k8s-linuxpool-28578941-3",
		"extensions k8s-linuxpool-28578941-4/cse-agent-4 <- k8s-linuxpool-28578941-4",
		"virtualNetworks k8s-vnet-28578941 <- k8s-nsg",
		"networkSecurityGroups k8s-nsg <-",
		"publicIPAddresses k8s-master-ip-k111-28578941 <-",
		"networkInterfaces k8s-master-28578941-nic-0 <- k8s-vnet-28578941 k8s-master-ip-k111-28578941",
		"networkInterfaces late <- k8s-linuxpool-28578941-3 k8s-linuxpool-28578941-4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources (-want +got)\n%s", diff)
	}
}

func TestBodies(t *testing.T) {
	ev, err := template.New(load(t), values("caPrivateKey", "c2VjcmV0"), place)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ev.Resources()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*template.Resource{}
	for _, r := range all {
		byName[r.Name] = r
	}
	vm, err := byName["k8s-linuxpool-28578941-1"].Body(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "Microsoft.Compute/virtualMachines", "name": "k8s-linuxpool-28578941-1", "location": "seattle",
		"tags": map[string]any{"orchestrator": "Kubernetes:1.33.10", "poolName": "linuxpool"},
		"properties": map[string]any{
			"hardwareProfile": map[string]any{"vmSize": "Standard_D2_v2"},
			"storageProfile": map[string]any{"dataDisks": []any{
				map[string]any{"lun": int64(0), "name": "k8s-linuxpool-28578941-1-data-0"},
				map[string]any{"lun": int64(1), "name": "k8s-linuxpool-28578941-1-data-1"},
			}},
		},
	}
	if diff := cmp.Diff(want, vm); diff != "" {
		t.Errorf("VM (-want +got)\n%s", diff)
	}
	nic := byName["k8s-master-28578941-nic-0"]
	if _, err := nic.Body(nil); !errors.Is(err, template.ErrRuntime) {
		t.Errorf("a body with reference(): %v, want ErrRuntime", err)
	}
	body, err := nic.Body(func(id, version string, full bool) (any, error) {
		return map[string]any{"dnsSettings": map[string]any{"fqdn": fmt.Sprint(id[strings.LastIndex(id, "/")+1:], version, full)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := body["properties"].(map[string]any)["fqdn"]; got != "k8s-master-ip-k111-285789412018-11-01false" {
		t.Errorf("reference in a body: %v", got)
	}
	pid := byName["pid-1"]
	nested, err := pid.Nested(nil)
	if err != nil || !pid.IsDeployment() {
		t.Fatalf("nested deployment: %v", err)
	}
	if inner, err := nested.Resources(); err != nil || len(inner) != 0 {
		t.Errorf("empty nested template: %v, %v", inner, err)
	}
}

func TestOutputsAndParameters(t *testing.T) {
	ev, err := template.New(load(t), values("caPrivateKey", "c2VjcmV0", "masterOffset", "2"), place)
	if err != nil {
		t.Fatal(err)
	}
	outs, err := ev.Outputs(func(id, _ string, _ bool) (any, error) {
		if !strings.HasSuffix(id, "/publicIPAddresses/k8s-master-ip-k111-28578941") {
			return nil, fmt.Errorf("reference to %s", id)
		}
		return map[string]any{"dnsSettings": map[string]any{"fqdn": "k111.seattle.cloudapp.azurestack.test"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"masterFQDN":    map[string]any{"type": "string", "value": "k111.seattle.cloudapp.azurestack.test"},
		"resourceGroup": map[string]any{"type": "string", "value": "k8s-rg"},
	}
	if diff := cmp.Diff(want, outs); diff != "" {
		t.Errorf("outputs (-want +got)\n%s", diff)
	}
	if v, ok := ev.Parameter("CAPRIVATEKEY"); !ok || v != "c2VjcmV0" {
		t.Errorf("parameter: %v %v", v, ok)
	}
	if v, _ := ev.Parameter("masterOffset"); v != int64(2) {
		t.Errorf("an int given as text: %#v", v)
	}
	shown := ev.Parameters()
	if p := shown["caPrivateKey"].(map[string]any); p["value"] != nil {
		t.Errorf("a secure parameter is shown: %v", p)
	}
	if p := shown["masterOffset"].(map[string]any); p["value"] != int64(2) {
		t.Errorf("an ordinary parameter is not shown: %v", p)
	}
}

func TestRefusedTemplates(t *testing.T) {
	resource := func(kv ...any) map[string]any {
		r := map[string]any{"type": "Microsoft.Network/networkInterfaces", "apiVersion": "2018-11-01", "name": "n"}
		for i := 0; i < len(kv); i += 2 {
			if kv[i+1] == nil {
				delete(r, kv[i].(string))
				continue
			}
			r[kv[i].(string)] = kv[i+1]
		}
		return r
	}
	with := func(rs ...any) func(map[string]any) {
		return func(d map[string]any) { d["resources"] = rs }
	}
	cases := []struct {
		name   string
		change func(map[string]any)
		params map[string]any
		want   string
	}{
		{"size that is not allowed", nil, values("masterVMSize", "Standard_Nope"), "not part of the allowed value(s): 'Standard_D2_v2,Standard_DS2_v2'"},
		{"missing parameter", nil, values(), "'caPrivateKey' is not provided"},
		{"unknown parameter", nil, values("nonsense", "x"), "The only supported parameters for this template are 'caPrivateKey"},
		{"wrong type", nil, values("linuxpoolCount", "many"), "Expected 'Integer'"},
		{"below minimum", nil, values("linuxpoolCount", int64(0)), "below its minValue '1'"},
		{"no schema", func(d map[string]any) { delete(d, "$schema") }, nil, "Required property '$schema'"},
		{"unknown member", func(d map[string]any) { d["resource"] = nil }, nil, "Could not find member 'resource'"},
		{"no type", with(resource("type", nil)), nil, "'type' must be a string"},
		{"no apiVersion", with(resource("apiVersion", nil)), nil, "'apiVersion' must be a string"},
		{"segments", with(resource("name", "a/b")), nil, "incorrect segment lengths"},
		{"twice", with(resource(), resource("name", "N")), nil, "defined multiple times"},
		{"circle", with(resource("name", "a", "dependsOn", []any{"b"}), resource("name", "b", "dependsOn", []any{"a"})), nil, "Circular dependency"},
		{"unknown function", with(resource("location", "[nowhere()]")), nil, "'nowhere' is not valid"},
		{"negative count", with(resource("copy", map[string]any{"name": "l", "count": int64(-1)})), nil, "copy count of 'l' is not valid"},
	}
	for _, c := range cases {
		doc := load(t)
		if c.change != nil {
			c.change(doc)
		}
		params := c.params
		if params == nil {
			params = values("caPrivateKey", "x")
		} else if _, ok := params["caPrivateKey"]; !ok && c.name != "missing parameter" {
			params["caPrivateKey"] = map[string]any{"value": "x"}
		}
		ev, err := template.New(doc, params, place)
		if err == nil {
			var all []*template.Resource
			if all, err = ev.Resources(); err == nil {
				for _, r := range all {
					if _, e := r.Body(nil); e != nil && !errors.Is(e, template.ErrRuntime) {
						err = e
					}
				}
			}
		}
		var te *template.Error
		if !errors.As(err, &te) || !strings.Contains(te.Text, c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestConditionsAndChildren(t *testing.T) {
	doc := map[string]any{"$schema": "x", "contentVersion": "1", "resources": []any{
		map[string]any{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2018-11-01", "name": "v", "condition": "[equals(1, 1)]",
			"resources": []any{map[string]any{"type": "subnets", "apiVersion": "2018-11-01", "name": "s", "properties": map[string]any{}}}},
		map[string]any{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2018-11-01", "name": "w", "condition": false},
	}}
	ev, err := template.New(doc, nil, place)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ev.Resources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[1].Type != "Microsoft.Network/virtualNetworks/subnets" || all[1].Name != "v/s" || len(all[1].Needs) != 1 {
		t.Errorf("got %+v", all)
	}
}
