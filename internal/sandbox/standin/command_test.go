package standin

import (
	"archive/tar"
	"compress/gzip"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"hubwright/internal/sandbox/arm/template"
)

const globalFlags = "\n\nGlobal Flags:\n      --debug   enable verbose debug logs\n"

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		args           string
		code           int
		stdout, stderr string // beginnings
	}{
		{args: "version", stdout: "Version: v0.85.0\nGitCommit: sandbox\nGitTreeState: clean\n"},
		{args: "version -o json", stdout: "{\n  \"GitTag\": \"v0.85.0\",\n  \"GitCommit\": \"sandbox\",\n  \"GitTreeState\": \"clean\"\n}\n\n"},
		{args: "version -o yaml", code: 1, stderr: "Error: output format \"yaml\" is not supported\nUsage:\n  aks-engine-azurestack version [flags]\n\nFlags:\n  -h, --help            help for version\n  -o, --output string   Output format. Allowed values: human, json (default \"human\")" + globalFlags + "\n"},
		{args: "get-versions --azure-env AzureStackCloud", stdout: "Version Upgrades\n1.35.0  \n1.34.4  1.35.0\n1.33.10 1.34.4\n"},
		{args: "get-versions --version 1.33.5", stdout: "Version Upgrades\n1.33.5  1.33.10, 1.34.4\n"},
		{args: "get-versions --version 1.30.10", stdout: "Version Upgrades\n1.30.10 1.33.10\n"},
		{args: "get-versions --version 1.29.0", code: 1, stderr: "Error: Kubernetes version 1.29.0 is not supported\nUsage:\n"},
		{args: "", stderr: "Usage:\n  aks-engine-azurestack [flags]\n  aks-engine-azurestack [command]\n\nAvailable Commands:\n  addpool       Add a node pool to an existing AKS Engine-created Kubernetes cluster\n  deploy        Deploy an Azure Resource Manager template\n"},
		{args: "--help", stdout: "AKS Engine deploys and manages Kubernetes clusters in Azure Stack Hub\n\nUsage:\n"},
		{args: "help deploy", stdout: "Deploy an Azure Resource Manager template, parameters file and other assets for a cluster\n\nUsage:\n  aks-engine-azurestack deploy [flags]\n"},
		{args: "bogus", code: 1, stderr: "Error: unknown command \"bogus\" for \"aks-engine-azurestack\"\nRun 'aks-engine-azurestack --help' for usage.\n"},
		{args: "deplo", code: 1, stderr: "Error: unknown command \"deplo\" for \"aks-engine-azurestack\"\n\nDid you mean this?\n\tdeploy\n\nRun 'aks-engine-azurestack --help' for usage.\n"},
		{args: "scal", code: 1, stderr: "Error: unknown command \"scal\" for \"aks-engine-azurestack\"\n\nDid you mean this?\n\tscale\n"},
		{args: "upgrade --help", stdout: "Upgrade an existing AKS Engine-created Kubernetes cluster, one node at a time\n\nUsage:\n  aks-engine-azurestack upgrade [flags]\n\nFlags:\n  -m, --api-model string            path to the generated apimodel.json file\n"},
		{args: "deploy --bogus", code: 1, stderr: "Error: unknown flag: --bogus\nUsage:\n"},
		{args: "deploy -x", code: 1, stderr: "Error: unknown shorthand flag: 'x' in -x\nUsage:\n"},
		{args: "deploy --location", code: 1, stderr: "Error: flag needs an argument: --location\nUsage:\n"},
		{args: "deploy", code: 1, stderr: "Error: validating deployCmd: --location must be specified\nUsage:\n"},
		{args: "deploy -m nofile -l x", code: 1, stderr: "Error: validating deployCmd: specified api model does not exist (nofile)\nUsage:\n"},
		{args: "deploy a b", code: 1, stderr: "Usage:\n"},
		{args: "generate", code: 1, stderr: "Usage:\n"},
	} {
		h, r := newHub(t), newRun(t)
		r.main(h, strings.Fields(tc.args)...)
		if r.code != tc.code || !strings.HasPrefix(r.stdout, tc.stdout) || !strings.HasPrefix(r.stderr, tc.stderr) || (tc.stderr == "" && r.stderr != "") || (tc.stdout == "" && r.stdout != "") {
			t.Errorf("%q: exit %d\nstdout %q\nstderr %q", tc.args, r.code, r.stdout, r.stderr)
		}
		if len(h.seen()) > 0 {
			t.Errorf("%q made requests: %v", tc.args, h.seen())
		}
	}
}

