package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
)

// world is a small cluster with our records.
type world struct {
	driver    bool
	class     string
	may       bool
	front     w.Exposure // the ingress controller's Service, once it is installed
	others    []w.Exposure
	works     []w.Workload
	exposed   []w.Exposure
	answers   []Answer
	installed []string
	values    string // of the last install
	removed   []string
	fail      map[string]error // of an install, by release
	status    map[string]w.ReleaseState
	foreign   bool // the driver is there, but no release of it
	api       gatewayAPI

	releases map[string]w.Release
	endpoint *w.Endpoint
	now      time.Time
}

func newWorld() *world {
	return &world{
		class: "managed-premium", may: true, releases: map[string]w.Release{}, fail: map[string]error{}, now: time.Unix(1_800_000_000, 0),
		front:   w.Exposure{Namespace: "ingress", Name: "ingress-controller", Type: "LoadBalancer", External: "20.1.2.3", DNSLabel: "sea-apps"},
		works:   []w.Workload{{Kind: "Deployment", Name: "ratings-web", Ready: 2, Want: 2}},
		exposed: []w.Exposure{{Name: "ratings-web", Type: "ClusterIP", Endpoints: 2, Selects: true}},
		answers: []Answer{{Status: 200}},
		api:     newGatewayAPI(),
	}
}

func (x *world) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "s", Name: "Seattle", StackID: "st"}, nil
}
func (x *world) Stack(context.Context, string) (w.Stack, error) {
	return w.Stack{ID: "st", Region: "seattle", ARMEndpoint: "https://management.seattle.azurestack.test"}, nil
}
func (x *world) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	return w.Cluster{ID: "c", Name: "sea", Version: "1.33.10"}, nil
}
func (x *world) Releases(context.Context, string) ([]w.Release, error) {
	var out []w.Release
	for _, r := range x.releases {
		out = append(out, r)
	}
	return out, nil
}
func (x *world) SaveRelease(_ context.Context, r *w.Release) error {
	x.releases[r.Namespace+"/"+r.Name] = *r
	return nil
}
func (x *world) DeleteRelease(_ context.Context, _, namespace, name string) error {
	delete(x.releases, namespace+"/"+name)
	return nil
}
func (x *world) Endpoint(context.Context, string) (w.Endpoint, error) {
	if x.endpoint == nil {
		return w.Endpoint{}, w.ErrNotFound
	}
	return *x.endpoint, nil
}
func (x *world) SaveEndpoint(_ context.Context, e *w.Endpoint) error      { x.endpoint = e; return nil }
func (x *world) DeleteEndpoint(context.Context, string) error             { x.endpoint = nil; return nil }
func (x *world) Close() error                                             { return nil }
func (x *world) ServerVersion(context.Context) (string, error)            { return "v1.33.10", nil }
func (x *world) IngressClasses(context.Context) ([]w.IngressClass, error) { return nil, nil }
func (x *world) StorageClasses(context.Context) ([]w.StorageClass, error) {
	return []w.StorageClass{{Name: x.class, Provisioner: driverName, Driver: x.driver}}, nil
}
func (x *world) Workloads(context.Context, string) ([]w.Workload, error) { return x.works, nil }
func (x *world) Exposures(_ context.Context, namespace string) ([]w.Exposure, error) {
	if namespace != "" {
		return x.exposed, nil
	}
	all := append([]w.Exposure{}, x.others...)
	if len(x.installed) > 0 {
		all = append(all, x.front)
	}
	return all, nil
}
func (x *world) May(context.Context, string, string, string, string) (bool, error) { return x.may, nil }
func (x *world) Install(_ context.Context, spec w.ReleaseSpec, _ w.Log) (w.ReleaseState, error) {
	if err := x.fail[spec.Name]; err != nil {
		return w.ReleaseState{}, err
	}
	x.installed = append(x.installed, spec.Name)
	x.values = spec.Values
	x.driver = x.driver || spec.Name == driverRelease
	return w.ReleaseState{Name: spec.Name, Namespace: spec.Namespace, Chart: spec.Chart.Name, Revision: 1, Changed: true}, nil
}
func (x *world) Uninstall(_ context.Context, _, name string, _ w.Log) error {
	x.removed = append(x.removed, name)
	return nil
}
func (x *world) Compare(context.Context, w.ReleaseSpec) (string, int, error) { return "+ a", 1, nil }
func (x *world) List(context.Context) ([]w.ReleaseState, error) {
	if x.foreign {
		return nil, nil
	}
	return []w.ReleaseState{{Chart: driverChart}}, nil
}

