package app

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	w "hubwright/workflows"
)

// Where the charts are published today, and the versions that were tried.
const (
	f5URL        = "https://helm.nginx.com/stable"
	f5Chart      = "nginx-ingress"
	f5Version    = "2.4.1"
	commURL      = "https://kubernetes.github.io/ingress-nginx"
	commChart    = "ingress-nginx"
	commVersion  = "4.15.1"
	driverURL    = "https://raw.githubusercontent.com/kubernetes-sigs/azuredisk-csi-driver/master/charts"
	driverChart  = "azuredisk-csi-driver"
	driverName   = "disk.csi.azure.com"
	uploadedHelp = "The .tgz that helm pull or helm package made. Only with the source “Uploaded archive”; the file that was given stays until another takes its place."
)

// driverVersion is the driver's version that fits a Kubernetes version.
func driverVersion(kubernetes string) string {
	if strings.HasPrefix(kubernetes, "1.33.") {
		return "1.33.7"
	}
	return "1.34.3"
}

var (
	hexDigest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	version   = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`)
	dnsName   = regexp.MustCompile(`^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$`)
)

// sourceFields are the questions about where a chart comes from. Their names
// begin with prefix.
func sourceFields(prefix string, usual w.ChartSource, chosen func(s *State) w.ChartSource, when func(s *State) bool) []w.Field[State] {
	is := func(kinds ...w.ChartSourceKind) func(s *State) bool {
		return func(s *State) bool {
			if when != nil && !when(s) {
				return false
			}
			have := chosen(s).Kind
			for _, k := range kinds {
				if k == have {
					return true
				}
			}
			return false
		}
	}
	text := func(v string) func(*State) string { return func(*State) string { return v } }
	return []w.Field[State]{
		{Name: prefix + "_source", Label: "Where the chart comes from", Kind: w.FieldRadio, Default: text(string(usual.Kind)), When: when, Reloads: true, Options: fixed(
			w.Option{Value: string(w.ChartRepository), Label: "Helm repository", Note: "Fetched by this server through the Stack's proxy, with the Stack's CA bundle."},
			w.Option{Value: string(w.ChartOCI), Label: "OCI registry", Note: "The same, from a registry: oci://registry/path/chart."},
			w.Option{Value: string(w.ChartUploaded), Label: "Uploaded archive", Note: "For stamps that reach neither."},
		)},
		{Name: prefix + "_url", Label: "Address", Kind: w.FieldText, Default: text(usual.URL), When: is(w.ChartRepository, w.ChartOCI), Help: "The repository's URL, or the reference oci://registry/path/chart."},
		{Name: prefix + "_chart", Label: "Chart", Kind: w.FieldText, Default: text(usual.Name), When: is(w.ChartRepository)},
		{Name: prefix + "_version", Label: "Version", Kind: w.FieldText, Default: text(usual.Version), When: is(w.ChartRepository, w.ChartOCI), Help: "Exact, so that each Site gets the same."},
		{Name: prefix + "_archive", Label: "Archive", Kind: w.FieldArchive, When: is(w.ChartUploaded), Help: uploadedHelp, Observed: func(_ context.Context, s *State) string { return stored(chosen(s)) }},
		{Name: prefix + "_digest", Label: "SHA-256 of the archive", Kind: w.FieldText, Optional: true, When: is(w.ChartRepository, w.ChartOCI), Help: "Leave it empty to pin what comes now: the plan shows it, and the run takes nothing else."},
	}
}

// stored says which file is kept.
func stored(src w.ChartSource) string {
	if src.Digest == "" {
		return "No file was given yet."
	}
	return "Kept: " + src.Name + ", SHA-256 " + src.Digest + "."
}

// bindSource reads the answers of sourceFields.
func bindSource(a w.Answers, prefix string) (w.ChartSource, []w.FieldError) {
	var errs []w.FieldError
	bad := func(field, message string) {
		errs = append(errs, w.FieldError{Field: prefix + field, Message: message})
	}
	src := w.ChartSource{Kind: w.ChartSourceKind(a.Get(prefix + "_source"))}
	switch src.Kind {
	case w.ChartUploaded:
		src.Digest, src.Name, _ = strings.Cut(a.Get(prefix+"_archive"), " ")
		if src.Digest == "" {
			bad("_archive", "Give the archive.")
		}
		return src, errs
	case w.ChartRepository:
		if src.Name = a.Get(prefix + "_chart"); !w.IsDNSLabel(src.Name) {
			bad("_chart", "A chart's name has small letters, digits and dashes.")
		}
	case w.ChartOCI:
	default:
		bad("_source", "Choose where the chart comes from.")
		return src, errs
	}
	src.URL, src.Version, src.Digest = a.Get(prefix+"_url"), a.Get(prefix+"_version"), strings.ToLower(strings.TrimPrefix(a.Get(prefix+"_digest"), "sha256:"))
	if m := badAddress(src); m != "" {
		bad("_url", m)
	}
	if !version.MatchString(src.Version) {
		bad("_version", "Give one exact version, such as 2.4.1.")
	}
	if src.Digest != "" && !hexDigest.MatchString(src.Digest) {
		bad("_digest", "A SHA-256 has 64 hexadecimal digits.")
	}
	return src, errs
}

func badAddress(src w.ChartSource) string {
	u, err := url.Parse(src.URL)
	switch {
	case err != nil || u.Host == "":
		return "Give an address such as https://charts.contoso.com or oci://registry.contoso.com/charts/shop."
	case u.User != nil:
		return "Leave out user and password."
	case src.Kind == w.ChartOCI && (u.Scheme != "oci" || strings.Trim(u.Path, "/") == ""):
		return "A reference into a registry begins with oci:// and ends with the chart's name."
	case src.Kind == w.ChartRepository && u.Scheme != "https":
		return "A repository's address begins with https://."
	}
	return ""
}
