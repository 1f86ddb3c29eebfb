package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"hubwright/internal/sandbox"
)

func TestAShellGetsWhatAHubNeeds(t *testing.T) {
	dir := t.TempDir()
	st := sandbox.SeedStack{
		Region: "orlando", Proxy: "http://127.0.0.1:18080", ARMEndpoint: "https://management.orlando.azurestack.test", IdentitySystem: "adfs",
		ClientID: "c", ClientSecret: "it's $HOME `secret`", CABundle: "HUB\n", Certificate: "CERT\n", CertificateKey: "KEY\n",
	}
	file, err := writeEnv(dir, sandbox.Seed{PublicCA: "PUBLIC\n"}, st)
	if err != nil {
		t.Fatal(err)
	}
	if file != filepath.Join(dir, "orlando.env") {
		t.Errorf("file %s", file)
	}
	out, err := exec.Command("sh", "-c", `. "$1"; env | grep -c "^AZURE_CLIENT_SECRET=" && echo "$AZURE_CLIENT_SECRET $HTTPS_PROXY $LOCATION" && cat "$SSL_CERT_FILE" "$CERTIFICATE_PATH" "$PRIVATE_KEY_PATH"`, "sh", file).CombinedOutput()
	want := "1\nit's $HOME `secret` http://127.0.0.1:18080 orlando\nHUB\nPUBLIC\nCERT\nKEY\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}
