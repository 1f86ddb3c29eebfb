// Package pki makes the certificate authorities of the emulated world and the
// certificates that their names need. Authorities live in files, so that what
// a person once trusted stays right after a restart.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 2 * 365 * 24 * time.Hour
	early    = time.Hour // certificates begin in the past, for clocks that differ
)

// Authority is a root CA that issues server certificates on demand.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// Open reads the authority called name from dir (name.crt, name.key), or makes
// it with that common name when it isn't there. Files are 0600.
func Open(dir, name, commonName string) (*Authority, error) {
	crt, key := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	pair, err := tls.LoadX509KeyPair(crt, key)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(dir, crt, key, commonName); err == nil {
			pair, err = tls.LoadX509KeyPair(crt, key)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("certificate authority %s: key cannot sign", name)
	}
	return &Authority{cert: cert, key: signer, leaves: map[string]*tls.Certificate{}}, nil
}

func create(dir, crt, key, commonName string) error {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template(commonName, caLife)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return err
	}
	keyPEM, err := encodeKey(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// The key goes first: a certificate without its key would never be remade.
	if err := os.WriteFile(key, keyPEM, 0o600); err != nil {
		return err
	}
	return os.WriteFile(crt, encodeCert(der), 0o600)
}

// PEM is the root certificate.
func (a *Authority) PEM() []byte { return encodeCert(a.cert.Raw) }

// Server answers the certificate for one DNS name, made at the first question.
func (a *Authority) Server(name string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.leaves[name]; c != nil {
		return c, nil
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := template(name, leafLife)
	t.DNSNames = []string{name}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, k.Public(), a.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: k}
	a.leaves[name] = c
	return c, nil
}

// OpenClient reads or makes a self-signed RSA certificate for a service
// principal, with its private key, both as PEM.
func OpenClient(dir, name string) (certPEM, keyPEM []byte, err error) {
	crt, key := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	keyPEM, err = os.ReadFile(key)
	if err == nil {
		if certPEM, err = os.ReadFile(crt); err == nil {
			return certPEM, keyPEM, nil
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	t := template(name, leafLife)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return nil, nil, err
	}
	if keyPEM, err = encodeKey(k); err != nil {
		return nil, nil, err
	}
	certPEM = encodeCert(der)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(key, keyPEM, 0o600); err != nil {
		return nil, nil, err
	}
	return certPEM, keyPEM, os.WriteFile(crt, certPEM, 0o600)
}

// OpenKey reads or makes an RSA key that signs tokens.
func OpenKey(dir, name string) (*rsa.PrivateKey, error) {
	path := filepath.Join(dir, name+".key")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		if b, err = encodeKey(k); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		return k, os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM", path)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	rk, ok := k.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an RSA key", path)
	}
	return rk, nil
}

func template(commonName string, life time.Duration) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil { // crypto/rand never fails on supported systems
		serial = big.NewInt(time.Now().UnixNano())
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.Add(-early),
		NotAfter:     now.Add(life),
	}
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(k crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
