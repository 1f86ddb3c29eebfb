package app

import (
	"context"
	"net/url"
	"strings"

	w "hubwright/workflows"
)

// What the Gateway API needs today: an implementation that stands on NGINX, and
// the release of the definitions that it is made for.
const (
	fabricURL      = "oci://ghcr.io/nginx/charts/nginx-gateway-fabric"
	fabricChart    = "nginx-gateway-fabric"
	fabricVersion  = "2.6.7"
	definitionsURL = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml"
	definitionsFit = "v1.5." // begins the releases that this version is made for
)

// The choices of definitions.
const (
	definitionsFetched = "url"
	definitionsGiven   = "uploaded"
	definitionsKept    = "keep"
)

// gateway says whether the application is reached by the Gateway API.
func (s *State) gateway() bool {
	return s.Ingress.Kind == IngressGateway || s.Ingress.Kind == IngressGatewayExisting
}

// installsDefinitions says whether the run may put definitions on the cluster.
func (s *State) installsDefinitions() bool { return s.gateway() && s.Ingress.Definitions.Kind != "" }

func gatewayOptions() []w.Option {
	return []w.Option{
		{Value: IngressGateway, Label: "Gateway API, with NGINX Gateway Fabric", Note: "The successor of Ingress, on NGINX too. For new applications, and charts that bring a Gateway and routes. It needs definitions (CRDs) and a controller, which the run installs. Each application's Gateway gets a public address of its own."},
		{Value: IngressGatewayExisting, Label: "Gateway API, by a controller that the cluster has", Note: "Any implementation, such as Envoy Gateway, Cilium or Istio. No controller is installed."},
	}
}

func (f flow) gatewayFields() []w.Field[State] {
	from := func(kind w.ChartSourceKind) func(*State) bool {
		return func(s *State) bool { return s.gateway() && s.Ingress.Definitions.Kind == kind }
	}
	return []w.Field[State]{
		{Name: "gateway_class", Label: "Gateway class", Kind: w.FieldText, Default: text("nginx"), When: (*State).gateway, Help: "The name by which Gateways ask for this controller.", Observed: f.seenGatewayClasses},
		{Name: "definitions", Label: "Definitions of the Gateway API", Kind: w.FieldRadio, Default: text(definitionsFetched), When: (*State).gateway, Reloads: true, Observed: f.seenDefinitions, Options: fixed(
			w.Option{Value: definitionsFetched, Label: "Fetch them and install them where they are missing", Note: "By this server, through the Stack's proxy, with the Stack's CA bundle."},
			w.Option{Value: definitionsGiven, Label: "Install them from a file where they are missing", Note: "For stamps that do not reach the Internet."},
			w.Option{Value: definitionsKept, Label: "Leave them as they are", Note: "The cluster has them, or somebody installs them before the run."},
		)},
		{Name: "definitions_url", Label: "Address of the definitions", Kind: w.FieldText, Default: text(definitionsURL), When: from(w.ManifestURL), Help: "The standard-install.yaml of one release."},
		{Name: "definitions_file", Label: "File of the definitions", Kind: w.FieldArchive, When: from(w.ChartUploaded), Help: "The standard-install.yaml of release 1.5.1 or its like; the file that was given stays until another takes its place.", Observed: func(_ context.Context, s *State) string { return stored(s.Ingress.Definitions) }},
		{Name: "definitions_digest", Label: "SHA-256 of the definitions", Kind: w.FieldText, Optional: true, When: from(w.ManifestURL), Help: "Leave it empty to pin what comes now: the plan shows it, and the run takes nothing else."},
	}
}

func bindGateway(a w.Answers, s *State, bad func(field, message string)) {
	s.Ingress.Class = a.Get("gateway_class")
	if !w.IsDNSLabel(s.Ingress.Class) {
		bad("gateway_class", "A Gateway class has small letters, digits and dashes.")
	}
	d := w.ChartSource{}
	switch a.Get("definitions") {
	case definitionsFetched:
		d.Kind, d.URL, d.Digest = w.ManifestURL, a.Get("definitions_url"), strings.ToLower(strings.TrimPrefix(a.Get("definitions_digest"), "sha256:"))
		if u, err := url.Parse(d.URL); err != nil || u.Host == "" || u.Scheme != "https" || u.User != nil {
			bad("definitions_url", "Give an address that begins with https://, without user and password.")
		}
		if d.Digest != "" && !hexDigest.MatchString(d.Digest) {
			bad("definitions_digest", "A SHA-256 has 64 hexadecimal digits.")
		}
	case definitionsGiven:
		d.Kind = w.ChartUploaded
		if d.Digest, d.Name, _ = strings.Cut(a.Get("definitions_file"), " "); d.Digest == "" {
			bad("definitions_file", "Give the file.")
		}
	case definitionsKept:
	default:
		bad("definitions", "Choose where the definitions come from.")
	}
	s.Ingress.Definitions = d
}

// fabricValues are what NGINX Gateway Fabric is told. It makes the entrance of
// each Gateway itself, with these settings.
func (s *State) fabricValues() string {
	return yamlOf(object{
		"nginxGateway": object{"gatewayClassName": s.Ingress.Class, "replicas": 2, "productTelemetry": object{"enable": false}},
		"nginx":        object{"replicas": 2, "service": object{"externalTrafficPolicy": "Cluster"}},
	})
}

// definitions are those that the run would install.
func (f flow) definitions(ctx context.Context, s *State) (w.GatewayDefinitions, error) {
	stack, err := f.Records.Stack(ctx, s.StackID)
	if err != nil {
		return w.GatewayDefinitions{}, err
	}
	return f.Definitions(ctx, s.Ingress.Definitions, stack)
}

func (f flow) seenGatewayClasses(ctx context.Context, s *State) string {
	return f.listed(ctx, s, "", func(ctx context.Context, k Kube) (out []string, err error) {
		list, err := k.GatewayClasses(ctx)
		for _, c := range list {
			out = append(out, c.Name+" ("+c.Controller+")")
		}
		return out, err
	})
}

func (f flow) seenDefinitions(ctx context.Context, s *State) string {
	return f.look(ctx, s, func(ctx context.Context, k Kube) string {
		d, err := k.GatewayDefinitions(ctx)
		switch {
		case err != nil:
			return ""
		case len(d.Missing) > 0 && d.Version == "":
			return "The cluster does not have them."
		}
		return "The cluster has " + release(d) + ": they stay as they are."
	})
}

// release names definitions by the release that they are from.
func release(d w.GatewayDefinitions) string {
	switch {
	case d.Version == "":
		return "definitions of an unknown release"
	case d.Channel == "":
		return "release " + d.Version
	}
	return "release " + d.Version + ", " + d.Channel + " channel"
}
