package handlers

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"hubwright/workflows"
)

// readBundle is the CA bundle of a form: its file [ca_file], else its text [ca].
func readBundle(c echo.Context) (string, error) {
	up, err := upload(c, "ca_file")
	if err != nil {
		return "", err
	}
	if up = strings.TrimSpace(up); up != "" {
		return up, nil
	}
	return strings.TrimSpace(c.FormValue("ca")), nil
}

// wayErrors says what is wrong with a proxy and a CA bundle; both may be empty.
func (s *Server) wayErrors(proxy, bundle string) []workflows.FieldError {
	var errs []workflows.FieldError
	if proxy != "" {
		if p, err := url.Parse(proxy); err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
			errs = append(errs, workflows.FieldError{Field: "proxy", Message: "Give the proxy as http://host:port, or leave it empty."})
		}
	}
	if bundle == "" {
		return errs
	}
	if len(bundle) > longestArea {
		return append(errs, workflows.FieldError{Field: "ca", Message: "The bundle is too long: at most 64 KiB."})
	}
	if _, err := s.Hubs.ReadBundle(bundle); err != nil {
		return append(errs, workflows.FieldError{Field: "ca", Message: "This is not a PEM bundle: it must hold at least one BEGIN CERTIFICATE block that can be read."})
	}
	return errs
}

// keyField is the field that holds what proves a credential, and what is asked
// of the person.
func keyField(m workflows.AuthMethod) (field, ask string) {
	switch m {
	case workflows.AuthSecret:
		return "secret", "Give the client secret."
	case workflows.AuthToken:
		return "token", "Give the personal access token."
	}
	return "certificate", "Give the certificate and its private key as PEM."
}

// readKey is the credential's new certificate, secret or token, empty to keep
// the old one.
func readKey(c echo.Context, m workflows.AuthMethod) ([]byte, error) {
	field, _ := keyField(m)
	text := strings.TrimSpace(c.FormValue(field))
	if m != workflows.AuthCertificate {
		return []byte(text), nil
	}
	if up, err := upload(c, "certificate_file"); err != nil {
		return nil, err
	} else if strings.TrimSpace(up) != "" {
		text = strings.TrimSpace(up)
	}
	return []byte(text), nil
}

// keyErrors says what is wrong with a new key. Without one the stored one has
// to be of the same method.
func (s *Server) keyErrors(m workflows.AuthMethod, stored workflows.Credential, key []byte) []workflows.FieldError {
	field, ask := keyField(m)
	switch {
	case len(key) == 0 && stored.Method == m:
		return nil
	case len(key) == 0:
		return []workflows.FieldError{{Field: field, Message: ask}}
	case len(key) > longestArea:
		return []workflows.FieldError{{Field: field, Message: "This is too long."}}
	}
	if m == workflows.AuthCertificate && s.Hubs.CheckCertificate(key) != nil {
		return []workflows.FieldError{{Field: field, Message: "This does not hold a certificate together with its private key, as PEM blocks one after the other."}}
	}
	return nil
}

// sealKey puts a new key into the credential and forgets the old one. The noun
// says whose it is: "stack".
func (s *Server) sealKey(ctx context.Context, cred *workflows.Credential, noun string, m workflows.AuthMethod, key []byte) error {
	if len(key) == 0 {
		return nil
	}
	field, _ := keyField(m)
	ref, err := s.Vault.Seal(ctx, noun+"."+field, key)
	if err != nil {
		return err
	}
	old := []workflows.SecretRef{cred.Secret, cred.Certificate}
	cred.Method, cred.Secret, cred.Certificate = m, "", ""
	if m == workflows.AuthCertificate {
		cred.Certificate = ref
	} else {
		cred.Secret = ref
	}
	for _, o := range old {
		if o == "" {
			continue
		}
		if err := s.Vault.Forget(ctx, o); err != nil && !errors.Is(err, workflows.ErrNotFound) {
			return err
		}
	}
	return nil
}
