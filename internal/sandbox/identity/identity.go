// Package identity plays the two token services that an Azure Stack Hub may
// trust: Entra ID and AD FS. It answers OpenID discovery, checks client
// secrets and signed client assertions, and issues access tokens (JWT) that
// only it can verify.
package identity

import (
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"strings"
	"time"
)

// System says which token service is played.
type System string

// The identity systems.
const (
	Entra System = "azure_ad"
	ADFS  System = "adfs"
)

// ADFSTenant is the name that stands for the tenant with AD FS.
const ADFSTenant = "adfs"

// Principal is an application that may ask for tokens.
type Principal struct {
	ClientID      string
	ObjectID      string
	DisplayName   string
	Secret        string    // "" when it has none
	SecretExpires time.Time // zero: never
	Next          string    // a second secret that is valid, too, as while it is rotated; "" for none
	Certificates  []*x509.Certificate
}

// Config are the settings of a Service.
type Config struct {
	System     System
	Host       string // login.seattle.azurestack.test, adfs.orlando.azurestack.test
	TenantID   string // a GUID, also with AD FS
	Audiences  []string
	Principals []Principal
	Key        *rsa.PrivateKey // signs tokens
	TokenLife  time.Duration   // 0: one hour
	Now        func() time.Time
}

// Service is one token service. It holds no state of its own: what it knows
// of a token is in the token.
type Service struct {
	cfg Config
}

// New makes a token service.
func New(cfg Config) *Service {
	if cfg.TokenLife == 0 {
		cfg.TokenLife = time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg}
}

// LoginEndpoint is what a Hub's metadata document names.
func (s *Service) LoginEndpoint() string {
	if s.cfg.System == ADFS {
		return "https://" + s.cfg.Host + "/adfs"
	}
	return "https://" + s.cfg.Host + "/"
}

// AuthorizationURI is what a Hub's 401 challenge names.
func (s *Service) AuthorizationURI() string {
	if s.cfg.System == ADFS {
		return "https://" + s.cfg.Host + "/adfs"
	}
	return "https://" + s.cfg.Host + "/" + s.cfg.TenantID
}

// ServeHTTP answers discovery, keys and token requests.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, rest, _ := strings.Cut(strings.Trim(strings.ToLower(r.URL.Path), "/"), "/")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("x-ms-request-id", newID())
	switch rest {
	case ".well-known/openid-configuration", "v2.0/.well-known/openid-configuration":
		s.discovery(w, tenant)
	case "oauth2/token", "oauth2/v2.0/token":
		if r.Method != http.MethodPost {
			s.fail(w, s.problem(badRequest, tenant))
			return
		}
		s.token(w, r, tenant)
	case "discovery/keys", "discovery/v2.0/keys":
		writeJSON(w, http.StatusOK, map[string]any{"keys": []any{s.publicKey()}})
	default:
		http.NotFound(w, r)
	}
}

// knows tells whether a path's first segment is a tenant of this service.
func (s *Service) knows(tenant string) bool {
	if s.cfg.System == ADFS {
		return tenant == ADFSTenant
	}
	return strings.EqualFold(tenant, s.cfg.TenantID)
}

func (s *Service) issuer() string {
	if s.cfg.System == ADFS {
		return "https://" + s.cfg.Host + "/adfs"
	}
	return "https://" + s.cfg.Host + "/" + s.cfg.TenantID + "/v2.0"
}

func (s *Service) discovery(w http.ResponseWriter, tenant string) {
	if !s.knows(tenant) {
		s.fail(w, s.problem(noTenant, tenant))
		return
	}
	base, v := "https://"+s.cfg.Host+"/"+tenant, "/v2.0"
	slash := ""
	if s.cfg.System == ADFS {
		v, slash = "", "/"
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                 s.issuer(),
		"authorization_endpoint": base + "/oauth2" + v + "/authorize" + slash,
		"token_endpoint":         base + "/oauth2" + v + "/token" + slash,
		"jwks_uri":               base + "/discovery" + v + "/keys",
		"token_endpoint_auth_methods_supported": []string{
			"client_secret_post", "client_secret_basic", "private_key_jwt"},
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{"code", "id_token", "token"},
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"scopes_supported":                      []string{"openid", "profile", "offline_access"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}
