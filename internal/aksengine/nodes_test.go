package aksengine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/aksengine"
	"hubwright/workflows"
)

// TestRotationProgress follows a whole rotation: the same words come in
// several phases.
func TestRotationProgress(t *testing.T) {
	steps := []struct {
		line, doing string
		percent     int
		touched     bool
	}{
		{"INFO[0000] Writing cloud profile to: /tmp/x", "starting the engine", 0, false},
		{"\x1b[36mINFO\x1b[0m[0000] Backing up artifacts to directory out/_rotate_certs_backup ", "keeping the old certificates", 0, false},
		{"INFO[0000] Generating new certificates     ", "making new certificates", 1, false},
		{"INFO[0002] Writing artifacts to output directory out", "making new certificates", 2, false},
		{"INFO[0002] Waiting for cluster nodes readiness: [m0]", "looking at the control plane's nodes", 3, false},
		{"INFO[0032] Checking health of control plane components", "looking at the control plane's components", 12, false},
		{"INFO[0062] Distributing control plane certificates", "bringing certificates to the control plane", 23, false},
		{"INFO[0063] Backing up node certificates", "keeping the control plane's old certificates", 24, false},
		{"INFO[0063] Rotating control plane certificates", "rotating the control plane's certificates", 25, true},
		{"INFO[0063] Rebooting control plane nodes", "restarting the control plane: the API is away", 26, true},
		{"INFO[0063] Waiting for cluster nodes readiness: [m0]", "waiting for the control plane's nodes", 28, true},
		{"INFO[0093] Rotating front-proxy certificates", "rotating the front proxy's certificates", 37, true},
		{"INFO[0093] Deleting temporary artifacts from control plane nodes", "tidying up on the control plane", 37, true},
		{"INFO[0093] Waiting for cluster nodes readiness: [m0]", "waiting for the control plane's nodes", 38, true},
		{"INFO[0123] Checking health of control plane components", "looking at the control plane's components", 47, true},
		{"INFO[0153] Distributing agent certificates", "bringing certificates to the pools", 58, true},
		{"INFO[0154] Backing up node certificates", "keeping the pools' old certificates", 58, true},
		{"INFO[0154] Rotating agents certificates", "rotating the pools' certificates", 59, true},
		{"INFO[0154] Deleting temporary artifacts from agent nodes", "tidying up on the pools", 59, true},
		{"INFO[0154] Waiting for cluster nodes readiness: [p0]", "waiting for the pools' nodes", 60, true},
		{"INFO[0184] Recreating service account tokens", "renewing the tokens of service accounts: pods restart", 69, true},
		{"I1123 08:29:24.828880 21872 request.go:696] Waited for 1.09s due to client-side throttling", "renewing the tokens of service accounts: pods restart", 69, true},
		{"INFO[0184] Checking health of all kube-system pods", "waiting for the system's pods", 71, true},
		{"INFO[0274] Generating new artifacts", "writing the new API model", 99, true},
		{"INFO[0274] Certificate rotation completed", "the engine has finished", 100, true},
	}
	var p aksengine.RotationProgress
	for i, s := range steps {
		before := p
		if moved := p.Read(s.line); moved != (p != before) {
			t.Errorf("line %d: it says %v", i, moved)
		}
		if p.Doing() != s.doing || p.Percent() != s.percent || p.Touched() != s.touched {
			t.Errorf("after %q: %q %d%% touched %v, want %q %d%% %v", s.line, p.Doing(), p.Percent(), p.Touched(), s.doing, s.percent, s.touched)
		}
	}
}

// TestForcedRotationProgress: the looks before are left out.
func TestForcedRotationProgress(t *testing.T) {
	var p aksengine.RotationProgress
	for _, line := range []string{"INFO[0002] Writing artifacts to output directory out", "INFO[0002] Distributing control plane certificates", "INFO[0003] Backing up node certificates"} {
		p.Read(line)
	}
	if p.Percent() != 24 {
		t.Errorf("%s, %d%%", p.Doing(), p.Percent())
	}
}

