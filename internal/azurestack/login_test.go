package azurestack

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func TestDiscover(t *testing.T) {
	f := newFakeHub(t)
	for _, tt := range []struct {
		endpoint string
		want     w.HubMetadata
		region   string
	}{
		{"https://" + seattle + "/", w.HubMetadata{
			Identity: w.IdentityEntra, LoginEndpoint: "https://login.seattle.azurestack.test/", Audience: audience,
			GraphEndpoint: "https://graph.test/", PortalURL: "https://portal.seattle.azurestack.test/", TenantID: tenant,
		}, "seattle"},
		{"https://" + orlando, w.HubMetadata{
			Identity: w.IdentityADFS, LoginEndpoint: "https://adfs.orlando.azurestack.test/adfs", Audience: audience,
			GraphEndpoint: "https://graph.test/", PortalURL: "https://portal.orlando.azurestack.test/", TenantID: "adfs",
		}, "orlando"},
	} {
		got, region, err := Discover(t.Context(), tt.endpoint, f.ca, f.proxy)
		if err != nil {
			t.Fatalf("%s: %v", tt.endpoint, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" || region != tt.region {
			t.Errorf("%s: region %s\n%s", tt.endpoint, region, d)
		}
	}
}

func TestMetadataShapes(t *testing.T) {
	const doc = `{"portalEndpoint":"https://portal/","authentication":{"loginEndpoint":"https://login/","audiences":["aud/.default"]}}`
	for name, tt := range map[string]struct {
		body string
		ok   bool
	}{
		"object":       {doc, true},
		"array":        {"[" + doc + "]", true},
		"BOM":          {"\xef\xbb\xbf" + doc, true},
		"BOM, array":   {"\xef\xbb\xbf \n[" + doc + "]", true},
		"empty array":  {"[]", false},
		"HTML":         {"<html>captive portal</html>", false},
		"no login":     {`{"authentication":{"audiences":["a"]}}`, false},
		"no audiences": {`{"authentication":{"loginEndpoint":"https://l/"}}`, false},
		"null":         {"null", false},
		"nothing":      {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := parseMetadata([]byte(tt.body))
			if (why == "") != tt.ok {
				t.Fatalf("why = %q", why)
			}
			if tt.ok && got.Authentication.Audiences[0] != "aud/.default" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestDiscoverFailures(t *testing.T) {
	f := newFakeHub(t)
	page := newFakeHub(t)
	page.metadata = "<html>"
	for name, tt := range map[string]struct {
		endpoint, ca, proxy, code string
	}{
		"not https":        {"http://" + seattle, f.ca, f.proxy, "stack.endpoint"},
		"no management":    {"https://portal.seattle.azurestack.test", f.ca, f.proxy, "stack.endpoint"},
		"admin endpoint":   {"https://adminmanagement.seattle.azurestack.test", f.ca, f.proxy, "stack.endpoint"},
		"password in it":   {"https://a:b@" + seattle, f.ca, f.proxy, "stack.endpoint"},
		"root not trusted": {"https://" + seattle, "", f.proxy, "tls.authority"},
		"bundle is no PEM": {"https://" + seattle, "hello", f.proxy, "stack.cabundle"},
		"proxy is none":    {"https://" + seattle, f.ca, "nonsense", "stack.proxy"},
		"proxy is down":    {"https://" + seattle, f.ca, "http://127.0.0.1:1", "net.proxy"},
		"proxy refuses":    {"https://management.seattle.example.invalid", f.ca, f.proxy, "net.proxy"},
		"wrong name":       {"https://management.boston.azurestack.test", f.ca, f.proxy, "tls.name"},
		"no Hub":           {"https://" + seattle, page.ca, page.proxy, "stack.metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Discover(t.Context(), tt.endpoint, tt.ca, tt.proxy)
			if p := asProblem(t, err); p.Code != tt.code {
				t.Errorf("code %s, want %s: %v", p.Code, tt.code, p)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	f := newFakeHub(t)
	chain, trusted, err := Fingerprint(t.Context(), "https://"+seattle, f.proxy)
	if err != nil {
		t.Fatal(err)
	}
	if trusted || len(chain) != 2 {
		t.Fatalf("trusted %v, %d certificates", trusted, len(chain))
	}
	root := chain[1]
	if root.Subject != "AzureStackSelfSignedRootCert" || !root.IsCA || root.PEM != f.ca || len(root.SHA256) != 95 {
		t.Errorf("root = %+v", root)
	}
	// What was shown is enough to be trusted.
	s := f.stack(w.IdentityEntra)
	s.CABundle = root.PEM
	if err := f.hub(t, s).TLS(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestResolveAndTLS(t *testing.T) {
	f := newFakeHub(t)
	h := f.hub(t, f.stack(w.IdentityEntra))
	if addrs, err := h.Resolve(t.Context()); err != nil || addrs != nil {
		t.Errorf("Resolve = %v, %v", addrs, err)
	}
	s := f.stack(w.IdentityEntra)
	s.ARMEndpoint = "https://management.seattle.example.invalid"
	if p := asProblem(t, second(f.hub(t, s).Resolve(t.Context()))); p.Code != "net.proxy" {
		t.Errorf("code %s", p.Code)
	}
	s = f.stack(w.IdentityEntra)
	s.CABundle = ""
	if p := asProblem(t, f.hub(t, s).TLS(t.Context())); p.Code != "tls.authority" {
		t.Errorf("code %s", p.Code)
	}
}

func second[T any](_ T, err error) error { return err }

func TestLogin(t *testing.T) {
	for name, identity := range map[string]w.IdentitySystem{"Entra": w.IdentityEntra, "ADFS": w.IdentityADFS} {
		for _, method := range []w.AuthMethod{w.AuthSecret, w.AuthCertificate} {
			t.Run(name+"/"+string(method), func(t *testing.T) {
				f := newFakeHub(t)
				s := f.stack(identity)
				s.Credential.Method = method
				s.Credential.Certificate = "cert"
				h := f.hub(t, s)
				if err := h.Login(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := h.Login(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(f.tokens) != 2 {
					t.Errorf("%d token requests: a login must not come from a cache", len(f.tokens))
				}
				form := f.tokens[0]
				if got := form.Get("scope"); !strings.Contains(got, audience+"/.default") {
					t.Errorf("scope %q", got)
				}
				if asserted := form.Get("client_assertion") != ""; asserted != (method == w.AuthCertificate) {
					t.Errorf("asserted with a certificate: %v", asserted)
				}
				if method == w.AuthCertificate && form.Get("client_secret") != "" {
					t.Error("a secret was sent")
				}
				sub, err := h.Subscription(t.Context())
				if err != nil || sub.DisplayName != "Ratings" || sub.State != "Enabled" {
					t.Errorf("Subscription = %+v, %v", sub, err)
				}
			})
		}
	}
}

func TestLoginFailures(t *testing.T) {
	f := newFakeHub(t)
	for name, tt := range map[string]struct {
		change func(*w.Stack)
		code   string
	}{
		"wrong secret":     {func(s *w.Stack) { s.Credential.ClientID = "another" }, "token.AADSTS7000215"},
		"no secret":        {func(s *w.Stack) { s.Credential.Secret = "" }, "login.missing"},
		"secret lost":      {func(s *w.Stack) { s.Credential.Secret = "gone" }, "login.missing"},
		"no PEM":           {func(s *w.Stack) { s.Credential.Method, s.Credential.Certificate = w.AuthCertificate, "pass" }, "login.certificate"},
		"login is unknown": {func(s *w.Stack) { s.Metadata.LoginEndpoint = "https://login.example.invalid/" }, "net.proxy"},
		"root not trusted": {func(s *w.Stack) { s.CABundle = "" }, "tls.authority"},
		"endpoint is http": {func(s *w.Stack) { s.Metadata.LoginEndpoint = "http://login.seattle.azurestack.test/" }, "stack.settings"},
	} {
		t.Run(name, func(t *testing.T) {
			s := f.stack(w.IdentityEntra)
			tt.change(&s)
			h := f.hub(t, s)
			for what, err := range map[string]error{"Login": h.Login(t.Context()), "Subscription": second(h.Subscription(t.Context()))} {
				p := asProblem(t, err)
				if p.Code != tt.code {
					t.Errorf("%s: code %s, want %s: %v", what, p.Code, tt.code, p)
				}
				if strings.Contains(p.Detail+p.Why+p.What, goodPass) {
					t.Errorf("%s tells the secret: %+v", what, p)
				}
			}
		})
	}
}

func TestOpenKeepsHubs(t *testing.T) {
	f := newFakeHub(t)
	hubs := New(safe{"pass": goodPass})
	open := func(s w.Stack) *Hub {
		h, err := hubs.Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	s := f.stack(w.IdentityEntra)
	first := open(s)
	s.Name = "renamed"
	if open(s) != first {
		t.Error("a new name made a new Hub")
	}
	s.SubscriptionID = "other"
	if open(s) == first {
		t.Error("another subscription got the same Hub")
	}
	s.Credential.Secret = "not-yet"
	if open(s) == open(s) {
		t.Error("a Hub without a credential was kept")
	}
}
