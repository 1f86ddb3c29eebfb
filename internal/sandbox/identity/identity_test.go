package identity_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/pki"
)

const (
	tenant   = "11111111-aaaa-4bbb-8ccc-222222222222"
	client   = "33333333-aaaa-4bbb-8ccc-444444444444"
	secret   = "a~secret/with+signs"
	audience = "https://management.contoso.onmicrosoft.com/55555555-aaaa-4bbb-8ccc-666666666666"
)

type fixture struct {
	svc    *identity.Service
	server *httptest.Server
	certs  []*x509.Certificate
	key    crypto.PrivateKey
	now    time.Time
	host   string
}

func start(t *testing.T, system identity.System) *fixture {
	t.Helper()
	f := &fixture{now: time.Now()}
	certPEM, keyPEM, err := pki.OpenClient(t.TempDir(), "principal")
	if err != nil {
		t.Fatal(err)
	}
	f.certs, f.key = parse(t, certPEM, keyPEM)
	signer, err := pki.OpenKey(t.TempDir(), "tokens")
	if err != nil {
		t.Fatal(err)
	}
	var svc http.Handler
	f.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { svc.ServeHTTP(w, r) }))
	t.Cleanup(f.server.Close)
	u, _ := url.Parse(f.server.URL)
	f.host = u.Host
	f.svc = identity.New(identity.Config{
		System: system, Host: f.host, TenantID: tenant, Audiences: []string{audience}, Key: signer,
		Now: func() time.Time { return f.now },
		Principals: []identity.Principal{
			{ClientID: client, ObjectID: "oid-1", Secret: secret, Certificates: f.certs},
			{ClientID: "old", Secret: secret, SecretExpires: f.now.Add(-time.Hour)},
		},
	})
	svc = f.svc
	return f
}

func parse(t *testing.T, certPEM, keyPEM []byte) ([]*x509.Certificate, crypto.PrivateKey) {
	t.Helper()
	certs, key, err := azidentity.ParseCertificates(append(certPEM, keyPEM...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return certs, key
}

func (f *fixture) options() azcore.ClientOptions {
	return azcore.ClientOptions{
		Transport: f.server.Client(),
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: "https://" + f.host + "/"},
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

func (f *fixture) tenantName(system identity.System) string {
	if system == identity.ADFS {
		return identity.ADFSTenant
	}
	return tenant
}

func TestAzidentitySignsInBothWays(t *testing.T) {
	for _, system := range []identity.System{identity.Entra, identity.ADFS} {
		f := start(t, system)
		bySecret, err := azidentity.NewClientSecretCredential(f.tenantName(system), client, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: f.options(), DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		byCert, err := azidentity.NewClientCertificateCredential(f.tenantName(system), client, f.certs, f.key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: f.options(), DisableInstanceDiscovery: true, SendCertificateChain: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, cred := range map[string]azcore.TokenCredential{"secret": bySecret, "certificate": byCert} {
			tok, err := cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{audience + "/.default"}})
			if err != nil {
				t.Errorf("%s by %s: %v", system, name, err)
				continue
			}
			claims, err := f.svc.Verify(tok.Token)
			if err != nil || claims.AppID != client || claims.TenantID != tenant {
				t.Errorf("%s by %s: claims %+v, %v", system, name, claims, err)
			}
		}
	}
}

func TestACertificateThatIsNotRegisteredIsRefused(t *testing.T) {
	f := start(t, identity.Entra)
	certPEM, keyPEM, err := pki.OpenClient(t.TempDir(), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	certs, key := parse(t, certPEM, keyPEM)
	try := func(certs []*x509.Certificate, key crypto.PrivateKey) error {
		cred, err := azidentity.NewClientCertificateCredential(tenant, client, certs, key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: f.options(), DisableInstanceDiscovery: true})
		if err != nil {
			return err
		}
		_, err = cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{audience + "/.default"}})
		return err
	}
	if err := try(certs, key); err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("stranger: %v, want AADSTS700027", err)
	}
	// The right thumbprint does not help without the right key.
	pair := tls.Certificate{Certificate: [][]byte{f.certs[0].Raw}, PrivateKey: key}
	forged, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	forged.PublicKey = &key.(*rsa.PrivateKey).PublicKey
	if err := try([]*x509.Certificate{forged}, key); err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("forged: %v, want AADSTS700027", err)
	}
}