func TestDeployFlags(t *testing.T) {
	h := newHub(t)
	for _, tc := range []struct{ remove, add, message string }{
		{"--client-id", "", "loading API model: parsing --client-id: invalid UUID length: 0"},
		{"--client-secret", "", `loading API model: --client-secret must be specified when --auth-method="client_secret"`},
		{"-s", "", "loading API model: --subscription-id is required (and must be a valid UUID)"},
		{"", "--azure-env=Mars", "loading API model: failed to parse --azure-env as a valid target Azure cloud environment"},
		{"", "--identity-system=mars", `loading API model: failed to get client: --auth-method: ERROR: method unsupported. method="client_secret" identitysystem="mars"`},
		{"", "--auth-method=client_certificate", `loading API model: --certificate-path and --private-key-path must be specified when --auth-method="client_certificate"`},
		{"", "--ca-certificate-path=x", "loading API model: --ca-certificate-path and --ca-private-key-path must be specified together"},
	} {
		r := newRun(t)
		args := r.deployArgs(model(t, r.dir, nil))
		if i := slices.Index(args, tc.remove); i >= 0 {
			args = slices.Delete(args, i, i+2)
		}
		if tc.add != "" {
			args = append(args, tc.add)
		}
		r.main(h, args...)
		if first, _, _ := strings.Cut(r.stderr, "\n"); r.code != 1 || first != "Error: "+tc.message {
			t.Errorf("without %q, with %q: exit %d, %s", tc.remove, tc.add, r.code, first)
		}
	}
}

func TestKnownHosts(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, "version")
	if info, err := os.Stat(filepath.Join(r.dir, ".aks-engine-azurestack", "known_hosts")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("copy of the known hosts: %v, %v", info, err)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, ".ssh")); err != nil {
		t.Fatal(err)
	}
	r.main(h, "version")
	if !strings.HasPrefix(r.stderr, `time="`) || !strings.HasSuffix(r.stderr, ` level=warning msg="failed to open file `+r.dir+`/.ssh/known_hosts"`+"\n") {
		t.Errorf("stderr %q", r.stderr)
	}
}

func TestSuffix(t *testing.T) {
	if got := suffixOf("k111"); got != "28578941" {
		t.Errorf("k111 gives %s", got)
	}
	if suffixOf("k111") != suffixOf("k111") || suffixOf("k112") == suffixOf("k111") {
		t.Error("the suffix must follow from the prefix, and only from it")
	}
}

// certificate reads a certificate and its key from an output folder.
func certificate(t *testing.T, dir, name string) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	var blocks [2]*pem.Block
	for i, suffix := range []string{".crt", ".key"} {
		text, err := os.ReadFile(filepath.Join(dir, name+suffix))
		if err != nil {
			t.Fatal(err)
		}
		blocks[i], _ = pem.Decode(text)
	}
	cert, err := x509.ParseCertificate(blocks[0].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS1PrivateKey(blocks[1].Bytes)
	if err != nil || !key.PublicKey.Equal(cert.PublicKey) {
		t.Fatalf("%s: the key is not the certificate's: %v", name, err)
	}
	return cert, key
}

