package standin

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the x5t header of a client assertion is defined as SHA-1
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
)

// principal is how the program logs in.
type principal struct {
	adfs          bool
	certificate   bool
	clientID      string
	secret        string
	certPath      string
	keyPath       string
	loginEndpoint string // https://login..., https://adfs.../
	audience      string
}

// login gets a token for ARM.
func (c *client) login(ctx context.Context, p principal, subscription string) error {
	tenant := "adfs"
	authority := strings.TrimSuffix(p.loginEndpoint, "/") + "/adfs"
	discovery := authority + "/.well-known/openid-configuration"
	if !p.adfs {
		var err error
		if tenant, err = c.tenant(ctx, subscription); err != nil {
			return err
		}
		authority = strings.TrimSuffix(p.loginEndpoint, "/") + "/" + tenant
		discovery = authority + "/v2.0/.well-known/openid-configuration"
	}
	flat := fmt.Errorf("failed to get client: Error listing registered providers for subscription %s", subscription)
	a, err := c.once(ctx, http.MethodGet, discovery, nil)
	if err != nil || a.status != http.StatusOK {
		return flat
	}
	var config struct {
		Token string `json:"token_endpoint"`
	}
	if a.json(&config) != nil || config.Token == "" {
		return flat
	}
	form, err := p.form(config.Token)
	if err != nil {
		return err
	}
	if c.token, err = c.askToken(ctx, config.Token, form); err != nil {
		return flat
	}
	return nil
}

func (p principal) form(tokenEndpoint string) (url.Values, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {p.clientID},
		"scope":  {p.audience + "/.default openid offline_access profile"},
		"claims": {`{"access_token":{"xms_cc":{"values":["CP1"]}}}`},
	}
	if !p.certificate {
		form.Set("client_secret", p.secret)
		return form, nil
	}
	assertion, err := p.assertion(tokenEndpoint)
	if err != nil {
		return nil, err
	}
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return form, nil
}

func (c *client) askToken(ctx context.Context, endpoint string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	res, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var doc struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || doc.Token == "" {
		return "", errors.New("no token")
	}
	return doc.Token, nil
}

// assertion is a signed statement of who we are, good for ten minutes.
func (p principal) assertion(audience string) (string, error) {
	certPEM, err := os.ReadFile(p.certPath)
	if err != nil {
		return "", fmt.Errorf("Failed to read certificate: %w", err)
	}
	keyPEM, err := os.ReadFile(p.keyPath)
	if err != nil {
		return "", fmt.Errorf("Failed to read private key: %w", err)
	}
	block, _ := pem.Decode(certPEM)
	key, err := parseKey(keyPEM)
	if block == nil || err != nil {
		return "", errors.New("Failed to parse certificate or private key")
	}
	now := time.Now().Unix()
	thumb := sha1.Sum(block.Bytes) //nolint:gosec // see the import
	head, _ := json.Marshal(map[string]any{"alg": "PS256", "typ": "JWT", "x5t": base64.RawURLEncoding.EncodeToString(thumb[:]), "x5c": []string{base64.StdEncoding.EncodeToString(block.Bytes)}})
	body, _ := json.Marshal(map[string]any{"aud": audience, "iss": p.clientID, "sub": p.clientID, "jti": randomHex(16), "nbf": now, "iat": now, "exp": now + 600})
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x", b)
}
