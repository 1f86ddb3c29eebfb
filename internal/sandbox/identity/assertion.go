package identity

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	clockSkew     = 5 * time.Minute
)

// audiences takes a JWT's aud, which is one string or a list.
type audiences []string

func (a *audiences) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

type assertionClaims struct {
	Audience  audiences `json:"aud"`
	Issuer    string    `json:"iss"`
	Subject   string    `json:"sub"`
	Expires   int64     `json:"exp"`
	NotBefore int64     `json:"nbf"`
	ID        string    `json:"jti"`
}

// checkAssertion verifies a client assertion against the certificates that
// are registered for the principal.
func (s *Service) checkAssertion(jwt string, p *Principal, tenant string) *failure {
	var c assertionClaims
	h, signed, sig, err := split(jwt, &c)
	if err != nil {
		return s.problem(badAssertion, "it is not a JWT: "+err.Error())
	}
	cert := registered(p.Certificates, h)
	if cert == nil {
		return s.problem(unknownKey, thumbprint(h))
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || verify(key, h.Algorithm, signed, sig) != nil {
		return s.problem(badSignature, p.ClientID)
	}
	now := s.cfg.Now()
	switch {
	case !strings.EqualFold(c.Issuer, p.ClientID) || !strings.EqualFold(c.Subject, p.ClientID):
		return s.problem(badAssertion, "issuer and subject must be the client id")
	case c.Expires == 0 || now.After(unix(c.Expires).Add(clockSkew)) || now.Before(unix(c.NotBefore).Add(-clockSkew)):
		return s.problem(oldAssertion, "")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return s.isMine(a, tenant) }):
		return s.problem(badAssertion, "audience must be the token endpoint")
	}
	return nil
}

// isMine tells whether an assertion's audience is this service: its token
// endpoint in either version, or its issuer.
func (s *Service) isMine(aud, tenant string) bool {
	base := "https://" + s.cfg.Host + "/" + tenant
	aud = strings.TrimRight(strings.ToLower(aud), "/")
	return slices.Contains([]string{base, base + "/oauth2/token", base + "/oauth2/v2.0/token", base + "/v2.0"}, aud)
}

// registered finds the certificate that the assertion's header names.
func registered(certs []*x509.Certificate, h header) *x509.Certificate {
	for _, c := range certs {
		s1, s256 := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
		if bytes.Equal(hash(h.X5T), s1[:]) || bytes.Equal(hash(h.X5T256), s256[:]) {
			return c
		}
	}
	return nil
}

// hash decodes a header's certificate hash. Go's MSAL writes it in the standard
// alphabet with padding when it talks to AD FS, others in the URL alphabet.
func hash(s string) []byte {
	b, err := decode(strings.NewReplacer("+", "-", "/", "_").Replace(s))
	if err != nil {
		return nil
	}
	return b
}

// thumbprint shows the header's certificate as people know it.
func thumbprint(h header) string {
	t := h.X5T
	if t == "" {
		t = h.X5T256
	}
	b := hash(t)
	if len(b) == 0 {
		return "(none)"
	}
	return strings.ToUpper(hex.EncodeToString(b))
}
