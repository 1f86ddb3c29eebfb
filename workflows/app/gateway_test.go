package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

// gatewayAPI is what the small cluster knows of the Gateway API.
type gatewayAPI struct {
	have, file w.GatewayDefinitions
	fileErr    error
	asked      w.ChartSource // for the file
	put        int
	served     int // looks until what was put is served
	classes    []w.GatewayClass
	gateways   []w.Gateway // once the application is installed
}

func newGatewayAPI() gatewayAPI {
	return gatewayAPI{
		have:   w.GatewayDefinitions{Missing: []string{"Gateway", "GatewayClass", "HTTPRoute"}},
		file:   w.GatewayDefinitions{Version: "v1.5.1", Channel: "standard", Kinds: []string{"Gateway", "GatewayClass", "HTTPRoute"}, Digest: strings.Repeat("d", 64)},
		served: 2,
		gateways: []w.Gateway{{Namespace: "ratingsapp", Name: "ratings", Class: "nginx", Address: "20.1.2.4", Programmed: true,
			Listeners: []w.GatewayListener{{Name: "https", Protocol: "HTTPS", Host: "ratings.contoso.com", Port: 443, Routes: 1}}}},
	}
}

func (x *world) definitions(_ context.Context, src w.ChartSource, _ w.Stack) (w.GatewayDefinitions, error) {
	x.api.asked = src
	return x.api.file, x.api.fileErr
}

func (x *world) GatewayDefinitions(context.Context) (w.GatewayDefinitions, error) {
	if x.api.put > 0 {
		if x.api.served--; x.api.served < 0 {
			have := x.api.file
			have.Digest, have.Kinds = "", nil
			return have, nil
		}
	}
	return x.api.have, nil
}

func (x *world) EnsureGatewayDefinitions(context.Context, w.GatewayDefinitions) error {
	x.api.put++
	return nil
}

func (x *world) GatewayClasses(context.Context) ([]w.GatewayClass, error) {
	if strings.Contains(strings.Join(x.installed, " "), gatewayRelease) {
		return []w.GatewayClass{{Name: "nginx", Controller: "gateway.nginx.org/nginx-gateway-controller", Accepted: true}}, nil
	}
	return x.api.classes, nil
}

func (x *world) Gateways(context.Context, string) ([]w.Gateway, error) { return x.api.gateways, nil }

var byGateway = w.Answers{"ingress": IngressGateway}

