package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hubwright/internal/sandbox"
)

// writeEnv writes what a shell needs to use one Hub with tools of its own: a
// file of exports for ". FILE", and the CA and certificate files that it
// names. It answers the file's path.
func writeEnv(dir string, s sandbox.Seed, st sandbox.SeedStack) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	at := func(name string) string { return filepath.Join(dir, st.Region+name) }
	var text strings.Builder
	for _, v := range [][2]string{
		{"HTTPS_PROXY", st.Proxy}, {"NO_PROXY", ""}, {"SSL_CERT_FILE", at("-ca.pem")}, {"REQUESTS_CA_BUNDLE", at("-ca.pem")},
		{"ARM_ENDPOINT", st.ARMEndpoint}, {"PORTAL_URL", st.PortalURL}, {"LOCATION", st.Region}, {"IDENTITY_SYSTEM", st.IdentitySystem},
		{"AZURE_TENANT_ID", st.TenantID}, {"AZURE_SUBSCRIPTION_ID", st.SubscriptionID}, {"AZURE_CLIENT_ID", st.ClientID},
		{"AZURE_CLIENT_SECRET", st.ClientSecret}, {"CERTIFICATE_PATH", at("-certificate.pem")}, {"PRIVATE_KEY_PATH", at("-certificate.key")},
	} {
		fmt.Fprintf(&text, "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	for name, content := range map[string]string{
		"-ca.pem": st.CABundle + s.PublicCA, "-certificate.pem": st.Certificate, "-certificate.key": st.CertificateKey, ".env": text.String(),
	} {
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	return at(".env"), nil
}