func TestCollectedNode(t *testing.T) {
	for line, want := range map[string]string{
		"\x1b[36mINFO\x1b[0m[0000] Processing node: k8s-linuxpool-28578941-0    ": "k8s-linuxpool-28578941-0",
		"INFO[0000] Logs downloaded to out-k/_logs":                               "",
		"Error: : creating SSH client":                                            "",
	} {
		if got := aksengine.CollectedNode(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestCommandsOverSSH(t *testing.T) {
	via := aksengine.Shells{Host: "api.test", Key: "~/nodes.key"}
	secret := aksengine.Deploy{
		Binary: "akse", OutputDir: "~/out", ResourceGroup: "rg", Location: "seattle", Subscription: "sub", Identity: workflows.IdentityEntra,
		Method: workflows.AuthSecret, ClientID: "id", ClientSecret: "s3cret",
	}
	certificate := secret
	certificate.Identity, certificate.Method, certificate.Certificate, certificate.PrivateKey = workflows.IdentityADFS, workflows.AuthCertificate, "~/p.crt", "~/p.key"
	const reach, where = " --ssh-host api.test --linux-ssh-private-key ~/nodes.key", " --resource-group rg --location seattle --subscription-id sub"
	for _, tt := range []struct {
		name string
		got  aksengine.Command
		want string
	}{
		{"rotate with a secret", secret.RotateCertificates(via, false), "akse rotate-certs --azure-env AzureStackCloud --api-model ~/out/apimodel.json" + reach + where + " --identity-system azure_ad --auth-method client_secret --client-id id --client-secret s3cret"},
		{"rotate with a certificate", certificate.RotateCertificates(via, true), "akse rotate-certs --azure-env AzureStackCloud --api-model ~/out/apimodel.json" + reach + " --force" + where + " --identity-system adfs --auth-method client_certificate --client-id id --certificate-path ~/p.crt --private-key-path ~/p.key"},
		{"logs", secret.CollectLogs(via, aksengine.LogCollection{Script: "~/c.sh", Folder: "~/logs"}), "akse get-logs --location seattle --api-model ~/out/apimodel.json" + reach + " --linux-script ~/c.sh --output-directory ~/logs"},
		{"logs of some", certificate.CollectLogs(via, aksengine.LogCollection{Script: "~/c.sh", Folder: "~/logs", ControlPlaneOnly: true, Nodes: []string{"a", "b"}}), "akse get-logs --location seattle --api-model ~/out/apimodel.json" + reach + " --linux-script ~/c.sh --output-directory ~/logs --control-plane-only --vm-names a,b"},
	} {
		if diff := cmp.Diff(tt.want, strings.Join(tt.got, " ")); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
		if strings.Contains(tt.got.Display(), "s3cret") {
			t.Errorf("%s shows the secret", tt.name)
		}
	}
}

func TestCertificatesEnd(t *testing.T) {
	pemOf := func(end time.Time) string {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: end}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	day := func(d int) time.Time { return time.Date(2030, 1, d, 0, 0, 0, 0, time.UTC) }
	type m = map[string]any
	for _, tt := range []struct {
		name    string
		profile m
		want    string // which and when, or a part of the error
	}{
		{"the first of them", m{"caCertificate": pemOf(day(9)), "apiServerCertificate": pemOf(day(5)), "apiServerPrivateKey": "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n"}, "apiServerCertificate 5"},
		{"one of several peers", m{"caCertificate": pemOf(day(9)), "etcdPeerCertificates": []string{pemOf(day(8)), pemOf(day(3))}}, "etcdPeerCertificates 3"},
		{"two at once", m{"b": pemOf(day(3)), "a": pemOf(day(3))}, "a 3"},
		{"none", m{}, "holds no certificates"},
		{"broken", m{"caCertificate": "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"}, "caCertificate: "},
	} {
		doc, err := json.Marshal(m{"properties": m{"certificateProfile": tt.profile}})
		if err != nil {
			t.Fatal(err)
		}
		which, end, err := aksengine.CertificatesEnd(doc)
		got := fmt.Sprint(which, " ", end.Day())
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if _, _, err := aksengine.CertificatesEnd([]byte("{")); err == nil {
		t.Error("half a document is taken for one")
	}
}
