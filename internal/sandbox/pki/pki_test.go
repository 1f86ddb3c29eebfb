package pki_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"hubwright/internal/sandbox/pki"
)

func TestAuthoritySurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	a, err := pki.Open(dir, "seattle", "AzureStackSelfSignedRootCert")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.Server("management.seattle.azurestack.test")
	if err != nil {
		t.Fatal(err)
	}
	again, err := pki.Open(dir, "seattle", "AzureStackSelfSignedRootCert")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.PEM(), again.PEM()) {
		t.Error("the root changed when it was opened again")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(again.PEM())
	cert, err := x509.ParseCertificate(leaf.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "management.seattle.azurestack.test"}); err != nil {
		t.Errorf("leaf does not verify: %v", err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "github.com"}); err == nil {
		t.Error("leaf verifies for a name that it was not made for")
	}
	info, err := os.Stat(filepath.Join(dir, "seattle.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v, want mode 0600", info.Mode(), err)
	}
}

func TestClientCertificateIsKept(t *testing.T) {
	dir := t.TempDir()
	c1, k1, err := pki.OpenClient(dir, "principal")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair(c1, k1); err != nil {
		t.Errorf("certificate and key don't match: %v", err)
	}
	c2, k2, err := pki.OpenClient(dir, "principal")
	if err != nil || !bytes.Equal(c1, c2) || !bytes.Equal(k1, k2) {
		t.Errorf("second opening differs (err %v)", err)
	}
}

func TestTokenKeyIsKept(t *testing.T) {
	dir := t.TempDir()
	a, err := pki.OpenKey(dir, "tokens")
	if err != nil {
		t.Fatal(err)
	}
	b, err := pki.OpenKey(dir, "tokens")
	if err != nil || !a.Equal(b) {
		t.Errorf("second opening gives another key (err %v)", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokens.key"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.OpenKey(dir, "tokens"); err == nil {
		t.Error("a broken key file was accepted")
	}
}
