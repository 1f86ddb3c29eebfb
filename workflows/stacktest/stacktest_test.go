package stacktest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// world is a Hub whose parts can be broken one by one.
type world struct {
	stack      w.Stack
	fails      map[string]error // by method
	meta       w.HubMetadata
	region     string
	sub        w.Subscription
	contribute bool
	providers  []w.Provider
	images     []string
	extensions []string
	usages     []w.Usage
}

var entra = w.HubMetadata{Identity: w.IdentityEntra, Audience: "aud", TenantID: "t1", LoginEndpoint: "https://login/"}

func good() *world {
	base, _ := aksengine.Find(aksengine.Default)
	var usages []w.Usage
	for _, r := range room {
		usages = append(usages, w.Usage{Name: r.name, Title: r.title, Limit: r.count})
	}
	return &world{
		stack: w.Stack{ID: "stk", Name: "Seattle", ARMEndpoint: "https://management.seattle.azurestack.test", Region: "seattle", TenantID: "t1", Metadata: entra,
			Credential: w.Credential{Method: w.AuthCertificate, ClientID: "client"}},
		fails: map[string]error{}, meta: entra, region: "seattle",
		sub: w.Subscription{ID: "s", DisplayName: "Ratings", State: "Enabled"}, contribute: true,
		providers:  []w.Provider{{Namespace: "Microsoft.Compute", Registered: true}},
		images:     []string{base.BaseImage.Version},
		extensions: []string{"2.0.5", "2.0.6"},
		usages:     usages,
	}
}

func (x *world) Stack(context.Context, string) (w.Stack, error) { return x.stack, x.fails["stack"] }
func (x *world) Resolve(context.Context) ([]string, error) {
	if x.stack.HTTPSProxy != "" {
		return nil, x.fails["name"]
	}
	return []string{"192.0.2.1"}, x.fails["name"]
}
func (x *world) TLS(context.Context) error   { return x.fails["tls"] }
func (x *world) Login(context.Context) error { return x.fails["login"] }
func (x *world) Subscription(context.Context) (w.Subscription, error) {
	return x.sub, x.fails["subscription"]
}
func (x *world) CanContribute(context.Context) (bool, string, error) {
	return x.contribute, "the detail", x.fails["contributor"]
}
func (x *world) Providers(context.Context, ...string) ([]w.Provider, error) {
	return x.providers, x.fails["providers"]
}
func (x *world) HasImage(_ context.Context, ref w.ImageRef) (bool, []string, error) {
	for _, v := range x.images {
		if v == ref.Version {
			return true, x.images, x.fails["image"]
		}
	}
	return false, x.images, x.fails["image"]
}
func (x *world) HasExtension(_ context.Context, _, _, minVersion string) (bool, []string, error) {
	for _, v := range x.extensions {
		if v == minVersion {
			return true, x.extensions, x.fails["extension"]
		}
	}
	return false, x.extensions, x.fails["extension"]
}
func (x *world) Usages(context.Context) ([]w.Usage, error) { return x.usages, x.fails["quota"] }

