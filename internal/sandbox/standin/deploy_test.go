package standin

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plain makes the parts of console output and requests equal that differ between runs.
func (r *run) plain(text string) string {
	text = strings.ReplaceAll(text, r.dir, "DIR")
	text = regexp.MustCompile(`(azurestackcloud\.json|mergedApiModel|deployments/rg1-|Deployment \(?rg1-)\d+`).ReplaceAllString(text, "${1}N")
	// Lines are padded to a width, so that the digits of a number show at their end too.
	text = regexp.MustCompile(` +\n`).ReplaceAllString(text, " \n")
	return regexp.MustCompile(`\[\d{4}\]`).ReplaceAllString(text, "[0000]")
}

const (
	onARM     = "management.seattle.azurestack.test"
	onSub     = onARM + "/subscriptions/" + subscriptionID
	aDeployed = onSub + "/resourcegroups/rg1/providers/Microsoft.Resources/deployments/rg1-N"
	anImage   = "/providers/Microsoft.Compute/locations/seattle/publishers/microsoft-aks/artifacttypes/vmimage/offers/aks/skus/aks-engine-azurestack-ubuntu-2204/versions/2026.139.1?api-version=2020-06-01"
)

func TestDeploy(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, nil))...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	wantOut := "\x1b[36mINFO\x1b[0m[0000] Writing cloud profile to: DIR/azurestackcloud.jsonN \n" +
		"\x1b[33mWARN\x1b[0m[0000] apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to \"mcr.microsoft.com/\" \n" +
		"\x1b[33mWARN\x1b[0m[0000] apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBaseType forced to \"mcr\" \n" +
		"\x1b[33mWARN\x1b[0m[0000] The docker runtime is no longer supported for v1.24+ clusters, setting ContainerRuntime to 'containerd' \n" +
		"\x1b[36mINFO\x1b[0m[0000] Starting ARM Deployment rg1-N in resource group rg1. This will take some time... \n" +
		"\x1b[36mINFO\x1b[0m[0000] Finished ARM Deployment (rg1-N). Succeeded \n"
	if diff := cmp.Diff(wantOut, r.plain(r.stdout)); diff != "" {
		t.Errorf("stdout:\n%s", diff)
	}
	want := []string{
		"GET " + onARM + "/metadata/endpoints?api-version=1.0",
		"GET " + onSub + "?api-version=2016-06-01",
		"GET login.seattle.azurestack.test/" + tenantID + "/v2.0/.well-known/openid-configuration",
		"POST login.seattle.azurestack.test/" + tenantID + "/oauth2/token",
		"GET " + onSub + "/providers?api-version=2019-10-01",
		"GET " + onSub + "/resourcegroups/rg1?api-version=2019-10-01",
		"PUT " + onSub + "/resourcegroups/rg1?api-version=2019-10-01",
		"GET " + onSub + anImage,
		"PUT " + aDeployed + "?api-version=2019-10-01",
		"GET " + aDeployed + "/operationStatuses/1?api-version=2019-10-01",
		"GET " + aDeployed + "/operationStatuses/1?api-version=2019-10-01",
		"GET " + aDeployed + "?api-version=2019-10-01",
	}
	if diff := cmp.Diff(want, strings.Split(r.plain(strings.Join(h.seen(), "\n")), "\n")); diff != "" {
		t.Errorf("requests:\n%s", diff)
	}
	form := h.forms[0]
	if form.Get("scope") != audience+"/.default openid offline_access profile" || form.Get("claims") != `{"access_token":{"xms_cc":{"values":["CP1"]}}}` || form.Get("grant_type") != "client_credentials" {
		t.Errorf("the token was asked for with %v", form)
	}
}

func TestDeployOnADFS(t *testing.T) {
	h, r := newHub(t), newRun(t)
	h.adfs = true
	r.main(h, r.deployArgs(model(t, r.dir, put(cloud, "identitySystem", "adfs")), "--identity-system", "adfs")...)
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	want := []string{"GET " + onARM + "/metadata/endpoints?api-version=1.0", "GET adfs.seattle.azurestack.test/adfs/.well-known/openid-configuration",
		"POST adfs.seattle.azurestack.test/adfs/oauth2/token", "GET " + onSub + "/providers?api-version=2019-10-01"}
	if diff := cmp.Diff(want, h.seen()[:4]); diff != "" {
		t.Errorf("requests:\n%s", diff)
	}
}

