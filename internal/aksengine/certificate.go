package aksengine

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"
)

// SplitCertificate parts a PEM bundle of certificate and private key into the
// two files that the engine wants.
func SplitCertificate(bundle []byte) (certificates, key []byte, err error) {
	for rest := bundle; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			certificates = append(certificates, pem.EncodeToMemory(block)...)
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if key == nil {
				key = pem.EncodeToMemory(block)
			}
		}
	}
	if certificates == nil {
		return nil, nil, errors.New("the service principal's PEM holds no certificate")
	}
	if key == nil {
		return nil, nil, errors.New("the service principal's PEM holds no private key (or an encrypted one)")
	}
	return certificates, key, nil
}

// CertificateSecret is what stands as the principal's secret in an API model
// when it logs in with a certificate: the nodes' set-up script expects base64
// of a JSON document with a PKCS #12 file and its password. Random gives the
// password and salts; nil is the system's.
func CertificateSecret(bundle []byte, random io.Reader) (string, error) {
	if random == nil {
		random = rand.Reader
	}
	certPEM, keyPEM, err := SplitCertificate(bundle)
	if err != nil {
		return "", err
	}
	certBlock, _ := pem.Decode(certPEM)
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return "", fmt.Errorf("the service principal's certificate: %w", err)
	}
	key, err := pkcs8(keyPEM)
	if err != nil {
		return "", err
	}
	raw := make([]byte, 18)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", err
	}
	password := hex.EncodeToString(raw)
	pfx, err := encodePFX(cert.Raw, key, password, random)
	if err != nil {
		return "", err
	}
	doc, err := json.Marshal(struct {
		Data     string `json:"data"`
		DataType string `json:"dataType"`
		Password string `json:"password"`
	}{base64.StdEncoding.EncodeToString(pfx), "pfx", password})
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(doc), nil
}

// pkcs8 is a private key's DER in the form that PKCS #12 holds.
func pkcs8(keyPEM []byte) ([]byte, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("the service principal's private key is no PEM")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("the service principal's private key: %w", err)
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// CertificatesEnd is when the first of the certificates in an API model ends,
// and which of them that is.
func CertificatesEnd(doc []byte) (which string, end time.Time, err error) {
	var m struct {
		Properties struct {
			CertificateProfile map[string]any `json:"certificateProfile"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(doc, &m); err != nil {
		return "", end, fmt.Errorf("apimodel.json is not valid JSON: %w", err)
	}
	for name, v := range m.Properties.CertificateProfile {
		texts, _ := v.([]any)
		for _, text := range append(texts, v) {
			s, _ := text.(string)
			block, _ := pem.Decode([]byte(s))
			if block == nil || block.Type != "CERTIFICATE" {
				continue
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return "", end, fmt.Errorf("%s: %w", name, err)
			}
			if end.IsZero() || cert.NotAfter.Before(end) || cert.NotAfter.Equal(end) && name < which {
				which, end = name, cert.NotAfter
			}
		}
	}
	if end.IsZero() {
		return "", end, errors.New("apimodel.json holds no certificates")
	}
	return which, end, nil
}