func (x *world) Status(_ context.Context, namespace, name string) (w.ReleaseState, error) {
	if s, ok := x.status[name]; ok {
		s.Namespace, s.Name = namespace, name
		return s, nil
	}
	return w.ReleaseState{}, w.ErrNotFound
}
func (x *world) Autoscalers(_ context.Context, namespace string) ([]w.Autoscaler, error) {
	return []w.Autoscaler{{Namespace: namespace, Name: "ours", Ours: true}, {Namespace: namespace, Name: "theirs"}}, nil
}
func (x *world) EnsureCertificate(_ context.Context, namespace, name, host string) (bool, error) {
	x.installed = append(x.installed, "certificate "+namespace+"/"+name+" for "+host)
	return true, x.fail["certificate"]
}
func (x *world) DeleteCertificates(_ context.Context, namespace string) ([]string, error) {
	x.removed = append(x.removed, "certificates "+namespace)
	return nil, nil
}
func (x *world) DeleteAutoscaler(_ context.Context, namespace, name string) error {
	x.removed = append(x.removed, "hpa "+namespace+"/"+name)
	return nil
}

func (x *world) needs() Needs {
	return Needs{
		Records: x, Clock: func() time.Time { return x.now },
		Open: func(context.Context, w.Cluster) (Kube, error) { return x, nil },
		Chart: func(_ context.Context, src w.ChartSource, _ w.Stack) (w.Chart, error) {
			if src.Version == "9.9.9" {
				return w.Chart{}, &w.Problem{Code: "chart.missing", What: "It is not there", Why: "no such version", Fix: "Choose another."}
			}
			return w.Chart{Name: src.Name, Version: "1.0.0", Digest: fmt.Sprintf("%064d", len(src.Name)), HasSchema: true}, nil
		},
		Definitions: x.definitions,
		CheckValues: func(_ w.Chart, values string) error {
			if strings.Contains(values, "colour") {
				return &w.Problem{Code: "helm.values", What: "The chart does not take these values", Why: "colour", Fix: "Correct it."}
			}
			return nil
		},
		Hide: func(values string) string { return strings.ReplaceAll(values, "hunter2", "(secret)") },
		Probe: func(context.Context, w.Stack, Probe) (Answer, error) {
			a := x.answers[0]
			if len(x.answers) > 1 {
				x.answers = x.answers[1:]
			}
			if a.Status == 0 {
				return a, errors.New("refused")
			}
			return a, nil
		},
		Pause: func(ctx context.Context, d time.Duration) error { x.now = x.now.Add(d); return ctx.Err() },
	}
}

type quiet struct{}

func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
func (quiet) Good(string, ...any)  {}
func (quiet) Phase(string, ...any) {}
func (quiet) Command(string)       {}
func (quiet) Progress(int, string) {}
func (quiet) Mask(string)          {}
func (quiet) Cursor(context.Context, string) (w.Cursor, error) {
	return nil, errors.New("no cursor in this test")
}

