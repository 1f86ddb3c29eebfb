package app

import (
	"encoding/json"
	"strings"

	w "hubwright/workflows"
)

// The names of the releases that are not the application's.
const (
	ingressRelease = "ingress"
	gatewayRelease = "gateway"
	driverRelease  = "azuredisk-csi-driver"
	driverSpace    = "kube-system"
)

type object = map[string]any

// yamlOf writes values: JSON is YAML, and quotes everything that needs it.
func yamlOf(v object) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // only maps, slices, strings and numbers come here
	}
	return string(text)
}

// labelled are the annotations of the Service with the public address.
func (s *State) labelled() object {
	annotations := object{}
	if s.Ingress.DNSLabel != "" {
		annotations["service.beta.kubernetes.io/azure-dns-label-name"] = s.Ingress.DNSLabel
	}
	return annotations
}

// ingressValues are what the two controllers are told. They differ in names.
func (s *State) ingressValues() string {
	controller := object{"replicaCount": 2, "service": object{"annotations": s.labelled(), "externalTrafficPolicy": "Cluster"}}
	if s.Ingress.Kind == IngressCommunity {
		controller["ingressClassResource"] = object{"name": s.Ingress.Class}
		// The webhook's certificate is made by Jobs that many stamps cannot pull.
		controller["admissionWebhooks"] = object{"enabled": false}
	} else {
		controller["ingressClass"] = object{"name": s.Ingress.Class, "create": true}
	}
	return yamlOf(object{"controller": controller})
}

// driverValues are AKS Engine's own for a Hub. The chart's two controllers take
// ports of the control plane's nodes: on a single one only one finds a place.
func (s *State) driverValues() string {
	controller := object{"runOnMaster": true}
	if s.Cluster.Masters == 1 {
		controller["replicas"] = 1
	}
	return yamlOf(object{
		"cloud": "AzureStackCloud", "controller": controller, "node": object{"supportZone": false},
		"linux": object{"getNodeInfoFromLabels": true}, "windows": object{"getNodeInfoFromLabels": true},
	})
}

func (s *State) ratingsValues() string {
	in := object{"className": s.Ingress.Class, "host": s.App.Host, "tls": object{"enabled": s.App.TLS != TLSNone, "secretName": s.App.TLSSecret}}
	if s.gateway() {
		in["kind"], in["annotations"] = "Gateway", s.labelled()
	}
	return yamlOf(object{
		"ingress": in,
		"images":  object{"registry": s.App.Registry},
		"web":     object{"replicas": s.App.Web},
		"mongodb": object{"replicas": s.App.Database, "storage": object{"className": s.Storage.Class, "size": gib(s.Storage.Size)}},
	})
}

// parts are the releases that the run makes, in order.
func (s *State) parts() []part {
	var out []part
	if s.Storage.Install {
		out = append(out, part{w.ReleaseStorage, driverRelease, driverSpace, s.Storage.Source, s.driverValues()})
	}
	switch {
	case s.Ingress.Kind == IngressGateway:
		out = append(out, part{w.ReleaseIngress, gatewayRelease, s.Ingress.Namespace, s.Ingress.Source, s.fabricValues()})
	case s.ownIngress():
		out = append(out, part{w.ReleaseIngress, ingressRelease, s.Ingress.Namespace, s.Ingress.Source, s.ingressValues()})
	}
	return append(out, s.appPart())
}

func (s *State) appPart() part {
	values := s.App.Values
	if s.ratings() {
		values = s.ratingsValues()
	}
	return part{w.ReleaseApp, s.App.Name, s.App.Namespace, s.App.Source, values}
}

// part is one release before its chart is fetched.
type part struct {
	role            w.ReleaseRole
	name, namespace string
	source          w.ChartSource
	values          string
}

func (p part) spec(c w.Chart) w.ReleaseSpec {
	spec := w.ReleaseSpec{Name: p.name, Namespace: p.namespace, Chart: c, Values: p.values, Patience: partPatience}
	if p.role == w.ReleaseApp {
		spec.Patience = appPatience
	}
	return spec
}

func (p part) title() string {
	switch p.role {
	case w.ReleaseStorage:
		return "disk driver"
	case w.ReleaseIngress:
		return "ingress controller"
	}
	return "application"
}

// command is what a person would have typed.
func (p part) command() string {
	b := []string{"helm upgrade --install " + p.name}
	switch p.source.Kind {
	case w.ChartRepository:
		b = append(b, p.source.Name, "--repo "+p.source.URL, "--version "+p.source.Version)
	case w.ChartOCI:
		b = append(b, p.source.URL, "--version "+p.source.Version)
	case w.ChartBuiltIn:
		b = append(b, "./"+p.source.Name)
	case w.ChartUploaded:
		b = append(b, "./"+p.source.Name)
	}
	b = append(b, "--namespace "+p.namespace+" --create-namespace", "--values "+p.name+"-values.yaml --wait")
	return strings.Join(b, " \\\n  ")
}