func TestDeployWithCertificate(t *testing.T) {
	h, r := newHub(t), newRun(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "principal"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(r.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.main(h, "deploy", "--azure-env", "AzureStackCloud", "-l", region, "-g", "rg1", "-s", subscriptionID, "--client-id", clientUUID, "--auth-method", "client_certificate",
		"--certificate-path", "cert.pem", "--private-key-path", "key.pem", "-m", model(t, r.dir, put(props, "servicePrincipalProfile", node{"clientId": clientUUID, "secret": "own"})))
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	form := h.forms[0]
	if form.Has("client_secret") || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		t.Fatalf("the token was asked for with %v", form)
	}
	parts := strings.Split(form.Get("client_assertion"), ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("signature: %v", err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Audience string `json:"aud"`
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
	}
	if err := json.Unmarshal(claims, &c); err != nil || c.Issuer != clientUUID || c.Subject != clientUUID || c.Audience != "https://login.seattle.azurestack.test/"+tenantID+"/oauth2/token" {
		t.Errorf("claims %s, %v", claims, err)
	}
}

// outputFiles lists what is in the output folder, with modes.
func outputFiles(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		name, _ := filepath.Rel(dir, file)
		list = append(list, info.Mode().String()+" "+name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOutputFolder(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, put(func(m node) node { return at(m, "properties", "linuxProfile") }, "ssh", node{"publicKeys": []any{node{"keyData": ""}}})))...)
	want := []string{"drwx------ .", "-rw------- apimodel.json", "-rw------- apiserver.crt", "-rw------- apiserver.key", "-rw------- azuredeploy.json", "-rw------- azuredeploy.parameters.json",
		"-rw------- azureuser_rsa", "-rw------- ca.crt", "-rw------- ca.key", "-rw------- client.crt", "-rw------- client.key", "-rw------- etcdclient.crt", "-rw------- etcdclient.key",
		"-rw------- etcdpeer0.crt", "-rw------- etcdpeer0.key", "-rw------- etcdpeer1.crt", "-rw------- etcdpeer1.key", "-rw------- etcdpeer2.crt", "-rw------- etcdpeer2.key",
		"-rw------- etcdserver.crt", "-rw------- etcdserver.key", "drwx------ kubeconfig", "-rw------- kubeconfig/kubeconfig.seattle.json", "-rw------- kubectlClient.crt", "-rw------- kubectlClient.key"}
	if diff := cmp.Diff(want, outputFiles(t, filepath.Join(r.dir, "out"))); diff != "" {
		t.Errorf("files:\n%s", diff)
	}
	var config struct {
		Current  string `json:"current-context"`
		Clusters []struct {
			Cluster struct{ Server string }
		}
	}
	text, err := os.ReadFile("out/kubeconfig/kubeconfig.seattle.json")
	if err != nil || json.Unmarshal(text, &config) != nil {
		t.Fatal(err)
	}
	if config.Current != "k111" || config.Clusters[0].Cluster.Server != "https://k111.seattle.cloudapp.azurestack.test" {
		t.Errorf("kubeconfig: %+v", config)
	}
}

func TestResumedDeployKeepsTheCertificates(t *testing.T) {
	h, r := newHub(t), newRun(t)
	file := model(t, r.dir, nil)
	r.main(h, r.deployArgs(file)...)
	first, err := os.ReadFile("out/apimodel.json")
	if err != nil {
		t.Fatal(err)
	}
	// Without -f the folder protects itself.
	r.main(h, r.deployArgs(file)...)
	if want := "Error: loading API model: Output directory already exists and forceOverwrite flag is not set: " + filepath.Join(r.dir, "out") + "\n"; r.code != 1 || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	// From the output model: the same model, and only the three JSON files.
	if err := os.Rename("out/ca.crt", "ca.crt.before"); err != nil {
		t.Fatal(err)
	}
	h.polls = 1
	r.main(h, r.deployArgs("out/apimodel.json", "-f")...)
	again, err := os.ReadFile("out/apimodel.json")
	if err != nil || r.code != 0 || !bytes.Equal(first, again) {
		t.Errorf("exit %d, %v: the model changed: %s", r.code, err, r.stderr)
	}
	if _, err := os.Stat("out/ca.crt"); !os.IsNotExist(err) {
		t.Error("certificates were written again")
	}
	if strings.Contains(r.stdout, "WARN") {
		t.Errorf("a resumed deploy warns:\n%s", r.stdout)
	}
	// From the original model: a new authority.
	h.polls = 1
	r.main(h, r.deployArgs(file, "-f")...)
	after, err := os.ReadFile("out/ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile("ca.crt.before")
	if bytes.Equal(before, after) {
		t.Error("the original model kept the authority")
	}
}

func TestDeployFailures(t *testing.T) {
	const rule = "--------------------------------------------------------------------------------\n"
	notFound := `{"error":{"code":"NotFound","message":"Artifact: VMImage was not found."}}`
	quota := `{"error":{"code":"InvalidTemplateDeployment","details":[{"code":"QuotaExceeded","message":"4 < 8 & more"}]}}`
	failed := `{"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one"}}`
	flat := "Error: loading API model: failed to get client: Error listing registered providers for subscription " + subscriptionID + "\n"
	for _, tc := range []struct {
		name   string
		hub    func(*hub)
		stderr string   // what it begins with
		stdout []string // what is in it
		files  bool     // the output folder is left behind
	}{
		{name: "no tenant", hub: func(h *hub) { h.noTenant = true },
			stderr: "Error: loading API model: failed to get client: Header WWW-Authenticate not found in Get Subscription response\nUsage:\n"},
		{name: "wrong secret", hub: func(h *hub) { h.status["POST token"] = 401; h.body["POST token"] = `{"error":"invalid_client"}` }, stderr: flat},
		{name: "ARM is ill", hub: func(h *hub) { h.failures["GET providers"] = 4 }, stderr: flat},
		{name: "metadata is ill", hub: func(h *hub) { h.status["GET endpoints"] = 500 },
			stderr: "Error: loading API model: error parsing the api model: %!s(<nil>) . apimodel invalid: failed to retrieve custom endpoints from metadataURL https://management.seattle.azurestack.test/metadata/endpoints?api-version=1.0\n"},
		{name: "image missing", hub: func(h *hub) { h.status["GET 2026.139.1"] = 404; h.body["GET 2026.139.1"] = notFound },
			stderr: "Error: validating OS base images required by DIR/model.json: OS base image not available in target cloud: some VM images are missing on the target cloud\nUsage:\n",
			stdout: []string{"\x1b[31mERRO\x1b[0m[0000] error: GET https://" + strings.TrimSuffix(onSub+anImage, "?api-version=2020-06-01") + "\n" + rule + "RESPONSE 404: 404 Not Found\nERROR CODE: NotFound\n" + rule + "{\n  \"error\": {\n    \"code\": \"NotFound\",\n",
				"\x1b[31mERRO\x1b[0m[0000] Image Publisher: microsoft-aks, Offer: aks, SKU: aks-engine-azurestack-ubuntu-2204, Version: 2026.139.1 \n"}},
		{name: "quota", hub: func(h *hub) { h.status["PUT deployment"] = 400; h.body["PUT deployment"] = quota }, files: true,
			stderr: "Error: PUT https://" + aDeployed + "\n" + rule + "RESPONSE 400: 400 Bad Request\nERROR CODE: InvalidTemplateDeployment\n" + rule + "{\n  \"error\": {\n    \"code\": \"InvalidTemplateDeployment\",\n    \"details\": [\n      {\n        \"code\": \"QuotaExceeded\",\n        \"message\": \"4 < 8 & more\"\n"},
		{name: "deployment fails", hub: func(h *hub) { h.pollFailure = failed }, files: true,
			stderr: "Error: GET https://" + aDeployed + "/operationStatuses/1\n" + rule + "RESPONSE 200: 200 OK\nERROR CODE: DeploymentFailed\n" + rule,
			stdout: []string{"Finished ARM Deployment (rg1-N). Error: GET https://" + aDeployed + "/operationStatuses/1\n" + rule}},
		{name: "forbidden", hub: func(h *hub) {
			h.status["PUT rg1"] = 403
			h.body["PUT rg1"] = `{"error":{"code":"AuthorizationFailed"}}`
		},
			stderr: "Error: loading API model: PUT https://" + onSub + "/resourcegroups/rg1\n" + rule + "RESPONSE 403: 403 Forbidden\nERROR CODE: AuthorizationFailed\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, r := newHub(t), newRun(t)
			tc.hub(h)
			r.main(h, r.deployArgs(model(t, r.dir, nil))...)
			if got := r.plain(r.stderr); r.code != 1 || !strings.HasPrefix(got, tc.stderr) || !strings.HasSuffix(got, "      --debug   enable verbose debug logs\n\n") {
				t.Errorf("exit %d, stderr:\n%s\nwant the beginning\n%s", r.code, got, tc.stderr)
			}
			for _, want := range tc.stdout {
				if got := r.plain(r.stdout); !strings.Contains(got, want) {
					t.Errorf("stdout:\n%q\nlacks\n%q", got, want)
				}
			}
			if _, err := os.Stat("out/apimodel.json"); (err == nil) != tc.files {
				t.Errorf("the output folder: %v", err)
			}
		})
	}
}

func TestRetries(t *testing.T) {
	h, r := newHub(t), newRun(t)
	h.failures["GET providers"], h.unregistered = 3, true
	r.main(h, r.deployArgs(model(t, r.dir, nil))...)
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	seen := h.seen()
	if n := len(slices.DeleteFunc(slices.Clone(seen), func(s string) bool { return !strings.HasSuffix(s, "/providers?api-version=2019-10-01") })); n != 4 {
		t.Errorf("providers were asked for %d times", n)
	}
	if !slices.Contains(seen, "POST "+onSub+"/providers/Microsoft.Storage/register?api-version=2019-10-01") ||
		!strings.Contains(r.stdout, `Registering subscription to resource provider. provider="Microsoft.Storage" subscription="`+subscriptionID+`"`) {
		t.Errorf("Microsoft.Storage was not registered:\n%s", r.stdout)
	}
}

func TestUnreachableHub(t *testing.T) {
	h, r := newHub(t), newRun(t)
	h.proxy = "http://127.0.0.1:1"
	r.main(h, r.deployArgs(model(t, r.dir, nil))...)
	want := `Error: loading API model: error parsing the api model: Get "https://management.seattle.azurestack.test/metadata/endpoints?api-version=1.0": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused . apimodel invalid: failed to retrieve custom endpoints from metadataURL https://management.seattle.azurestack.test/metadata/endpoints?api-version=1.0` + "\nUsage:\n"
	if r.code != 1 || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	// Public Azure is never asked: the answer is the real engine's when it can't reach it.
	h, r = newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, nil), "--azure-env", "AzurePublicCloud")...)
	if r.code != 2 || !strings.HasPrefix(r.stderr, "panic: runtime error: invalid memory address or nil pointer dereference\n") || len(h.seen()) != 1 {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	// With the endpoints in the model the tenant is asked for first.
	h, r = newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, nil))...)
	h = newHub(t)
	h.status["GET "+subscriptionID] = 403
	r.main(h, r.deployArgs("out/apimodel.json", "-f")...)
	if want := "Error: loading API model: failed to get client: Unexpected response from Get Subscription: 403\n"; r.code != 1 || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestNamesFromFlags(t *testing.T) {
	h, r := newHub(t), newRun(t)
	file := model(t, r.dir, put(master, "dnsPrefix", ""))
	r.main(h, "deploy", "--azure-env", "AzureStackCloud", "-l", "Seattle", "-s", subscriptionID, "--client-id", clientUUID, "--client-secret", goodSecret, "-p", "k222", "--auto-suffix", file)
	found := regexp.MustCompile(`Generated random suffix ([0-9a-f]+), DNS Prefix is k222-([0-9a-f]+) `).FindStringSubmatch(r.stdout)
	if r.code != 0 || found == nil || found[1] != found[2] {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	name := "k222-" + found[1]
	if _, err := os.Stat("_output/" + name + "/apimodel.json"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(r.stdout, "--resource-group was not specified. Using the DNS prefix from the apimodel as the resource group name: "+name) {
		t.Errorf("stdout:\n%s", r.stdout)
	}
	r.main(h, r.deployArgs(model(t, r.dir, nil), "-p", "other")...)
	if want := "Error: loading API model: invalid configuration: the apimodel masterProfile.dnsPrefix and --dns-prefix were both specified\n"; !strings.HasPrefix(r.stderr, want) {
		t.Error(r.stderr)
	}
}

func TestSet(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, nil), "--set", "masterProfile.count=1,agentPoolProfiles[0].count=4", "--set", `linuxProfile.adminUsername="a,b=c"`)...)
	if r.code != 0 || !strings.Contains(r.plain(r.stdout), "new API model file has been generated during merge: DIR/mergedApiModelN") {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	text, err := os.ReadFile("out/apimodel.json")
	if err != nil {
		t.Fatal(err)
	}
	var m Model
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if p := m.Properties; p.MasterProfile.Count != 1 || p.AgentPoolProfiles[0].Count != 4 || p.LinuxProfile.AdminUsername != "a,b=c" {
		t.Errorf("%d masters, %d agents, user %q", p.MasterProfile.Count, p.AgentPoolProfiles[0].Count, p.LinuxProfile.AdminUsername)
	}
}

func TestGenerateAsksTheMetadataOnly(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, "generate", "-m", model(t, r.dir, func(m node) { m["location"] = region }), "-o", "gen")
	if r.code != 0 || !strings.Contains(r.stdout, "Generating assets into gen...") {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if diff := cmp.Diff([]string{"GET " + onARM + "/metadata/endpoints?api-version=1.0"}, h.seen()); diff != "" {
		t.Errorf("requests:\n%s", diff)
	}
	if n := len(outputFiles(t, "gen")); n != 24 {
		t.Errorf("%d files", n)
	}
}