func session(t *testing.T, x *world, a w.Answers) w.Session {
	t.Helper()
	s, err := New(x.needs()).Open(t.Context(), w.Target{SiteID: "s"}, a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run goes through the plan and all steps that apply.
func run(t *testing.T, x *world, a w.Answers) (w.Execution, error) {
	t.Helper()
	s := session(t, x, a)
	if errs := s.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	if _, err := s.Plan(t.Context()); err != nil {
		return nil, err
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	def := New(x.needs())
	e, err := def.Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range def.Info().Steps {
		if e.Applies(step.ID) {
			if err := e.Run(t.Context(), step.ID, quiet{}); err != nil {
				return e, err
			}
		}
	}
	return e, nil
}

func TestRun(t *testing.T) {
	x := newWorld()
	e, err := run(t, x, w.Answers{"host": "ratings.contoso.com", "tls": TLSSelf})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(x.installed, " "); got != "azuredisk-csi-driver ingress ratings" {
		t.Errorf("installed %s", got)
	}
	want := w.Endpoint{SiteID: "s", Address: "20.1.2.3", DNSName: "sea-apps.seattle.cloudapp.azurestack.test", Host: "ratings.contoso.com", TLS: true, Port: 443, Path: "/"}
	if x.endpoint == nil || *x.endpoint != want {
		t.Errorf("endpoint %+v", x.endpoint)
	}
	if len(x.releases) != 3 || x.releases["ratingsapp/ratings"].Digest == "" {
		t.Errorf("releases %+v", x.releases)
	}
	if r := e.Result(); !strings.Contains(r.Headline, "200") || len(r.Facts) < 6 {
		t.Errorf("result %+v", r)
	}
}

func TestRunLeavesAForeignDriver(t *testing.T) {
	x := newWorld()
	x.driver, x.foreign = true, true
	if _, err := run(t, x, nil); err != nil || strings.Contains(strings.Join(x.installed, " "), driverRelease) {
		t.Errorf("installed %v, %v", x.installed, err)
	}
}

func TestRunFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(x *world)
		code   string
	}{
		"no address":        {func(x *world) { x.front.External = "" }, "app.address"},
		"a release fails":   {func(x *world) { x.fail["ratings"] = &w.Problem{Code: "pod.image"} }, "pod.image"},
		"no endpoints":      {func(x *world) { x.exposed[0].Endpoints = 0 }, "app.endpoints"},
		"pods not ready":    {func(x *world) { x.works[0].Ready = 1 }, "app.endpoints"},
		"nobody answers":    {func(x *world) { x.answers = []Answer{{}} }, "app.probe"},
		"no rule fits":      {func(x *world) { x.answers = []Answer{{Status: 404}} }, "app.probe"},
		"late, but it does": {func(x *world) { x.answers = []Answer{{Status: 503}, {}, {Status: 200}} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld()
			c.change(x)
			_, err := run(t, x, nil)
			var p *w.Problem
			if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &p) || p.Code != c.code) {
				t.Errorf("%v", err)
			}
			if c.code != "" && x.endpoint != nil {
				t.Error("an endpoint is recorded")
			}
		})
	}
}

