package aksengine_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"hubwright/internal/aksengine"
	"hubwright/workflows"
)

func TestVersions(t *testing.T) {
	e, ok := aksengine.Find("0.85.0")
	if !ok || e.Version != aksengine.Default || e.BaseImage.URN() != "microsoft-aks:aks:aks-engine-azurestack-ubuntu-2204:2026.139.1" {
		t.Fatalf("%+v %v", e, ok)
	}
	if _, ok := aksengine.Find("canary"); ok {
		t.Error("found canary")
	}
	if got := aksengine.DownloadURL("v0.85.0"); got != "https://github.com/Azure/aks-engine-azurestack/releases/download/v0.85.0/aks-engine-azurestack-v0.85.0-linux-amd64.tar.gz" {
		t.Error(got)
	}
	seen := map[string]bool{}
	for _, e := range aksengine.Versions() {
		if seen[e.Version] || len(e.Kubernetes) == 0 || e.BaseImage.Version == "" {
			t.Errorf("%+v", e)
		}
		seen[e.Version] = true
	}
}

func TestParseGetVersions(t *testing.T) {
	out := `time="x" level=warning msg="failed to open file"
{"orchestrators":[{"orchestratorType":"Kubernetes","orchestratorVersion":"1.33.10","default":true,"upgrades":[{"orchestratorType":"","orchestratorVersion":"1.34.4"}]},{"orchestratorVersion":"1.35.0"}]}`
	got, err := aksengine.ParseGetVersions([]byte(out))
	want := []workflows.KubernetesVersion{{Version: "1.33.10", Default: true, Upgrades: []string{"1.34.4"}}, {Version: "1.35.0"}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
	for _, bad := range []string{"", "{}", "Version Upgrades\n1.35.0", `{"orchestrators":[]}`} {
		if _, err := aksengine.ParseGetVersions([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for out, want := range map[string]string{
		"Version: v0.85.0\nGitCommit: abc\nGitTreeState: clean\n":                  "v0.85.0",
		`{"GitTag":"canary","GitCommit":"abc","GitTreeState":"clean"}`:             "canary",
		"warning\n" + `{"GitTag":"v0.84.2","GitCommit":"","GitTreeState":"clean"}`: "v0.84.2",
	} {
		if got, err := aksengine.ParseVersion([]byte(out)); err != nil || got != want {
			t.Errorf("%q: %q, %v", out, got, err)
		}
	}
	if _, err := aksengine.ParseVersion([]byte("sh: not found")); err == nil {
		t.Error("no error")
	}
}

func TestNameSuffix(t *testing.T) {
	// Both were seen on clusters that the engine made.
	for prefix, want := range map[string]string{"k111": "28578941", "aks": "35064155"} {
		if got := aksengine.NameSuffix(prefix); got != want {
			t.Errorf("%s: %s, want %s", prefix, got, want)
		}
	}
}

func TestNamesAndResources(t *testing.T) {
	m := good()
	m.Properties.MasterProfile.DNSPrefix, m.Properties.AgentPoolProfiles[0].Count = "k111", 2
	want := []string{"k8s-master-28578941-0", "k8s-master-28578941-1", "k8s-master-28578941-2", "k8s-linuxpool-28578941-0", "k8s-linuxpool-28578941-1"}
	if d := cmp.Diff(want, m.VMNames()); d != "" {
		t.Error(d)
	}
	count := map[string]int{}
	for _, r := range m.Resources() {
		count[r.Type] += r.Count
		if r.Name == "" || r.Title == "" {
			t.Errorf("%+v", r)
		}
	}
	wantCount := map[string]int{
		"Microsoft.Network/virtualNetworks": 1, "Microsoft.Network/networkSecurityGroups": 1, "Microsoft.Network/routeTables": 1,
		"Microsoft.Network/publicIPAddresses": 1, "Microsoft.Network/loadBalancers": 2, "Microsoft.Network/networkInterfaces": 5,
		"Microsoft.Compute/availabilitySets": 2, "Microsoft.Compute/virtualMachines": 5, "Microsoft.Compute/virtualMachines/extensions": 5, "Microsoft.Compute/disks": 8,
	}
	if d := cmp.Diff(wantCount, count); d != "" {
		t.Error(d)
	}
	m.Properties.MasterProfile.Count = 1
	m.Properties.MasterProfile.VnetSubnetID = "x"
	for _, r := range m.Resources() {
		if r.Type == "Microsoft.Network/virtualNetworks" || r.Title == "Internal load balancer" {
			t.Errorf("not made here: %+v", r)
		}
	}
}

func TestModelJSONGolden(t *testing.T) {
	doc, err := good().JSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/apimodel.json")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(doc)); d != "" {
		t.Error(d)
	}
}

func TestMasked(t *testing.T) {
	doc := `{"z": 1, "properties": {"servicePrincipalProfile": {"clientId": "c", "secret": "s3cr3t-a"},
 "certificateProfile": {"caCertificate": "-----BEGIN CERTIFICATE-----", "caPrivateKey": "s3cr3t-b", "etcdPeerPrivateKeys": ["s3cr3t-c", "s3cr3t-d"], "serviceAccountPrivateKey": ""},
 "orchestratorProfile": {"kubernetesConfig": {"etcdEncryptionKey": "s3cr3t-e", "addons": [{"name": "azure-arc-onboarding", "config": {"clientSecret": "s3cr3t-f", "clientID": "c"}}]}},
 "windowsProfile": {"adminPassword": "s3cr3t-g"}, "other": "-----BEGIN RSA PRIVATE KEY-----s3cr3t-h"},
 "osProfile": {"customData": "s3cr3t-i"}, "parameters": {"kubeConfigPrivateKey": {"value": "s3cr3t-j"}, "pinSecret": {"value": 12345}}, "a": [true, null, 1.50, "<&>"]}`
	got, err := aksengine.Masked([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "s3cr3t") || strings.Contains(got, "12345") {
		t.Errorf("secrets shown:\n%s", got)
	}
	for _, want := range []string{`"clientId": "c"`, "BEGIN CERTIFICATE", `"serviceAccountPrivateKey": ""`, "1.50", `"<&>"`, `"name": "azure-arc-onboarding"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is gone:\n%s", want, got)
		}
	}
	if strings.Index(got, `"z"`) > strings.Index(got, `"a"`) {
		t.Error("the order of keys changed")
	}
	var a, b any
	if json.Unmarshal([]byte(doc), &a) != nil || json.Unmarshal([]byte(got), &b) != nil {
		t.Error("not JSON any more")
	}
	found := aksengine.Secrets([]byte(doc))
	if len(found) != 10 {
		t.Errorf("Secrets: %d of 10: %q", len(found), found)
	}
	for _, bad := range []string{"", "{", `{"secret": "x"`, `{} {}`, `{"a" 1}`} {
		if got, err := aksengine.Masked([]byte(bad)); err == nil {
			t.Errorf("%q: no error, %q", bad, got)
		}
	}
}

const outputModel = `{"apiVersion":"vlabs","location":"local","properties":{"clusterID":"","orchestratorProfile":{"orchestratorVersion":"1.33.10"},
"masterProfile":{"count":3,"dnsPrefix":"k111","vmSize":"Standard_DS2_v2"},"agentPoolProfiles":[{"name":"linuxpool","count":2,"vmSize":"Standard_D2_v2"}],
"linuxProfile":{"adminUsername":"azureuser"},"customCloudProfile":{"environment":{"resourceManagerVMDNSSuffix":"cloudapp.azurestack.external"}},
"certificateProfile":{"caCertificate":"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n","kubeConfigCertificate":"CERT","kubeConfigPrivateKey":"KEY"}}}`

func TestReadOutput(t *testing.T) {
	got, err := aksengine.ReadOutput([]byte(outputModel))
	if err != nil {
		t.Fatal(err)
	}
	want := aksengine.Output{
		DNSPrefix: "k111", NameSuffix: "28578941", Location: "local", Version: "1.33.10", MasterCount: 3, MasterSize: "Standard_DS2_v2",
		Pools: []workflows.NodePool{{Name: "linuxpool", Count: 2, Size: "Standard_D2_v2"}}, AdminUser: "azureuser",
		FQDN:          "k111.local.cloudapp.azurestack.external",
		CAFingerprint: "039058C6F2C0CB492C533B0A4D14EF77CC0F78ABCCCED5287D84A1A2011CFB81", HasCredentials: true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got.Nodes() != 5 || len(got.VMNames()) != 5 || !slices.Contains(got.VMNames(), "k8s-linuxpool-28578941-1") {
		t.Errorf("%d nodes, %v", got.Nodes(), got.VMNames())
	}
	for _, bad := range []string{"", "{}", "[]", `{"properties":{"masterProfile":{}}}`} {
		if _, err := aksengine.ReadOutput([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestKubeconfig(t *testing.T) {
	doc, err := aksengine.Kubeconfig([]byte(outputModel))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"server": "https://k111.local.cloudapp.azurestack.external"`, `"client-key-data": "S0VZ"`, `"current-context": "k111"`, `"user": "k111-admin"`} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("no %s in\n%s", want, doc)
		}
	}
	if _, err := aksengine.Kubeconfig([]byte(strings.Replace(outputModel, `"KEY"`, `""`, 1))); err == nil {
		t.Error("made one without a key")
	}
}

func TestDeployCommand(t *testing.T) {
	d := aksengine.Deploy{
		Binary: "/h/aks-engine-azurestack", Model: "/h/c/ratings/input.json", OutputDir: "/h/c/ratings/output", ResourceGroup: "rg", Location: "seattle",
		Subscription: "sub", Identity: workflows.IdentityEntra, Method: workflows.AuthSecret, ClientID: "cid", ClientSecret: "top secret",
	}
	want := strings.Fields("/h/aks-engine-azurestack deploy --azure-env AzureStackCloud --api-model /h/c/ratings/input.json --output-directory /h/c/ratings/output --resource-group rg --location seattle --subscription-id sub --identity-system azure_ad --auth-method client_secret --client-id cid --client-secret")
	if diff := cmp.Diff(append(want, "top secret"), d.Argv()); diff != "" {
		t.Error(diff)
	}
	if shown := d.Display(); strings.Contains(shown, "top secret") || !strings.Contains(shown, "--client-secret "+aksengine.Mask) {
		t.Error(shown)
	}
	again := d.Retry().Argv()
	if !slices.Contains(again, "--force-overwrite") || again[slices.Index(again, "--api-model")+1] != "/h/c/ratings/output/apimodel.json" {
		t.Errorf("%q", again)
	}
	d.Method, d.Identity, d.ClientSecret, d.Certificate, d.PrivateKey = workflows.AuthCertificate, workflows.IdentityADFS, "", "/h/c/sp.crt", "/h/c/sp's.key"
	argv := d.Argv()
	if slices.Contains(argv, "--client-secret") || !slices.Equal(argv[len(argv)-4:], []string{"--certificate-path", "/h/c/sp.crt", "--private-key-path", "/h/c/sp's.key"}) {
		t.Errorf("%q", argv)
	}
	if !strings.Contains(d.Display(), `'/h/c/sp'\''s.key'`) {
		t.Error(d.Display())
	}
	if g := d.Generate(); slices.Contains(g, "--resource-group") || g[1] != "generate" {
		t.Errorf("%q", g)
	}
}

func TestClassify(t *testing.T) {
	tests := map[string]workflows.Level{
		"\x1b[36mINFO\x1b[0m[0006] Starting ARM Deployment rg-1 in resource group rg. This will take some time... ": workflows.LevelOutput,
		"\x1b[36mINFO\x1b[0m[0007] Finished ARM Deployment (rg-1). Succeeded ":                                      workflows.LevelGood,
		"\x1b[36mINFO\x1b[0m[0002] Finished ARM Deployment (rg-1). Error: GET https://x":                            workflows.LevelError,
		"\x1b[33mWARN\x1b[0m[0000] apimodel: something forced ":                                                     workflows.LevelWarn,
		"\x1b[31mERRO\x1b[0m[0004] error: GET https://x":                                                            workflows.LevelError,
		`time="2026-11-23T07:44:23Z" level=warning msg="failed to open file /h/.ssh/known_hosts"`:                   workflows.LevelOutput,
		`time="2026-11-23T07:44:23Z" level=warning msg="drain timed out"`:                                           workflows.LevelWarn,
		`time="2026-11-23T07:44:23Z" level=info msg="ok"`:                                                           workflows.LevelOutput,
		"Error: loading API model":        workflows.LevelError,
		"panic: runtime error":            workflows.LevelError,
		"  -g, --resource-group string x": workflows.LevelOutput,
		"":                                workflows.LevelOutput,
	}
	for line, want := range tests {
		if got := aksengine.Classify(line); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestDeployProgress(t *testing.T) {
	steps := []struct {
		line    string
		phase   aksengine.Phase
		changed bool
	}{
		{`time="x" level=warning msg="failed to open file"`, aksengine.PhaseStarting, false},
		{"\x1b[36mINFO\x1b[0m[0000] Writing cloud profile to: /tmp/a ", aksengine.PhaseModel, true},
		{"\x1b[33mWARN\x1b[0m[0000] apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to \"mcr.microsoft.com/\" ", aksengine.PhaseCertificates, true},
		{"\x1b[36mINFO\x1b[0m[0006] Starting ARM Deployment rg-7 in resource group rg. This will take some time... ", aksengine.PhaseDeploying, true},
		{"\x1b[36mINFO\x1b[0m[0000] Writing cloud profile to: /tmp/a ", aksengine.PhaseDeploying, false},
		{"\x1b[36mINFO\x1b[0m[0007] Finished ARM Deployment (rg-7). Succeeded ", aksengine.PhaseFinished, true},
	}
	var p aksengine.DeployProgress
	for _, s := range steps {
		if changed := p.Read(s.line); changed != s.changed || p.Phase != s.phase || p.Phase.Doing() == "" {
			t.Errorf("%q: %v %+v", s.line, changed, p)
		}
	}
	if p.Deployment != "rg-7" {
		t.Error(p.Deployment)
	}
	p = aksengine.DeployProgress{}
	p.Read("INFO[0002] Finished ARM Deployment (rg-8). Error: GET https://x")
	if p.Phase != aksengine.PhaseFailed {
		t.Errorf("%+v", p)
	}
}

// Each section of the archive is what a failed engine printed: the file's name
// is "<case>/<exit code>/<problem code>".
func TestFromOutput(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/failures.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ar.Files {
		parts := strings.Split(f.Name, "/")
		t.Run(parts[0], func(t *testing.T) {
			text, wants, _ := strings.Cut(string(f.Data), "==wants\n")
			code := map[string]int{"1": 1, "2": 2, "127": 127, "143": 143}[parts[1]]
			p := aksengine.FromOutput(strings.Split(strings.ReplaceAll(text, "^[", "\x1b["), "\n"), code)
			if p.Code != parts[2] || p.What == "" || p.Why == "" || p.Fix == "" {
				t.Errorf("%+v", p)
			}
			for _, want := range strings.Split(strings.TrimSpace(wants), "\n") {
				if !strings.Contains(p.What+"\n"+p.Why+"\n"+p.Fix, want) {
					t.Errorf("no %q in %+v", want, p)
				}
			}
			if strings.Contains(p.Detail, "Flags:") {
				t.Error("the usage text is in the detail")
			}
		})
	}
}