func TestCertificates(t *testing.T) {
	names := []string{"k111.seattle.cloudapp.azurestack.test", "extra.example.test", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local", "kubernetes.kube-system", "kubernetes.kube-system.svc", "kubernetes.kube-system.svc.cluster.local"}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, network := range []struct {
		name   string
		change func(node)
		ips    string
	}{
		{"the engine's network", nil, "[10.240.255.5 127.0.0.1 10.240.255.15 10.240.255.6 10.240.255.7 10.0.0.1]"},
		{"a network of one's own", func(m node) {
			networks(subnet+"v/subnets/a", subnet+"v/subnets/b", "10.1.0.254", "")(m)
			services("10.9.0.0/16", "10.9.0.10")(m)
		}, "[10.1.0.254 127.0.0.1 10.1.1.8 10.1.0.255 10.1.1.0 10.9.0.1]"},
		{"Azure CNI", put(kubernetes, "networkPlugin", "azure"), "[10.255.255.5 127.0.0.1 10.255.255.15 10.255.255.6 10.255.255.7 10.0.0.1]"},
	} {
		h, r := newHub(t), newRun(t)
		r.main(h, r.deployArgs(model(t, r.dir, func(m node) {
			master(m)["subjectAltNames"] = []string{"extra.example.test"}
			if network.change != nil {
				network.change(m)
			}
		}))...)
		if r.code != 0 {
			t.Fatalf("%s: %s", network.name, r.stderr)
		}
		ca, _ := certificate(t, "out", "ca")
		if !ca.IsCA || ca.Subject.String() != "CN=ca" || ca.CheckSignatureFrom(ca) != nil {
			t.Errorf("authority: %v", ca.Subject)
		}
		for _, want := range []struct {
			file, subject string
			usage         []x509.ExtKeyUsage
			names         []string
			ips           string
		}{
			{"apiserver", "CN=apiserver", both[:1], names, network.ips},
			{"client", "CN=client,O=system:masters", both[1:], nil, "[]"},
			{"kubectlClient", "CN=client,O=system:masters", both[1:], nil, "[]"},
			{"etcdserver", "CN=etcdserver", both, nil, network.ips},
			{"etcdclient", "CN=etcdclient", both, nil, network.ips},
			{"etcdpeer2", "CN=etcdpeer", both, nil, network.ips},
		} {
			cert, key := certificate(t, "out", want.file)
			if cert.Subject.String() != want.subject || !slices.Equal(cert.ExtKeyUsage, want.usage) || !slices.Equal(cert.DNSNames, want.names) || fmt.Sprint(cert.IPAddresses) != want.ips {
				t.Errorf("%s: %s: %s %v %v %v", network.name, want.file, cert.Subject, cert.ExtKeyUsage, cert.DNSNames, cert.IPAddresses)
			}
			if err := cert.CheckSignatureFrom(ca); err != nil {
				t.Errorf("%s: %v", want.file, err)
			}
			if years := cert.NotAfter.Sub(cert.NotBefore) / (365 * 24 * time.Hour); years != 30 || key.N.BitLen() != 2048 || cert.IsCA {
				t.Errorf("%s: %d years, %d bits", want.file, years, key.N.BitLen())
			}
		}
	}
}

