package azurestack

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	w "hubwright/workflows"
)

// loginOf opens the Stack's credential and returns what makes a token
// credential of it.
func (h *Hubs) loginOf(ctx context.Context, s w.Stack, client azcore.ClientOptions) (func() (azcore.TokenCredential, error), error) {
	tenant := s.TenantID
	if s.Metadata.Identity == w.IdentityADFS {
		tenant = "adfs"
	}
	if tenant == "" {
		tenant = s.Metadata.TenantID
	}
	id := s.Credential.ClientID
	if s.Credential.Method == w.AuthCertificate {
		return h.certificateLogin(ctx, tenant, id, s.Credential.Certificate, client)
	}
	secret, err := h.openSecret(ctx, s.Credential.Secret, "client secret")
	if err != nil {
		return nil, err
	}
	return func() (azcore.TokenCredential, error) {
		c, err := azidentity.NewClientSecretCredential(tenant, id, string(secret), &azidentity.ClientSecretCredentialOptions{
			ClientOptions: client, DisableInstanceDiscovery: true,
		})
		if err != nil {
			return nil, settingsProblem(err)
		}
		return c, nil
	}, nil
}

func (h *Hubs) certificateLogin(ctx context.Context, tenant, id string, ref w.SecretRef, client azcore.ClientOptions) (func() (azcore.TokenCredential, error), error) {
	pem, err := h.openSecret(ctx, ref, "certificate")
	if err != nil {
		return nil, err
	}
	certs, key, err := azidentity.ParseCertificates(pem, nil)
	if err != nil {
		return nil, &w.Problem{
			Code: "login.certificate",
			What: "The principal's certificate cannot be read",
			Why:  "The PEM text must hold the certificate and its private key, without a password.",
			Fix:  "Give certificate and key together in the stack's settings: cat cert.pem key.pem.",
		}
	}
	return func() (azcore.TokenCredential, error) {
		c, err := azidentity.NewClientCertificateCredential(tenant, id, certs, key, &azidentity.ClientCertificateCredentialOptions{
			ClientOptions: client, DisableInstanceDiscovery: true, SendCertificateChain: true,
		})
		if err != nil {
			return nil, settingsProblem(err)
		}
		return c, nil
	}, nil
}

func (h *Hubs) openSecret(ctx context.Context, ref w.SecretRef, what string) ([]byte, error) {
	missing := &w.Problem{
		Code: "login.missing",
		What: fmt.Sprintf("The principal's %s is not here", what),
		Why:  "The stack names none.",
		Fix:  "Open the stack's settings and give it again.",
	}
	if ref == "" {
		return nil, missing
	}
	plain, err := h.secrets.Open(ctx, ref)
	if err != nil {
		var p *w.Problem
		if errors.As(err, &p) {
			return nil, p
		}
		missing.Why = "it could not be opened from the secret store"
		missing.Detail = err.Error()
		return nil, missing
	}
	return plain, nil
}

// Login fetches a new token, past every cache, so that a revoked secret is
// noticed.
func (h *Hub) Login(ctx context.Context) error {
	return h.call(ctx, "Logging in", func(ctx context.Context) error {
		cred, err := h.login()
		if err != nil {
			return err
		}
		_, err = cred.GetToken(ctx, policy.TokenRequestOptions{
			Scopes: []string{h.stack.Metadata.Audience + "/.default"}, EnableCAE: true,
		})
		return err
	})
}

// unusable is a credential that could not be made.
type unusable struct{ err error }

func (u unusable) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, u.err
}
