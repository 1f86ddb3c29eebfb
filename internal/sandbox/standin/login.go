package standin

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

// principal is who logs in, and where.
type principal struct {
	loginFlags
	authority string // https://login.region.domain/
	scope     string
	cert      *x509.Certificate
	key       *rsa.PrivateKey
}

// readCertificate reads the certificate that stands in for a secret.
func (w *principal) readCertificate() error {
	if w.authMethod != "client_certificate" {
		return nil
	}
	text, err := os.ReadFile(w.certPath)
	if err != nil {
		return fmt.Errorf("Failed to read certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("Failed to decode pem block from certificate")
	}
	if w.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("Failed to parse certificate: %w", err)
	}
	if w.key, err = readKey(w.keyPath); err != nil {
		return fmt.Errorf("Failed to parse rsa private key: %w", err)
	}
	return nil
}

func readKey(file string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("Failed to decode a pem block from private key")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not an RSA key")
	}
	return rsaKey, nil
}

// logIn asks the token service of a tenant for a token.
func (w *principal) logIn(ctx context.Context, web *http.Client, tenant string) (string, error) {
	c := &client{http: web}
	authority := strings.ToLower(strings.TrimSuffix(w.authority, "/") + "/" + tenant)
	if tenant != "adfs" {
		authority += "/v2.0"
	}
	a, err := c.call(ctx, http.MethodGet, authority+"/.well-known/openid-configuration", nil)
	if err != nil {
		return "", err
	}
	var service struct {
		Authorization string `json:"authorization_endpoint"`
		Token         string `json:"token_endpoint"`
		Issuer        string `json:"issuer"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &service) != nil || service.Authorization == "" || service.Token == "" || service.Issuer == "" {
		return "", errors.New("the token service doesn't say where it is")
	}
	form, err := w.form(service.Token)
	if err != nil {
		return "", err
	}
	return c.askToken(ctx, service.Token, form)
}

func (w *principal) form(tokenEndpoint string) (url.Values, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.clientID}, "scope": {w.scope + " openid offline_access profile"},
		"claims": {`{"access_token":{"xms_cc":{"values":["CP1"]}}}`},
	}
	if w.key == nil {
		form.Set("client_secret", w.clientSecret)
		return form, nil
	}
	assertion, err := w.assertion(tokenEndpoint, time.Now())
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return form, err
}

// assertion is a signed statement of who logs in, good for ten minutes.
func (w *principal) assertion(audience string, now time.Time) (string, error) {
	thumbprint := sha1.Sum(w.cert.Raw) // what the x5t header is defined as
	head, err := json.Marshal(object{"alg": "RS256", "typ": "JWT", "x5t": base64.StdEncoding.EncodeToString(thumbprint[:]),
		"x5c": []string{base64.StdEncoding.EncodeToString(w.cert.Raw)}})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(object{"aud": audience, "exp": now.Add(10 * time.Minute).Unix(), "iss": w.clientID,
		"jti": uuid.NewString(), "nbf": now.Unix(), "sub": w.clientID})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, w.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func (c *client) askToken(ctx context.Context, endpoint string, form url.Values) (string, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	a, err := c.try(ctx, func() (answer, error) { return c.once(ctx, http.MethodPost, endpoint, []byte(form.Encode()), header) })
	if err != nil {
		return "", err
	}
	var doc struct {
		Token string `json:"access_token"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &doc) != nil || doc.Token == "" {
		return "", fmt.Errorf("no token: status %d", a.status)
	}
	return doc.Token, nil
}
