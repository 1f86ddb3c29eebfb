package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Claims are what an access token says.
type Claims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	TenantID  string `json:"tid"`
	AppID     string `json:"appid"`
	ObjectID  string `json:"oid"`
	Subject   string `json:"sub"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ID        string `json:"uti"`
	Version   string `json:"ver"`
}

// What Verify can find wrong with a token.
var (
	ErrInvalid  = errors.New("the access token is invalid")
	ErrExpired  = errors.New("the access token has expired")
	ErrAudience = errors.New("the access token is for another audience")
	ErrTenant   = errors.New("the access token is from another tenant")
)

// Verify checks a token of this service. Its claims come with ErrExpired,
// ErrAudience and ErrTenant too, for the message.
func (s *Service) Verify(token string) (Claims, error) {
	var c Claims
	head, signed, sig, err := split(token, &c)
	if err != nil || head.Algorithm != "RS256" || verify(&s.cfg.Key.PublicKey, head.Algorithm, signed, sig) != nil {
		return Claims{}, ErrInvalid
	}
	switch {
	case c.TenantID != s.cfg.TenantID:
		return c, ErrTenant
	case c.Expires <= s.cfg.Now().Unix():
		return c, ErrExpired
	}
	for _, a := range s.cfg.Audiences {
		if a == c.Audience {
			return c, nil
		}
	}
	return c, ErrAudience
}

type header struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ,omitempty"`
	KeyID     string `json:"kid,omitempty"`
	X5T       string `json:"x5t,omitempty"`
	X5T256    string `json:"x5t#S256,omitempty"`
}

func sign(key *rsa.PrivateKey, claims Claims) (string, error) {
	h, err := json.Marshal(header{Algorithm: "RS256", Type: "JWT", KeyID: keyID(&key.PublicKey)})
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode(h) + "." + encode(b)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + encode(sig), nil
}

func split(token string, claims any) (h header, signed string, sig []byte, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return h, "", nil, errors.New("not a JWT of three parts")
	}
	for i, into := range []any{&h, claims} {
		b, err := decode(parts[i])
		if err != nil {
			return h, "", nil, err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return h, "", nil, err
		}
	}
	sig, err = decode(parts[2])
	return h, parts[0] + "." + parts[1], sig, err
}

func verify(key *rsa.PublicKey, algorithm, signed string, sig []byte) error {
	sum := sha256.Sum256([]byte(signed))
	switch algorithm {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig)
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], sig, nil)
	}
	return fmt.Errorf("algorithm %q is not supported", algorithm)
}

func (s *Service) publicKey() map[string]any {
	k := &s.cfg.Key.PublicKey
	return map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID(k),
		"n": encode(k.N.Bytes()), "e": encode(big.NewInt(int64(k.E)).Bytes())}
}

func keyID(k *rsa.PublicKey) string {
	sum := sha1.Sum(k.N.Bytes())
	return encode(sum[:])
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decode also takes padded text, which some assertion makers send.
func decode(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func unix(sec int64) time.Time { return time.Unix(sec, 0).UTC() }
