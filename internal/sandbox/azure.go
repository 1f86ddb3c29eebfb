package sandbox

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"path/filepath"
	"strings"

	"hubwright/internal/sandbox/devops"
	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/publicazure"
)

// Ids of the emulated public Azure. They never change.
const (
	azureTenant       = "c0470500-0000-4000-8000-000000000001"
	azureSubscription = "c0470500-1111-4000-8000-000000000002"
	azureClient       = "c0470500-2222-4000-8000-000000000003"
	azureObject       = "c0470500-3333-4000-8000-000000000004"
	azureSecret       = "contoso-S3cret~of.the-sandbox"
	// azureGroup is there from the start, as in the guide.
	azureGroup = "k8s-azure-infra-rg"
)

// openAzure puts public Azure and its login behind the door.
func (w *World) openAzure(ctx context.Context) error {
	dir := filepath.Join(w.opts.Dir, "pki")
	cert, key, err := pki.OpenClient(dir, "azure-principal")
	if err != nil {
		return err
	}
	w.azureCert, w.azureKey = string(cert), string(key)
	sign, err := pki.OpenKey(dir, "azure-tokens")
	if err != nil {
		return err
	}
	block, _ := pem.Decode(cert)
	if block == nil {
		return errors.New("the certificate of public Azure's principal is damaged")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	login := identity.New(identity.Config{
		System: identity.Entra, Host: publicazure.LoginHost, TenantID: azureTenant, Key: sign,
		Audiences:  []string{publicazure.Audience, publicazure.OldAudience, "https://api.loganalytics.io", devops.Audience},
		Principals: []identity.Principal{{ClientID: azureClient, ObjectID: azureObject, DisplayName: "hubwright", Secret: azureSecret, Certificates: []*x509.Certificate{leaf}}},
	})
	w.azureLogin = login
	w.azure, err = publicazure.New(ctx, publicazure.Config{
		SubscriptionID: azureSubscription, TenantID: azureTenant, Identity: login,
		Speed: w.opts.Speed, Faults: w.faults, StateFile: filepath.Join(w.opts.Dir, "azure.json"), Log: w.opts.Log,
	})
	if err != nil {
		return err
	}
	if err := w.azure.EnsureGroup(azureGroup, "eastus"); err != nil {
		return err
	}
	w.openMonitoring()
	w.play(publicazure.Host, "", w.public, w.azure, true)
	w.play(publicazure.LoginHost, "", w.public, knowsInstances(login), false)
	return nil
}

// Azure is the emulated public Azure.
func (w *World) Azure() *publicazure.Azure { return w.azure }

// knowsInstances adds the question that clients ask before they trust a login
// host of Entra ID.
func knowsInstances(login http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.EqualFold(strings.Trim(r.URL.Path, "/"), "common/discovery/instance") {
			login.ServeHTTP(w, r)
			return
		}
		publicazure.Answer(w, http.StatusOK, map[string]any{
			"tenant_discovery_endpoint": "https://" + publicazure.LoginHost + "/" + azureTenant + "/v2.0/.well-known/openid-configuration",
			"api-version":               "1.1",
			"metadata": []any{map[string]any{
				"preferred_network": publicazure.LoginHost, "preferred_cache": publicazure.LoginHost, "aliases": []string{publicazure.LoginHost},
			}},
		})
	})
}

func (w *World) seedAzure() SeedAzure {
	return SeedAzure{
		Name: "Contoso Azure", ARMEndpoint: "https://" + publicazure.Host, LoginEndpoint: "https://" + publicazure.LoginHost,
		TenantID: azureTenant, SubscriptionID: azureSubscription, ClientID: azureClient, ClientSecret: azureSecret,
		Certificate: w.azureCert, CertificateKey: w.azureKey, CABundle: string(w.public.PEM()), Proxy: w.ProxyURL(),
		DNSServer: w.names.Addr(), ResourceGroup: azureGroup,
	}
}
