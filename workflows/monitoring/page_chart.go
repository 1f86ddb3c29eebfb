package monitoring

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	w "hubwright/workflows"
)

// What today's charts are called.
const (
	agentRepository = "https://microsoft.github.io/charts/repo"
	agentChart      = "azuremonitor-containers"
	agentVersion    = "3.1.28"
	agentRelease    = "azmon-containers-release-1"
	systemNamespace = "kube-system"

	stackRepository = "https://prometheus-community.github.io/helm-charts"
	stackChart      = "kube-prometheus-stack"
	stackVersion    = "88.5.3"
	stackRelease    = "monitoring"
	stackNamespace  = "monitoring"
)

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (f flow) chartPage() w.Page[State] {
	from := func(kinds ...w.ChartSourceKind) func(*State) bool {
		return func(s *State) bool {
			for _, k := range kinds {
				if s.Chart.Kind == k {
					return true
				}
			}
			return false
		}
	}
	pick := func(helm, own string) func(*State) string {
		return func(s *State) string {
			if s.Method == MethodHelm {
				return helm
			}
			return own
		}
	}
	own := func(s *State) bool { return s.Method == MethodPrometheus }
	return w.Page[State]{
		ID: "chart", Title: "Chart", Why: "Where the Helm chart comes from, which version, and what you add to its values.", When: (*State).chart,
		Fields: []w.Field[State]{
			{Name: "source", Label: "Where the chart comes from", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string {
				if s.Stack.AirGapped {
					return string(w.ChartUploaded)
				}
				return string(w.ChartRepository)
			}, Options: fixed(
				w.Option{Value: string(w.ChartRepository), Label: "A chart repository", Note: "What helm repo add takes."},
				w.Option{Value: string(w.ChartOCI), Label: "An OCI registry", Note: "What helm pull oci:// takes."},
				w.Option{Value: string(w.ChartUploaded), Label: "Uploaded archive", Note: "For stamps without the Internet."},
			)},
			{Name: "url", Label: "Address", Kind: w.FieldText, When: from(w.ChartRepository, w.ChartOCI), Default: pick(agentRepository, stackRepository), Help: "The repository's URL, or oci://registry/path/chart."},
			{Name: "chart", Label: "Chart", Kind: w.FieldText, When: from(w.ChartRepository), Default: pick(agentChart, stackChart)},
			{Name: "archive", Label: "Archive", Kind: w.FieldArchive, When: from(w.ChartUploaded), Help: "The .tgz that helm pull or helm package made."},
			{Name: "chart_version", Label: "Version", Kind: w.FieldText, When: from(w.ChartRepository, w.ChartOCI), Default: pick(agentVersion, stackVersion), Help: "Exactly one: what a run installs today is what it would install tomorrow."},
			{Name: "digest", Label: "SHA-256 of the archive", Kind: w.FieldText, Optional: true, When: from(w.ChartRepository, w.ChartOCI), Help: "With it, an archive with other contents is refused."},
			{Name: "release_name", Label: "Release", Kind: w.FieldText, Default: pick(agentRelease, stackRelease), Help: "The Helm release's name."},
			{Name: "namespace", Label: "Namespace", Kind: w.FieldText, Default: def(stackNamespace), When: own, Help: "Made if it is not there."},
			{Name: "values", Label: "Your own values", Kind: w.FieldArea, Optional: true, Placeholder: "YAML", Help: "Laid over the chart's own. What this wizard asks for itself is not taken here."},
		},
		Bind: f.bindChart,
	}
}

func (f flow) bindChart(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, msg string) { errs = append(errs, w.FieldError{Field: field, Message: msg}) }
	s.Chart = w.ChartSource{Kind: w.ChartSourceKind(a.Get("source"))}
	switch s.Chart.Kind {
	case w.ChartRepository:
		s.Chart.URL, s.Chart.Name, s.Chart.Version = a.Get("url"), a.Get("chart"), a.Get("chart_version")
		if u, err := url.Parse(s.Chart.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			bad("url", "Give the repository's URL: https://…")
		}
		if s.Chart.Name == "" || strings.ContainsAny(s.Chart.Name, "/ ") {
			bad("chart", "Give the chart's own name, without the repository's.")
		}
	case w.ChartOCI:
		s.Chart.URL, s.Chart.Version = a.Get("url"), a.Get("chart_version")
		if !strings.HasPrefix(s.Chart.URL, "oci://") || strings.Count(s.Chart.URL, "/") < 3 {
			bad("url", "Give the reference: oci://registry/path/chart.")
		}
	case w.ChartUploaded:
		if s.Chart.Digest, s.Chart.Name, _ = strings.Cut(a.Get("archive"), " "); s.Chart.Digest == "" {
			bad("archive", "Give the archive.")
		}
	default:
		bad("source", "Say where the chart comes from.")
	}
	if s.Chart.Kind != w.ChartUploaded {
		s.Chart.Digest = strings.TrimPrefix(strings.ToLower(a.Get("digest")), "sha256:")
	}
	if s.Chart.Kind != w.ChartUploaded && (s.Chart.Version == "" || strings.ContainsAny(s.Chart.Version, "^~*<>= ")) {
		bad("chart_version", "Give exactly one version, such as "+agentVersion+".")
	}
	if s.Chart.Digest != "" && !digestForm.MatchString(s.Chart.Digest) {
		bad("digest", "A SHA-256 has 64 digits from 0 to f.")
	}
	s.Release = Name{Name: a.Get("release_name"), Namespace: systemNamespace}
	if s.Method == MethodPrometheus {
		s.Release.Namespace = a.Get("namespace")
	}
	if !dnsName.MatchString(s.Release.Name) {
		bad("release_name", "A release's name has small letters, digits and dashes, at most 53 of them, and neither begins nor ends with a dash.")
	}
	if !dnsName.MatchString(s.Release.Namespace) {
		bad("namespace", "A namespace has small letters, digits and dashes, and neither begins nor ends with a dash.")
	}
	s.Values = a.Get("values")
	if msg := f.wrongValues(s); msg != "" {
		bad("values", msg)
	}
	return errs
}

// wrongValues says why a person's values cannot be taken.
func (f flow) wrongValues(s *State) string {
	values, err := f.ReadYAML(s.Values)
	if err != nil {
		return "This is not YAML: " + err.Error()
	}
	if s.Method != MethodHelm {
		return ""
	}
	if _, old := values["omsagent"]; old {
		return "Charts since 3.0 read amalogs, not omsagent: with omsagent the release would succeed without an agent. Write amalogs instead."
	}
	agent, _ := values["amalogs"].(map[string]any)
	env, _ := agent["env"].(map[string]any)
	for _, taken := range []struct {
		field string
		given bool
	}{{"amalogs.secret", agent["secret"] != nil}, {"amalogs.proxy", agent["proxy"] != nil}, {"amalogs.env.clusterName", env["clusterName"] != nil}} {
		if taken.given {
			return fmt.Sprintf("%s comes from the workspace and from the page Agent. Leave it out here.", taken.field)
		}
	}
	return ""
}