func TestRefusals(t *testing.T) {
	form := func(kv ...string) url.Values {
		v := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {secret}, "scope": {audience + "/.default openid"}}
		for i := 0; i < len(kv); i += 2 {
			v.Set(kv[i], kv[i+1])
			if kv[i+1] == "" {
				v.Del(kv[i])
			}
		}
		return v
	}
	cases := []struct {
		name, path string
		form       url.Values
		entra      string
		adfs       string
		status     [2]int
	}{
		{"good", "", form(), "", "", [2]int{200, 200}},
		{"good, v1 form", "", form("scope", "", "resource", audience+"/"), "", "", [2]int{200, 200}},
		{"wrong secret", "", form("client_secret", "x"), "AADSTS7000215", "MSIS9622", [2]int{401, 400}},
		{"expired secret", "", form("client_id", "old"), "AADSTS7000222", "MSIS9622", [2]int{401, 400}},
		{"unknown client", "", form("client_id", "nobody"), "AADSTS700016", "MSIS9607", [2]int{400, 400}},
		{"no secret", "", form("client_secret", ""), "AADSTS900144", "MSIS9602", [2]int{400, 400}},
		{"no scope", "", form("scope", ""), "AADSTS900144", "MSIS9602", [2]int{400, 400}},
		{"wrong resource", "", form("scope", "https://other/.default"), "AADSTS500011", "MSIS9602", [2]int{400, 400}},
		{"wrong grant", "", form("grant_type", "password"), "AADSTS70003", "MSIS9611", [2]int{400, 400}},
		{"assertion is nonsense", "", form("client_assertion", "a.b.c", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), "AADSTS50027", "MSIS9622", [2]int{401, 400}},
		{"assertion of unknown type", "", form("client_assertion", "a.b.c", "client_assertion_type", "x"), "AADSTS50027", "MSIS9622", [2]int{401, 400}},
	}
	for i, system := range []identity.System{identity.Entra, identity.ADFS} {
		f := start(t, system)
		for _, c := range cases {
			resp, err := f.server.Client().PostForm(f.server.URL+"/"+f.tenantName(system)+"/oauth2/token", c.form)
			if err != nil {
				t.Fatal(err)
			}
			var body struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
				Token       string `json:"access_token"`
			}
			err = json.NewDecoder(resp.Body).Decode(&body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != c.status[i] {
				t.Errorf("%s, %s: status %d, want %d (%v)", system, c.name, resp.StatusCode, c.status[i], err)
			}
			want := []string{c.entra, c.adfs}[i]
			if !strings.HasPrefix(body.Description, want) || (want == "") != (body.Token != "") {
				t.Errorf("%s, %s: %q, want %q", system, c.name, body.Description, want)
			}
		}
	}
}

func TestUnknownTenant(t *testing.T) {
	f := start(t, identity.Entra)
	for _, path := range []string{"/99999999-aaaa-4bbb-8ccc-222222222222/v2.0/.well-known/openid-configuration", "/adfs/.well-known/openid-configuration"} {
		resp, err := f.server.Client().Get(f.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("%s: %d, want 400", path, resp.StatusCode)
		}
	}
}

func TestVerify(t *testing.T) {
	f, other := start(t, identity.Entra), start(t, identity.Entra)
	get := func(f *fixture) string {
		resp, err := f.server.Client().PostForm(f.server.URL+"/"+tenant+"/oauth2/v2.0/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {secret}, "scope": {audience + "/.default"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var body struct {
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return body.Token
	}
	good := get(f)
	parts := strings.Split(good, ".")
	none := "eyJhbGciOiJub25lIn0." + parts[1] + "."
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"good": {good, nil}, "of another service": {get(other), identity.ErrInvalid}, "fake": {"fake_token", identity.ErrInvalid},
		"unsigned": {none, identity.ErrInvalid}, "cut": {good[:len(good)-4], identity.ErrInvalid}, "empty": {"", identity.ErrInvalid},
	} {
		if _, err := f.svc.Verify(c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	f.now = f.now.Add(2 * time.Hour)
	if _, err := f.svc.Verify(good); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("after two hours: %v, want ErrExpired", err)
	}
	if block, _ := pem.Decode([]byte(good)); block != nil {
		t.Error("a token must not be PEM")
	}
}