func TestChecks(t *testing.T) {
	other := w.Exposure{Namespace: "shop", Name: "front", Type: "LoadBalancer", External: "20.1.2.9"}
	for name, c := range map[string]struct {
		change  func(x *world)
		answers w.Answers
		check   string
		want    w.CheckStatus
	}{
		"rights":                      {nil, nil, "rights", w.CheckPassed},
		"no rights":                   {func(x *world) { x.may = false }, nil, "rights", w.CheckFailed},
		"driver comes":                {nil, nil, "storage", w.CheckPassed},
		"driver stays away":           {nil, w.Answers{"driver": "keep"}, "storage", w.CheckFailed},
		"no such class":               {nil, w.Answers{"storage_class": "none"}, "storage", w.CheckFailed},
		"first balancer":              {nil, nil, "ingress", w.CheckPassed},
		"second balancer":             {func(x *world) { x.others = []w.Exposure{other} }, nil, "ingress", w.CheckFailed},
		"existing balancer":           {func(x *world) { x.others = []w.Exposure{other} }, w.Answers{"ingress": IngressExisting, "ingress_service": "shop/front"}, "ingress", w.CheckPassed},
		"existing one is not there":   {nil, w.Answers{"ingress": IngressExisting, "ingress_service": "shop/front"}, "ingress", w.CheckFailed},
		"retired":                     {nil, w.Answers{"ingress": IngressCommunity}, "retired", w.CheckWarning},
		"charts":                      {nil, nil, "charts", w.CheckPassed},
		"a chart that is missing":     {nil, w.Answers{"f5_version": "9.9.9"}, "charts", w.CheckFailed},
		"values against the schema":   {nil, own("colour: red"), "values", w.CheckFailed},
		"values that the chart takes": {nil, own("size: 1"), "values", w.CheckPassed},
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
			if f := s.RunCheck(t.Context(), c.check); f.Status != c.want || f.Found == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func own(values string) w.Answers {
	return w.Answers{"app": AppOwn, "own_url": "https://charts.contoso.com", "own_chart": "shop", "own_version": "1.0.0", "values": values}
}

func TestWrongAnswers(t *testing.T) {
	for field, c := range map[string]w.Answers{
		"ingress":         {"ingress": "x"},
		"ingress_class":   {"ingress_class": "No"},
		"ingress_service": {"ingress": IngressExisting},
		"f5_url":          {"f5_url": "http://charts.contoso.com"},
		"f5_version":      {"f5_version": "latest"},
		"f5_digest":       {"f5_digest": "abc"},
		"f5_archive":      {"f5_source": "uploaded"},
		"csi_source":      {"csi_source": "x"},
		"release":         {"release": "Ratings"},
		"namespace":       {"namespace": "kube-system"},
		"host":            {"tls": TLSSelf},
		"tls_secret":      {"tls": TLSSecret, "host": "a.contoso.com"},
		"web":             {"web": "0"},
		"registry":        {"registry": "https://a"},
		"path":            {"app": AppOwn, "path": "x", "own_url": "https://a.b", "own_chart": "c", "own_version": "1.0.0"},
		"own_url":         {"app": AppOwn, "own_source": "oci", "own_url": "https://a.b/c", "own_version": "1.0.0"},
	} {
		errs := session(t, newWorld(), c).Errors()
		if len(errs) == 0 || errs[0].Field != field || errs[0].Message == "" {
			t.Errorf("%s: %+v", field, errs)
		}
	}
}

func TestRemoval(t *testing.T) {
	x := newWorld()
	if _, err := NewRemoval(x.needs()).Open(t.Context(), w.Target{SiteID: "s"}, nil); err == nil {
		t.Error("there is nothing to remove")
	}
	if _, err := run(t, x, nil); err != nil {
		t.Fatal(err)
	}
	def := NewRemoval(x.needs())
	s, err := def.Open(t.Context(), w.Target{SiteID: "s"}, w.Answers{"ingress": "yes"})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := s.Plan(t.Context()); err != nil || len(p.Changes) != 9 {
		t.Errorf("plan %+v, %v", p, err)
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	e, err := def.Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range def.Info().Steps {
		if err := e.Run(t.Context(), step.ID, quiet{}); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(x.removed, " ") != "hpa ratingsapp/ours ratings certificates ratingsapp ingress" || x.endpoint != nil || len(x.releases) != 1 {
		t.Errorf("removed %v, endpoint %v, releases %v", x.removed, x.endpoint, x.releases)
	}
}

// TestCancelled: what a step that was stopped has put on the cluster is told,
// is remembered, and so can be taken away.
func TestCancelled(t *testing.T) {
	x := newWorld()
	x.fail["ratings"] = context.Canceled
	x.status = map[string]w.ReleaseState{"ratings": {Status: "failed", Revision: 1, Objects: []w.ReleaseObject{
		{Kind: "Deployment", Name: "ratings-web", Detail: "0 of 2 ready"}, {Kind: "Job", Name: "setup", Detail: gone}}}}
	e, err := run(t, x, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var told []string
	for _, i := range e.Left().Items {
		told = append(told, i.Label+": "+i.Value)
	}
	all := strings.Join(told, "\n")
	if !strings.Contains(all, "Release ratings: in namespace ratingsapp, failed at revision 1. The cluster has of it: Deployment ratings-web") || strings.Contains(all, "setup") {
		t.Errorf("it says that it leaves:\n%s", all)
	}
	if e.Left().Undo == nil || e.Left().Undo.WorkflowID != RemoveID {
		t.Errorf("it offers %+v", e.Left().Undo)
	}
	s, err := NewRemoval(x.needs()).Open(t.Context(), w.Target{SiteID: "s"}, nil)
	if err != nil {
		t.Fatalf("it cannot be taken away: %v", err)
	}
	if p, err := s.Plan(t.Context()); err != nil || p.Changes[0].What != "Release ratings in namespace ratingsapp" {
		t.Errorf("%+v, %v", p.Changes, err)
	}
	x.status = nil
	if e, _ = run(t, x, nil); len(e.Left().Items) != 3 { // driver, ingress, address
		t.Errorf("nothing of the application is there, and it tells %+v", e.Left().Items)
	}
}

// TestPlanHidesSecrets: what values hold as secrets is not in a document that
// the review, the run and the dossier show.
func TestPlanHidesSecrets(t *testing.T) {
	p, err := session(t, newWorld(), own("password: hunter2")).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, d := range p.Documents {
		found = found || strings.Contains(d.Body, "password: (secret)")
		if strings.Contains(d.Body, "hunter2") {
			t.Errorf("%s: %s", d.Name, d.Body)
		}
	}
	if !found {
		t.Errorf("the values are not shown: %+v", p.Documents)
	}
}