func TestRunByGateway(t *testing.T) {
	x := newWorld()
	x.exposed = append(x.exposed, w.Exposure{Namespace: "ratingsapp", Name: "ratings-nginx", Type: "LoadBalancer", External: "20.1.2.4", DNSLabel: "sea-apps", Endpoints: 2, Gateway: "ratings"})
	answers := w.Answers{"ingress": IngressGateway, "host": "ratings.contoso.com", "tls": TLSSelf}
	e, err := run(t, x, answers)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(x.installed, " "); got != "azuredisk-csi-driver gateway ratings" || x.api.put != 1 {
		t.Errorf("installed %s, definitions %d times", got, x.api.put)
	}
	for _, part := range []string{`"kind": "Gateway"`, `"className": "nginx"`, `"service.beta.kubernetes.io/azure-dns-label-name": "sea-apps"`} {
		if !strings.Contains(x.values, part) {
			t.Errorf("the application is not told %s: %s", part, x.values)
		}
	}
	want := w.Endpoint{SiteID: "s", Address: "20.1.2.4", DNSName: "sea-apps.seattle.cloudapp.azurestack.test", Host: "ratings.contoso.com", TLS: true, Port: 443, Path: "/"}
	if diff := cmp.Diff(&want, x.endpoint); diff != "" {
		t.Error(diff)
	}
	var told []string
	for _, f := range e.Result().Facts {
		told = append(told, f.Label+": "+f.Value)
	}
	for _, part := range []string{"Gateway ratings: class nginx, set up by gateway.nginx.org/", "Listener https: HTTPS on port 443 for ratings.contoso.com, 1 route", "External address: 20.1.2.4 sea-apps.seattle"} {
		if !strings.Contains(strings.Join(told, "\n"), part) {
			t.Errorf("the result does not tell %q:\n%s", part, strings.Join(told, "\n"))
		}
	}
	if _, err := run(t, x, answers); err != nil || x.api.put != 1 {
		t.Errorf("again: %v, definitions were put %d times", err, x.api.put)
	}
	s, err := NewRemoval(x.needs()).Open(t.Context(), w.Target{SiteID: "s"}, w.Answers{"ingress": "no"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stays := ""
	for _, c := range p.Changes {
		stays += c.Verb + " " + c.What + ": " + c.Note + "\n"
	}
	if !strings.Contains(stays, "none Release gateway in namespace ingress: stays; the external address goes") {
		t.Errorf("the removal says:\n%s", stays)
	}
}

// TestGatewayPlan: the definitions are pinned as the charts are, and the file
// that the run fetches has to be that one.
func TestGatewayPlan(t *testing.T) {
	x := newWorld()
	s := session(t, x, byGateway)
	p, err := s.Plan(t.Context())
	if err != nil || p.Changes[0].Verb != "install" || !strings.Contains(p.Changes[0].What, "release v1.5.1, standard channel") {
		t.Fatalf("%+v, %v", p.Changes, err)
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(x.needs()).Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Run(t.Context(), "definitions", quiet{}); err != nil || x.api.asked.Digest != x.api.file.Digest {
		t.Errorf("it asks for %+v, %v", x.api.asked, err)
	}
	x.api.have = w.GatewayDefinitions{Version: "v1.6.1", Channel: "standard"}
	if p, err = session(t, x, byGateway).Plan(t.Context()); err != nil || p.Changes[0].Verb != "none" {
		t.Errorf("%+v, %v", p.Changes, err)
	}
}

func TestGatewayRunFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(x *world)
		code   string
	}{
		"never served":          {func(x *world) { x.api.served = 1 << 20 }, "gateway.unserved"},
		"the file is away":      {func(x *world) { x.api.fileErr = &w.Problem{Code: "net.refused"} }, "net.refused"},
		"no Gateway":            {func(x *world) { x.api.gateways = nil }, "app.gateway"},
		"another class":         {func(x *world) { x.api.gateways[0].Class = "istio" }, "app.gateway"},
		"without an address":    {func(x *world) { x.api.gateways[0].Address = "" }, "app.gateway"},
		"not programmed":        {func(x *world) { x.api.gateways[0].Programmed = false }, "app.gateway"},
		"the controller fails":  {func(x *world) { x.fail[gatewayRelease] = &w.Problem{Code: "gateway.class"} }, "gateway.class"},
		"nobody leads requests": {func(x *world) { x.answers = []Answer{{Status: 404}} }, "app.probe"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld()
			c.change(x)
			e, err := run(t, x, byGateway)
			var p *w.Problem
			if e == nil && c.code == "net.refused" { // the plan has to pin it
				if !errors.As(err, &p) || p.Code != c.code {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &p) || p.Code != c.code || x.endpoint != nil {
				t.Fatalf("%v, endpoint %v", err, x.endpoint)
			}
			left := ""
			for _, i := range e.Left().Items {
				left += i.Label + ": " + i.Value + "\n"
			}
			if !strings.Contains(left, "Definitions of the Gateway API: release v1.5.1") {
				t.Errorf("it does not say that definitions stay:\n%s", left)
			}
		})
	}
}

func TestGatewayChecks(t *testing.T) {
	has := func(version string) func(*world) {
		return func(x *world) { x.api.have = w.GatewayDefinitions{Version: version, Channel: "standard"} }
	}
	class := func(c w.GatewayClass) func(*world) {
		return func(x *world) { x.api.classes = []w.GatewayClass{c} }
	}
	cilium := w.GatewayClass{Name: "nginx", Controller: "io.cilium/gateway-controller", Accepted: true}
	theirs := w.Answers{"ingress": IngressGatewayExisting}
	keep := w.Answers{"ingress": IngressGateway, "definitions": definitionsKept}
	balancer := w.Exposure{Namespace: "shop", Name: "front", Type: "LoadBalancer"}
	for name, c := range map[string]struct {
		change  func(x *world)
		answers w.Answers
		check   string
		want    w.CheckStatus
		says    string
	}{
		"definitions come":             {nil, byGateway, "definitions", w.CheckPassed, "installs release v1.5.1"},
		"they are there":               {has("v1.5.0"), byGateway, "definitions", w.CheckPassed, "v1.5.0, standard channel"},
		"of another release":           {has("v1.3.0"), byGateway, "definitions", w.CheckWarning, "v1.3.0"},
		"another controller's choice":  {has("v1.3.0"), theirs, "definitions", w.CheckPassed, "v1.3.0"},
		"nobody installs them":         {nil, keep, "definitions", w.CheckFailed, "lacks Gateway, GatewayClass, HTTPRoute"},
		"the file is away":             {func(x *world) { x.api.fileErr = &w.Problem{What: "It is away", Why: "404"} }, byGateway, "definitions", w.CheckFailed, "It is away"},
		"an old release without v1":    {func(x *world) { x.api.have.Version = "v0.8.1" }, byGateway, "definitions", w.CheckFailed, "v0.8.1"},
		"the class comes":              {nil, byGateway, "gateway-class", w.CheckPassed, "makes the class nginx"},
		"the class is somebody else's": {class(cilium), byGateway, "gateway-class", w.CheckFailed, "io.cilium/gateway-controller"},
		"a class that is there":        {class(cilium), theirs, "gateway-class", w.CheckPassed, "accepted by io.cilium/gateway-controller"},
		"a class that is not accepted": {class(w.GatewayClass{Name: "nginx", Controller: "c", Why: "UnsupportedVersion"}), theirs, "gateway-class", w.CheckFailed, "UnsupportedVersion"},
		"no such class":                {nil, theirs, "gateway-class", w.CheckFailed, "no Gateway class nginx"},
		"first address":                {nil, byGateway, "ingress", w.CheckPassed, "Gateway gets the first"},
		"its own address": {func(x *world) {
			x.others = []w.Exposure{{Namespace: "ratingsapp", Name: "ratings-nginx", Type: "LoadBalancer", Gateway: "ratings"}}
		}, byGateway, "ingress", w.CheckPassed, ""},
		"a second address": {func(x *world) { x.others = []w.Exposure{balancer} }, byGateway, "ingress", w.CheckFailed, "shop/front"},
		"no rights":        {func(x *world) { x.may = false }, byGateway, "rights", w.CheckFailed, "create gateways, create httproutes, create clusterroles, create gatewayclasses, create customresourcedefinitions"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld()
			if c.change != nil {
				c.change(x)
			}
			s := session(t, x, c.answers)
			if errs := s.Errors(); len(errs) > 0 {
				t.Fatal(errs)
			}
			if f := s.RunCheck(t.Context(), c.check); f.Status != c.want || !strings.Contains(f.Found, c.says) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestWrongGatewayAnswers(t *testing.T) {
	for field, c := range map[string]w.Answers{
		"gateway_class":      {"ingress": IngressGateway, "gateway_class": "No"},
		"definitions":        {"ingress": IngressGateway, "definitions": "x"},
		"definitions_url":    {"ingress": IngressGateway, "definitions_url": "http://a.b/c.yaml"},
		"definitions_digest": {"ingress": IngressGatewayExisting, "definitions_digest": "abc"},
		"definitions_file":   {"ingress": IngressGateway, "definitions": definitionsGiven},
		"gateway_url":        {"ingress": IngressGateway, "gateway_url": "https://a.b/c"},
		"gateway_archive":    {"ingress": IngressGateway, "gateway_source": "uploaded"},
	} {
		errs := session(t, newWorld(), c).Errors()
		if len(errs) == 0 || errs[0].Field != field || errs[0].Message == "" {
			t.Errorf("%s: %+v", field, errs)
		}
	}
}