func TestGivenAuthority(t *testing.T) {
	h, r := newHub(t), newRun(t)
	file := model(t, r.dir, nil)
	r.main(h, r.deployArgs(file)...)
	if err := os.Rename("out", "first"); err != nil {
		t.Fatal(err)
	}
	h.polls = 1
	r.main(h, r.deployArgs(file, "--ca-certificate-path", "first/ca.crt", "--ca-private-key-path", "first/ca.key")...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	ca, _ := certificate(t, "first", "ca")
	server, _ := certificate(t, "out", "apiserver")
	if err := server.CheckSignatureFrom(ca); err != nil {
		t.Error(err)
	}
}

// expand evaluates the template that a deploy sent.
func expand(t *testing.T, h *hub) (*template.Evaluation, []*template.Resource) {
	t.Helper()
	text, err := json.Marshal(h.deployment)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := template.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	body := decoded.(map[string]any)["properties"].(map[string]any)
	ev, err := template.New(body["template"].(map[string]any), body["parameters"].(map[string]any),
		template.Place{SubscriptionID: subscriptionID, TenantID: tenantID, Group: "rg1", Location: region, Deployment: "d"})
	if err != nil {
		t.Fatal(err)
	}
	resources, err := ev.Resources()
	if err != nil {
		t.Fatal(err)
	}
	return ev, resources
}

func TestTemplate(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, nil))...)
	ev, resources := expand(t, h)
	var got []string
	needs := map[string][]string{}
	bodies := map[string]map[string]any{}
	for _, r := range resources {
		name := strings.TrimPrefix(r.Type, "Microsoft.") + " " + r.Name
		got = append(got, name)
		for _, n := range r.Needs {
			needs[name] = append(needs[name], resources[n].Name)
		}
		body, err := r.Body(func(string, string, bool) (any, error) { return map[string]any{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		bodies[name] = body
	}
	want := strings.Split(strings.TrimSpace(`
Resources/deployments pid-1bda96ec-adf4-4eea-bb9a-8462de5475c0
Network/networkInterfaces k8s-linuxpool-28578941-nic-0
Network/networkInterfaces k8s-linuxpool-28578941-nic-1
Compute/availabilitySets linuxpool-availabilitySet-28578941
Compute/virtualMachines k8s-linuxpool-28578941-0
Compute/virtualMachines k8s-linuxpool-28578941-1
Compute/virtualMachines/extensions k8s-linuxpool-28578941-0/cse-agent-0
Compute/virtualMachines/extensions k8s-linuxpool-28578941-1/cse-agent-1
Compute/availabilitySets master-availabilityset-28578941
Network/virtualNetworks k8s-vnet-28578941
Network/networkSecurityGroups k8s-master-28578941-nsg
Network/routeTables k8s-master-28578941-routetable
Network/networkInterfaces k8s-master-28578941-nic-0
Network/networkInterfaces k8s-master-28578941-nic-1
Network/networkInterfaces k8s-master-28578941-nic-2
Network/publicIPAddresses k8s-master-ip-k111-28578941
Network/loadBalancers k8s-master-lb-28578941
Network/loadBalancers k8s-master-internal-lb-28578941
Compute/virtualMachines k8s-master-28578941-0
Compute/virtualMachines k8s-master-28578941-1
Compute/virtualMachines k8s-master-28578941-2
Compute/virtualMachines/extensions k8s-master-28578941-0/cse-master-0
Compute/virtualMachines/extensions k8s-master-28578941-1/cse-master-1
Compute/virtualMachines/extensions k8s-master-28578941-2/cse-master-2`), "\n")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources:\n%s", diff)
	}
	wantTags := map[string]any{"aksEngineVersion": "v0.85.0", "creationSource": "aksengine-k8s-master-28578941-1", "orchestrator": "Kubernetes:1.33.10", "poolName": "master", "resourceNameSuffix": "28578941"}
	if diff := cmp.Diff(wantTags, bodies["Compute/virtualMachines k8s-master-28578941-1"]["tags"]); diff != "" {
		t.Errorf("tags:\n%s", diff)
	}
	for name, want := range map[string][]string{
		"Network/networkInterfaces k8s-master-28578941-nic-0":                   {"k8s-vnet-28578941", "k8s-master-internal-lb-28578941", "k8s-master-lb-28578941"},
		"Compute/virtualMachines k8s-linuxpool-28578941-1":                      {"k8s-linuxpool-28578941-nic-1", "linuxpool-availabilitySet-28578941"},
		"Compute/virtualMachines/extensions k8s-master-28578941-2/cse-master-2": {"k8s-master-28578941-2"},
	} {
		slices.Sort(want)
		slices.Sort(needs[name])
		if !slices.Equal(needs[name], want) {
			t.Errorf("%s needs %v, want %v", name, needs[name], want)
		}
	}
	count, err := ev.Variable("masterCount")
	if err != nil || fmt.Sprint(count) != "3" {
		t.Errorf("masterCount is %v, %v", count, err)
	}
	outputs, err := ev.Outputs(func(string, string, bool) (any, error) {
		return map[string]any{"dnsSettings": map[string]any{"fqdn": "k111.seattle.cloudapp.azurestack.test"}}, nil
	})
	if err != nil || !strings.Contains(fmt.Sprint(outputs["masterFQDN"]), "k111.seattle.cloudapp.azurestack.test") {
		t.Errorf("outputs %v, %v", outputs, err)
	}
}

// What is secret must be declared so: ARM shows the values of all other parameters to whoever may read a deployment.
func TestSecretParametersAreSecure(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, nil))...)
	ev, _ := expand(t, h)
	shown, err := json.Marshal(ev.Parameters())
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range ev.Parameters() {
		kind := p.(map[string]any)["type"]
		if secret := strings.Contains(name, "PrivateKey") || strings.Contains(name, "Secret"); secret && kind != "securestring" {
			t.Errorf("%s is a %v", name, kind)
		}
	}
	if strings.Contains(string(shown), goodSecret) {
		t.Error("the principal's secret is shown")
	}
}

