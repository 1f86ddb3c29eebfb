package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"hubwright/handlers"
	"hubwright/internal/azurestack"
	"hubwright/workflows"
	"hubwright/workflows/stacktest"
)

func (a adapters) stackTest() stacktest.Needs {
	return stacktest.Needs{
		Records:  a.db,
		Discover: azurestack.Discover,
		OpenHub: func(ctx context.Context, s workflows.Stack) (stacktest.Hub, error) {
			return a.hubs.Open(ctx, s)
		},
	}
}

// hubsAdapter asks Hubs before they are registered.
type hubsAdapter struct{}

func (hubsAdapter) Discover(ctx context.Context, endpoint, caBundle, proxy string) (workflows.HubMetadata, string, error) {
	return azurestack.Discover(ctx, endpoint, caBundle, proxy)
}

func (hubsAdapter) Certificates(ctx context.Context, endpoint, proxy string) ([]handlers.Certificate, bool, error) {
	chain, system, err := azurestack.Fingerprint(ctx, endpoint, proxy)
	var out []handlers.Certificate
	for _, c := range chain {
		out = append(out, handlers.Certificate{Subject: c.Subject, Issuer: c.Issuer, SHA256: c.SHA256, NotAfter: c.NotAfter, IsCA: c.IsCA, PEM: c.PEM})
	}
	return out, system, err
}

var errNoCertificate = errors.New("there is no certificate in it")

func (hubsAdapter) ReadBundle(bundle string) ([]handlers.Certificate, error) {
	var out []handlers.Certificate
	for rest := []byte(bundle); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		out = append(out, handlers.Certificate{
			Subject: c.Subject.String(), Issuer: c.Issuer.String(), SHA256: fingerprint(c.Raw),
			NotAfter: c.NotAfter, IsCA: c.IsCA, PEM: string(pem.EncodeToMemory(block)),
		})
	}
	if out == nil {
		return nil, errNoCertificate
	}
	return out, nil
}

// fingerprint is SHA-256 in the form that browsers and openssl show.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

func (hubsAdapter) CheckCertificate(text []byte) error {
	_, err := tls.X509KeyPair(text, text)
	return err
}
