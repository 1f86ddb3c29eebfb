package aksengine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/pkcs12"

	"hubwright/internal/aksengine"
)

func bundle(t *testing.T, key any, public any, block *pem.Block) []byte {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "principal"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(cert, pem.EncodeToMemory(block)...)
}

func TestCertificateSecretIsWhatTheNodesRead(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p8, _ := x509.MarshalPKCS8PrivateKey(rsaKey)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ecDER, _ := x509.MarshalECPrivateKey(ecKey)
	tests := map[string][]byte{
		"PKCS 1": bundle(t, rsaKey, &rsaKey.PublicKey, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}),
		"PKCS 8": bundle(t, rsaKey, &rsaKey.PublicKey, &pem.Block{Type: "PRIVATE KEY", Bytes: p8}),
		"EC":     bundle(t, ecKey, &ecKey.PublicKey, &pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER}),
	}
	for name, pemBundle := range tests {
		t.Run(name, func(t *testing.T) {
			secret, err := aksengine.CertificateSecret(pemBundle, nil)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := base64.StdEncoding.DecodeString(secret)
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Data, DataType, Password string }
			if err := json.Unmarshal(doc, &got); err != nil {
				t.Fatal(err)
			}
			pfx, err := base64.StdEncoding.DecodeString(got.Data)
			if err != nil {
				t.Fatal(err)
			}
			if got.DataType != "pfx" || len(got.Password) < 20 {
				t.Errorf("dataType %q, password of %d characters", got.DataType, len(got.Password))
			}
			key, cert, err := pkcs12.Decode(pfx, got.Password)
			if err != nil {
				t.Fatal(err)
			}
			if cert.Subject.CommonName != "principal" {
				t.Errorf("certificate of %q", cert.Subject.CommonName)
			}
			switch k := key.(type) {
			case *rsa.PrivateKey:
				if !k.Equal(rsaKey) {
					t.Error("another RSA key")
				}
			case *ecdsa.PrivateKey:
				if !k.Equal(ecKey) {
					t.Error("another EC key")
				}
			default:
				t.Errorf("key is a %T", key)
			}
			if _, _, err := pkcs12.Decode(pfx, "wrong"); err == nil {
				t.Error("opens with a wrong password")
			}
		})
	}
}

func TestSplitCertificate(t *testing.T) {
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	b := bundle(t, rsaKey, &rsaKey.PublicKey, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})
	cert, key, err := aksengine.SplitCertificate(b)
	if err != nil || !strings.HasPrefix(string(cert), "-----BEGIN CERTIFICATE") || !strings.HasPrefix(string(key), "-----BEGIN RSA PRIVATE KEY") {
		t.Fatalf("%v\n%s\n%s", err, cert, key)
	}
	for _, bad := range [][]byte{nil, cert, key} {
		if _, _, err := aksengine.SplitCertificate(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
		if _, err := aksengine.CertificateSecret(bad, nil); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}