func TestTemplateVariants(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(node)
		has     []string
		hasNot  []string
		address string
	}{
		{"one master", put(master, "count", 1), []string{"k8s-master-28578941-0"}, []string{"k8s-master-28578941-1", "k8s-master-internal-lb-28578941"}, "10.240.255.5"},
		{"five masters", put(master, "count", 5), []string{"k8s-master-28578941-4"}, nil, "10.240.255.15"},
		{"Azure CNI", put(kubernetes, "networkPlugin", "azure"), []string{"k8s-vnet-28578941"}, []string{"k8s-master-28578941-routetable"}, "10.255.255.15"},
		{"a network of one's own", networks(subnet+"v/subnets/a", subnet+"v/subnets/b", "10.1.0.9", "10.1.0.0/16"), []string{"k8s-master-28578941-routetable"}, []string{"k8s-vnet-28578941"}, "10.1.0.19"},
		{"no telemetry", put(props, "featureFlags", node{"enableTelemetry": false}), nil, []string{deployMark}, "10.240.255.15"},
		{"no pools", put(props, "agentPoolProfiles", []any{}), []string{"k8s-master-28578941-0"}, []string{"linuxpool-availabilitySet-28578941"}, "10.240.255.15"},
	} {
		h, r := newHub(t), newRun(t)
		r.main(h, r.deployArgs(model(t, r.dir, tc.change))...)
		if r.code != 0 {
			t.Errorf("%s: %s", tc.name, r.stderr)
			continue
		}
		ev, resources := expand(t, h)
		var names []string
		for _, r := range resources {
			names = append(names, r.Name)
		}
		for _, n := range tc.has {
			if !slices.Contains(names, n) {
				t.Errorf("%s: no %s", tc.name, n)
			}
		}
		for _, n := range tc.hasNot {
			if slices.Contains(names, n) {
				t.Errorf("%s: %s is there", tc.name, n)
			}
		}
		if ip, err := ev.Variable("kubernetesAPIServerIP"); err != nil || ip != tc.address {
			t.Errorf("%s: the API server is at %v, %v", tc.name, ip, err)
		}
	}
}

// unpack reads an archive.
func unpack(t *testing.T, r io.Reader) map[string]*tar.Header {
	t.Helper()
	zip, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*tar.Header{}
	for archive := tar.NewReader(zip); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Base(header.Name), text, header.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header
	}
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	self := filepath.Join(dir, "it's self")
	if err := os.WriteFile(self, []byte("#!/bin/sh\necho \"$SANDBOX_ENGINE_VERSION $*\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	archive, err := Archive("v0.85.0", self, "")
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, archive)
	top := "aks-engine-azurestack-v0.85.0-linux-amd64/"
	if len(files) != 3 || files[top+"LICENSE"] == nil || files[top+"README.md"] == nil || files[top+program].FileInfo().Mode().Perm() != 0o755 {
		t.Errorf("the archive has %v", files)
	}
	out, err := exec.Command("./"+program, "deploy", "-m", "a b").CombinedOutput()
	if want := "v0.85.0 " + Command + " deploy -m a b\n"; err != nil || string(out) != want {
		t.Errorf("the wrapper printed %q, %v", out, err)
	}
	if archive, err = Archive("v0.85.0", self, self); err != nil {
		t.Fatal(err)
	}
	unpack(t, archive)
	if got, _ := os.ReadFile(program); !strings.Contains(string(got), "echo") {
		t.Errorf("the archive of a real engine has %q", got)
	}
	if _, err := Archive("v9.9.9", self, ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a release that never was: %v", err)
	}
}