func (x *world) open(t *testing.T) w.Session {
	t.Helper()
	se, err := New(Needs{
		Records: x,
		OpenHub: func(context.Context, w.Stack) (Hub, error) {
			if err := x.fails["open"]; err != nil {
				return nil, err
			}
			return x, nil
		},
		Discover: func(context.Context, string, string, string) (w.HubMetadata, string, error) {
			return x.meta, x.region, x.fails["metadata"]
		},
	}).Erase().Open(t.Context(), w.Target{StackID: "stk"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return se
}

func (x *world) findings(t *testing.T) map[string]w.Finding {
	out := map[string]w.Finding{}
	se := x.open(t)
	for _, c := range se.Checks() {
		out[c.ID] = se.RunCheck(t.Context(), c.ID)
	}
	return out
}

var all = []string{"name", "tls", "metadata", "login", "subscription", "contributor", "providers", "image", "extension", "quota"}

func TestAllIsWell(t *testing.T) {
	got := good().findings(t)
	if len(got) != len(all) {
		t.Errorf("%d checks", len(got))
	}
	for _, id := range all {
		if f := got[id]; f.Status != w.CheckPassed || f.Found == "" {
			t.Errorf("%s: %+v", id, f)
		}
	}
}

// What fails first is told once; what depends on it says that it cannot know.
func TestOneFailureIsToldOnce(t *testing.T) {
	cause := &w.Problem{Code: "x", What: "It is broken", Why: "The cause.", Fix: "Mend it."}
	after := map[string]int{"name": 1, "tls": 2, "metadata": 3, "login": 4, "subscription": 5}
	for broken, from := range after {
		t.Run(broken, func(t *testing.T) {
			x := good()
			// As in the world: what comes later fails, too, with noise.
			for _, id := range all[from-1:] {
				x.fails[id] = errors.New("noise")
			}
			x.fails[broken] = cause
			got := x.findings(t)
			for i, id := range all {
				f := got[id]
				switch {
				case i < from-1:
					if f.Status != w.CheckPassed {
						t.Errorf("%s: %+v", id, f)
					}
				case id == broken:
					want := w.Finding{Status: w.CheckFailed, Found: "It is broken. The cause.", Remedy: "Mend it."}
					if d := cmp.Diff(want, f); d != "" {
						t.Error(d)
					}
				default:
					if f.Status != w.CheckSkipped || !strings.HasPrefix(f.Found, "Cannot be known yet") {
						t.Errorf("%s: %+v", id, f)
					}
				}
			}
		})
	}
}

// The last ones do not depend on each other.
func TestTheRestIsIndependent(t *testing.T) {
	for _, broken := range all[5:] {
		x := good()
		x.fails[broken] = &w.Problem{What: "It is broken", Fix: "Mend it."}
		for id, f := range x.findings(t) {
			want := w.CheckPassed
			if id == broken {
				want = w.CheckFailed
			}
			if f.Status != want {
				t.Errorf("%s is broken, %s: %+v", broken, id, f)
			}
		}
	}
}

func TestFindings(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil  func(*world)
		check  string
		status w.CheckStatus
		says   string
	}{
		"proxy resolves": {func(x *world) { x.stack.HTTPSProxy = "http://p:1" }, "name", w.CheckPassed, "The proxy http://p:1 leads to"},
		"identity changed": {func(x *world) { x.meta.Identity = w.IdentityADFS }, "metadata", w.CheckFailed,
			"The record says the identity system is Entra ID, the Hub says AD FS."},
		"region changed":   {func(x *world) { x.region = "boston" }, "metadata", w.CheckFailed, "boston"},
		"audience changed": {func(x *world) { x.meta.Audience = "other" }, "metadata", w.CheckFailed, "other"},
		"tenant changed":   {func(x *world) { x.meta.TenantID = "t2" }, "metadata", w.CheckFailed, "t2"},
		"AD FS has no tenant": {func(x *world) {
			x.meta.Identity, x.stack.Metadata.Identity, x.stack.TenantID = w.IdentityADFS, w.IdentityADFS, "adfs"
		}, "metadata", w.CheckPassed, "AD FS"},
		"subscription disabled": {func(x *world) { x.sub.State = "Disabled" }, "subscription", w.CheckFailed, "Ratings is Disabled"},
		"Reader":                {func(x *world) { x.contribute = false }, "contributor", w.CheckFailed, "client is no Contributor: the detail"},
		"not registered": {func(x *world) {
			x.providers = append(x.providers, w.Provider{Namespace: "Microsoft.Storage", State: "NotRegistered"})
		}, "providers", w.CheckFailed, "Microsoft.Storage (NotRegistered)"},
		"older base image":   {func(x *world) { x.images = []string{"2025.337.1"} }, "image", w.CheckFailed, "the marketplace has 2025.337.1"},
		"no base image":      {func(x *world) { x.images = nil }, "image", w.CheckFailed, "none of that kind"},
		"older extension":    {func(x *world) { x.extensions = []string{"2.0.5"} }, "extension", w.CheckFailed, "the marketplace has 2.0.5"},
		"quota too small":    {func(x *world) { x.usages[0].Current = 1 }, "quota", w.CheckFailed, "7 VMs needed, 6 of 7 free"},
		"quota is overdrawn": {func(x *world) { x.usages[1].Current = 99 }, "quota", w.CheckFailed, "14 cores needed, 0 of 14 free"},
		"other spelling":     {func(x *world) { x.usages = []w.Usage{{Name: "VirtualMachines", Limit: 1}} }, "quota", w.CheckFailed, "7 VMs needed"},
		"no quota told":      {func(x *world) { x.usages = nil }, "quota", w.CheckWarning, "no quota"},
		"stack is gone":      {func(x *world) { x.fails["stack"] = w.ErrNotFound }, "quota", w.CheckFailed, "not found"},
		"cannot be opened":   {func(x *world) { x.fails["open"] = &w.Problem{What: "Bad bundle", Fix: "f"} }, "name", w.CheckFailed, "Bad bundle"},
		"opened is needed":   {func(x *world) { x.fails["open"] = &w.Problem{What: "Bad bundle", Fix: "f"} }, "quota", w.CheckSkipped, "The name resolves"},
		"cancelled":          {func(x *world) { x.fails["login"] = context.Canceled }, "login", w.CheckSkipped, "stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			x := good()
			se := x.open(t)
			tt.spoil(x)
			f := se.RunCheck(t.Context(), tt.check)
			if f.Status != tt.status || !strings.Contains(f.Found, tt.says) {
				t.Errorf("%+v", f)
			}
			if (f.Status == w.CheckFailed || f.Status == w.CheckWarning) && f.Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
}

func TestDeclaration(t *testing.T) {
	se := good().open(t)
	p, err := se.Plan(t.Context())
	if err != nil || p.Title != "Test the Hub Seattle" || len(p.Changes) != 0 || len(se.Pages()) != 0 || len(se.Errors()) != 0 {
		t.Errorf("%+v %v", p, err)
	}
	for _, c := range se.Checks() {
		if c.Why == "" || c.Title == "" {
			t.Errorf("%+v lacks words", c)
		}
	}
}
