package app

import (
	"context"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

func fixed(o ...w.Option) func(context.Context, *State) ([]w.Option, error) {
	return func(context.Context, *State) ([]w.Option, error) { return o, nil }
}

func text(v string) func(*State) string { return func(*State) string { return v } }

func (f flow) pages() []w.Page[State] {
	return []w.Page[State]{f.ingressPage(), f.storagePage(), f.appPage(), f.valuesPage()}
}

func (f flow) ingressPage() w.Page[State] {
	byIngress := func(s *State) bool { return !s.gateway() }
	fields := []w.Field[State]{
		{Name: "ingress", Label: "Ingress controller", Kind: w.FieldRadio, Default: text(IngressF5), Reloads: true, Options: fixed(append([]w.Option{
			{Value: IngressF5, Label: "NGINX Ingress Controller of F5", Note: "Maintained. One public address serves all applications of the cluster: addresses on a Hub are few."},
			{Value: IngressCommunity, Label: "ingress-nginx (retired)", Note: "What the guide of 2020 names. Its project ended on 26 March 2026: there are no security fixes any more. Only where you already depend on it."},
			{Value: IngressExisting, Label: "One that the cluster has", Note: "Nothing is installed."},
		}, gatewayOptions()...)...)},
		{Name: "ingress_class", Label: "Ingress class", Kind: w.FieldText, Default: text("nginx"), When: byIngress, Help: "The name by which applications ask for this controller.", Observed: f.seenClasses},
	}
	fields = append(fields, f.gatewayFields()...)
	fields = append(fields, []w.Field[State]{
		{Name: "ingress_service", Label: "Its Service", Kind: w.FieldText, Placeholder: "ingress/controller", When: func(s *State) bool { return s.Ingress.Kind == IngressExisting }, Help: "As namespace/name: the Service of type LoadBalancer with the public address.", Observed: f.seenBalancers},
		{Name: "ingress_namespace", Label: "Namespace", Kind: w.FieldText, Default: text("ingress"), When: (*State).ownIngress},
		{Name: "dns_label", Label: "DNS label of the public address", Kind: w.FieldText, Optional: true, When: func(s *State) bool { return s.Ingress.Kind != IngressExisting }, Default: func(s *State) string { return s.Cluster.Name + "-apps" }, Help: "The Hub then publishes a name for the address, which Traffic Manager needs. Empty asks for none. With the Gateway API a chart of your own asks for it itself, by infrastructure.annotations of its Gateway."},
	}...)
	usual := func(kind string, from w.ChartSourceKind, url, chart, version string) []w.Field[State] {
		return sourceFields(kind, w.ChartSource{Kind: from, URL: url, Name: chart, Version: version},
			func(s *State) w.ChartSource { return s.Ingress.Source }, func(s *State) bool { return s.Ingress.Kind == kind })
	}
	fields = append(fields, usual(IngressF5, w.ChartRepository, f5URL, f5Chart, f5Version)...)
	fields = append(fields, usual(IngressCommunity, w.ChartRepository, commURL, commChart, commVersion)...)
	fields = append(fields, usual(IngressGateway, w.ChartOCI, fabricURL, fabricChart, fabricVersion)...)
	return w.Page[State]{ID: "ingress", Title: "Ingress", Why: "It takes requests at one public address and leads them to the applications.", Fields: fields, Bind: bindIngress}
}

func bindIngress(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	s.Ingress = Ingress{Kind: a.Get("ingress"), Class: a.Get("ingress_class"), Namespace: a.Get("ingress_namespace"), DNSLabel: a.Get("dns_label"), Service: a.Get("ingress_service")}
	if s.gateway() {
		bindGateway(a, s, bad)
	} else if !w.IsDNSLabel(s.Ingress.Class) {
		bad("ingress_class", "An ingress class has small letters, digits and dashes.")
	}
	switch s.Ingress.Kind {
	case IngressExisting:
		if ns, name, ok := strings.Cut(s.Ingress.Service, "/"); !ok || ns == "" || name == "" {
			bad("ingress_service", "Give the Service as namespace/name.")
		}
		return errs
	case IngressF5, IngressCommunity, IngressGateway, IngressGatewayExisting:
	default:
		bad("ingress", "Choose an ingress controller.")
		return errs
	}
	if s.ownIngress() && !w.IsDNSLabel(s.Ingress.Namespace) {
		bad("ingress_namespace", "A namespace has small letters, digits and dashes.")
	}
	if s.Ingress.DNSLabel != "" && !w.IsDNSLabel(s.Ingress.DNSLabel) {
		bad("dns_label", "A DNS label has small letters, digits and dashes.")
	}
	if !s.ownIngress() {
		return errs
	}
	src, more := bindSource(a, s.Ingress.Kind)
	s.Ingress.Source = src
	return append(errs, more...)
}

func (f flow) storagePage() w.Page[State] {
	fields := []w.Field[State]{
		{Name: "driver", Label: "Azure Disk CSI driver", Kind: w.FieldRadio, Default: text("install"), Reloads: true, Observed: f.seenDriver, Options: fixed(
			w.Option{Value: "install", Label: "Install it where it is missing", Note: "On Azure Stack Hub it is not there by default: volumes wait for ever without it."},
			w.Option{Value: "keep", Label: "Leave storage as it is", Note: "Another driver serves the storage class, or the application keeps nothing."},
		)},
	}
	fields = append(fields, driverFields()...)
	return w.Page[State]{ID: "storage", Title: "Storage", Why: "A database without a disk loses everything when its pod moves.", Fields: fields, Bind: func(a w.Answers, s *State) []w.FieldError {
		s.Storage.Install = a.Get("driver") == "install"
		if !s.Storage.Install {
			s.Storage.Source = w.ChartSource{}
			return nil
		}
		src, errs := bindSource(a, "csi")
		s.Storage.Source = src
		return errs
	}}
}

func driverFields() []w.Field[State] {
	fields := sourceFields("csi", w.ChartSource{Kind: w.ChartRepository, URL: driverURL, Name: driverChart},
		func(s *State) w.ChartSource { return s.Storage.Source }, func(s *State) bool { return s.Storage.Install })
	for i := range fields {
		if fields[i].Name == "csi_version" {
			fields[i].Default = func(s *State) string { return driverVersion(s.Cluster.Version) }
			fields[i].Help = "The version that is made for this cluster's Kubernetes."
		}
	}
	return fields
}

func (f flow) appPage() w.Page[State] {
	own := func(s *State) bool { return s.App.Kind == AppOwn }
	fields := []w.Field[State]{
		{Name: "app", Label: "Application", Kind: w.FieldRadio, Default: text(AppRatings), Reloads: true, Options: fixed(
			w.Option{Value: AppRatings, Label: "Fruit ratings, the guide's three tiers", Note: "Web pages, an API and MongoDB, from a chart that is built in."},
			w.Option{Value: AppOwn, Label: "Your own chart", Note: "With a values editor and a look at what changes."},
		)},
		{Name: "release", Label: "Release name", Kind: w.FieldText, Default: text("ratings")},
		{Name: "namespace", Label: "Namespace", Kind: w.FieldText, Default: text("ratingsapp")},
		{Name: "host", Label: "Host", Kind: w.FieldText, Optional: true, Placeholder: "ratings.contoso.com", Help: "The name that people type. Empty answers for any name."},
		{Name: "tls", Label: "TLS", Kind: w.FieldRadio, Default: text(TLSNone), Reloads: true, Options: fixed(
			w.Option{Value: TLSNone, Label: "None", Note: "Plain HTTP: for a network of your own, or behind something that ends TLS."},
			w.Option{Value: TLSSelf, Label: "A certificate that signs itself", Note: "Encrypted, but browsers warn."},
			w.Option{Value: TLSSecret, Label: "A certificate in a Secret", Note: "Of type kubernetes.io/tls, in the application's namespace."},
		)},
		{Name: "tls_secret", Label: "Secret", Kind: w.FieldText, When: func(s *State) bool { return s.App.TLS == TLSSecret }},
		{Name: "web", Label: "Web replicas", Kind: w.FieldNumber, Default: text("2"), When: (*State).ratings},
		{Name: "database", Label: "Database members", Kind: w.FieldSelect, Default: text("1"), When: (*State).ratings, Help: "With three the database outlives the loss of a node.", Options: fixed(
			w.Option{Value: "1", Label: "1"}, w.Option{Value: "3", Label: "3, a replica set"})},
		{Name: "storage_class", Label: "Storage class", Kind: w.FieldSelect, Default: text("managed-premium"), When: (*State).ratings, Options: f.classes},
		{Name: "size", Label: "Disk of each member", Unit: "GiB", Kind: w.FieldNumber, Default: text("10"), When: (*State).ratings},
		{Name: "registry", Label: "Registry of the images", Kind: w.FieldText, Default: text("docker.io"), When: (*State).ratings, Help: "A mirror, for stamps that do not reach the Internet."},
		{Name: "path", Label: "Path that answers 200", Kind: w.FieldText, Default: text("/"), When: own, Help: "It is asked for at the end, and later by Traffic Manager."},
	}
	fields = append(fields, sourceFields("own", w.ChartSource{Kind: w.ChartRepository}, func(s *State) w.ChartSource { return s.App.Source }, own)...)
	return w.Page[State]{ID: "app", Title: "Application", Why: "What runs on the cluster, and under which name.", Fields: fields, Bind: bindApp}
}

func bindApp(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	s.App = App{Kind: a.Get("app"), Name: a.Get("release"), Namespace: a.Get("namespace"), Host: strings.ToLower(a.Get("host")), TLS: TLSNone, Path: "/"}
	if !w.IsDNSLabel(s.App.Name) || len(s.App.Name) > 40 {
		bad("release", "A release name has small letters, digits and dashes, at most 40 of them.")
	}
	if !w.IsDNSLabel(s.App.Namespace) || strings.HasPrefix(s.App.Namespace, "kube-") {
		bad("namespace", "A namespace has small letters, digits and dashes, and those that begin with kube- belong to Kubernetes.")
	}
	if s.App.Host != "" && !dnsName.MatchString(s.App.Host) {
		bad("host", "A host is a name such as ratings.contoso.com.")
	}
	switch s.App.Kind {
	case AppRatings:
		bindRatings(a, s, bad)
	case AppOwn:
		if s.App.Path = a.Get("path"); !strings.HasPrefix(s.App.Path, "/") {
			bad("path", "A path begins with /.")
		}
		bindTLS(a, s, bad)
		if s.ownCertificate() {
			s.App.TLSSecret = s.App.Name + "-tls"
		}
		src, more := bindSource(a, "own")
		s.App.Source = src
		errs = append(errs, more...)
	default:
		bad("app", "Choose an application.")
	}
	return errs
}

func bindRatings(a w.Answers, s *State, bad func(field, message string)) {
	s.App.Source = w.ChartSource{Kind: w.ChartBuiltIn, Name: AppRatings}
	s.App.Registry, s.Storage.Class = a.Get("registry"), a.Get("storage_class")
	number := func(field string, least, most int, to *int) {
		n, err := strconv.Atoi(a.Get(field))
		if err != nil || n < least || n > most {
			bad(field, "Give a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+".")
		}
		*to = n
	}
	number("web", 1, 50, &s.App.Web)
	number("database", 1, 5, &s.App.Database)
	number("size", 1, 1023, &s.Storage.Size)
	if s.App.Registry == "" || strings.ContainsAny(s.App.Registry, " \"'{}") || strings.Contains(s.App.Registry, "://") {
		bad("registry", "Give the registry's host, and a path where it has one, without https://.")
	}
	bindTLS(a, s, bad)
}

func bindTLS(a w.Answers, s *State, bad func(field, message string)) {
	switch s.App.TLS = a.Get("tls"); s.App.TLS {
	case TLSNone:
	case TLSSelf, TLSSecret:
		if s.App.Host == "" {
			bad("host", "A certificate is for a name: give the host.")
		}
		if s.App.TLSSecret = a.Get("tls_secret"); s.App.TLS == TLSSecret && !w.IsDNSLabel(s.App.TLSSecret) {
			bad("tls_secret", "Give the Secret's name.")
		}
	default:
		bad("tls", "Choose how requests are encrypted.")
	}
}

func (f flow) valuesPage() w.Page[State] {
	return w.Page[State]{
		ID: "values", Title: "Values", Why: "They say how the chart is set up. What you leave out stays as the chart has it.", When: func(s *State) bool { return s.App.Kind == AppOwn },
		Fields: []w.Field[State]{{Name: "values", Label: "Values in YAML", Kind: w.FieldArea, Optional: true, Observed: f.seenValues,
			Help: "Passwords do not belong here: they would be kept with the draft. Refer to Secrets on the cluster."}},
		Bind: func(a w.Answers, s *State) []w.FieldError { s.App.Values = a["values"]; return nil },
	}
}
