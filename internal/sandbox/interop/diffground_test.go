//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/standin"
	"hubwright/internal/sandbox/traffic"
)

// This program is the stand-in, too, when it is told so: a process of its own
// as the real one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == standin.Command {
		os.Exit(standin.Main(os.Args[2:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// ground is a fresh Hub in Seattle, for one program and one input.
type ground struct {
	proxy, ca                    string // URL, PEM
	subscription, client, secret string
	tenant, audience             string
	calls                        func() []traffic.Call
}

const (
	groundTenant       = "aaaaaaaa-0000-4000-8000-00000000cafe"
	groundSubscription = "99999999-1111-4111-8111-111111111111"
	groundClient       = "11111111-2222-4333-8444-555555555555"
	groundSecret       = "s3cret/with+signs"
)

// newHub makes a Hub of which no machine ever boots. Its keys are in keys.
func newHub(t *testing.T, keys string) ground {
	t.Helper()
	const host = "seattle." + sandbox.Domain
	ca, err := pki.Open(keys, "hub", "AzureStackSelfSignedRootCert")
	if err != nil {
		t.Fatal(err)
	}
	sign, err := pki.OpenKey(keys, "tokens")
	if err != nil {
		t.Fatal(err)
	}
	const audience = "https://management.seattle.onmicrosoft.com/" + groundTenant
	login := identity.New(identity.Config{System: identity.Entra, Host: "login." + host, TenantID: groundTenant, Audiences: []string{audience}, Key: sign,
		Principals: []identity.Principal{{ClientID: groundClient, Secret: groundSecret}}})
	hub, err := arm.New(t.Context(), arm.Config{Region: "seattle", Domain: sandbox.Domain, SubscriptionID: groundSubscription, TenantID: groundTenant, Audience: audience,
		Identity: login, IPPrefix: "127.40.1.", Speed: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	door, err := proxy.Listen(proxy.Config{Addr: "127.0.0.1:0", Domains: []string{sandbox.Domain}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	calls := traffic.NewRecorder(5000)
	door.Terminate("management."+host, ca.Server, calls.Watch("management", hub))
	door.Terminate("login."+host, ca.Server, calls.Watch("login", login))
	served := make(chan error, 1)
	go func() { served <- door.Serve() }()
	t.Cleanup(func() { door.Close(); <-served; hub.Close() })
	return ground{door.URL(), string(ca.PEM()), groundSubscription, groundClient, groundSecret, groundTenant, audience, calls.Calls}
}

// newLivingHub makes a Hub whose clusters live. Only one at a time may have a
// block.
func newLivingHub(t *testing.T, block int) ground {
	t.Helper()
	w, err := sandbox.Start(t.Context(), sandbox.Options{
		Dir: t.TempDir(), ProxyAddr: "127.0.0.1:0", Speed: 1000, Block: block,
		ControlPlane: func(context.Context) (string, error) { return built() }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("closing the world: %v", err)
		}
	})
	s := w.Seed().Stacks[0]
	calls := func() []traffic.Call {
		var out []traffic.Call
		for _, c := range w.Calls() {
			if c.Method == "CONNECT" || !strings.HasSuffix(c.Host, ".seattle."+sandbox.Domain) {
				continue
			}
			c.Host, _, _ = strings.Cut(c.Host, ".")
			out = append(out, c)
		}
		return out
	}
	return ground{w.ProxyURL(), s.CABundle + w.Seed().PublicCA, s.SubscriptionID, s.ClientID, s.ClientSecret, s.TenantID, "https://management.seattle.onmicrosoft.com/" + s.TenantID, calls}
}

// program is one of the two, in a folder and with a Hub of its own.
type program struct {
	ground
	name, dir string
	command   []string
	env       []string
	seen      int // calls of earlier steps
}

// newProgram prepares the folder: home, place for temporary files and model.
func newProgram(t *testing.T, name string, g ground, command []string, model []byte, env ...string) *program {
	t.Helper()
	dir := t.TempDir()
	p := &program{ground: g, name: name, dir: dir, command: command}
	p.env = append([]string{"HOME=" + dir, "TMPDIR=" + filepath.Join(dir, "tmp"), "PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=" + g.proxy, "SSL_CERT_FILE=" + filepath.Join(dir, "tmp", "ca.pem")}, env...)
	for _, folder := range []string{"tmp", ".ssh"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range map[string][]byte{"model.json": model, "tmp/ca.pem": []byte(g.ca), ".ssh/known_hosts": nil} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// trace is what a step has left.
type trace struct {
	code           int
	stdout, stderr []string
	requests       []string
	files          map[string]string // by normalised name: mode and kind
	contents       map[string][]byte // JSON files
}

func (p *program) run(ctx context.Context, s step1) (trace, error) {
	if s.file != "" {
		name, text, _ := strings.Cut(s.file, " ")
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			return trace{}, err
		}
	}
	fill := strings.NewReplacer("SUBSCRIPTION", p.subscription, "CLIENT", p.client, "SECRET", p.secret)
	cmd := exec.CommandContext(ctx, p.command[0], append(p.command[1:len(p.command):len(p.command)], strings.Fields(fill.Replace(s.args))...)...)
	var stdout, stderr strings.Builder
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return trace{}, err
	}
	out := trace{code: cmd.ProcessState.ExitCode(), stdout: p.normalLines(stdout.String()), stderr: p.normalLines(stderr.String())}
	calls := p.calls()
	out.requests = p.normalCalls(calls[p.seen:])
	p.seen = len(calls)
	if out.files, out.contents, err = p.tree(); err != nil {
		return out, err
	}
	out.contents["HUB"], err = p.onHub(ctx)
	return out, err
}

// writeChanged gives the example model with changes made to it.
func writeChanged(changes []string) ([]byte, error) {
	var m any
	if err := json.Unmarshal([]byte(exampleModel), &m); err != nil {
		return nil, err
	}
	for _, c := range changes {
		path, value, _ := strings.Cut(c, "=")
		if top, ok := strings.CutPrefix(path, "/"); ok {
			path = top
		} else {
			path = "properties." + path
		}
		var v any
		if value != "" {
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				return nil, fmt.Errorf("%s: %w", c, err)
			}
		}
		m = changed(m, strings.Split(path, "."), v, value == "")
	}
	return json.Marshal(m)
}

func changed(in any, path []string, value any, remove bool) any {
	if len(path) == 0 {
		return value
	}
	if list, ok := in.([]any); ok {
		i, _ := strconv.Atoi(path[0])
		if i == len(list) {
			return append(list, value)
		}
		list[i] = changed(list[i], path[1:], value, remove)
		return list
	}
	m := in.(object)
	if remove && len(path) == 1 {
		delete(m, path[0])
	} else {
		m[path[0]] = changed(m[path[0]], path[1:], value, remove)
	}
	return m
}

const exampleModel = `{"apiVersion": "vlabs", "location": "", "properties": {
	"orchestratorProfile": {"orchestratorRelease": "1.33", "orchestratorVersion": "1.33.10", "kubernetesConfig": {
		"useCloudControllerManager": true, "useInstanceMetadata": false, "networkPlugin": "kubenet",
		"cloudProviderBackoff": true, "cloudProviderBackoffRetries": 1, "cloudProviderBackoffDuration": 30, "cloudProviderRateLimit": true,
		"cloudProviderRateLimitQPS": 100, "cloudProviderRateLimitBucket": 150, "cloudProviderRateLimitQPSWrite": 25, "cloudProviderRateLimitBucketWrite": 30,
		"kubeletConfig": {"--node-status-update-frequency": "1m"},
		"controllerManagerConfig": {"--node-monitor-grace-period": "5m", "--pod-eviction-timeout": "5m", "--route-reconciliation-period": "1m"}}},
	"customCloudProfile": {"portalURL": "https://portal.seattle.azurestack.test/", "identitySystem": "azure_ad"},
	"featureFlags": {"enableTelemetry": true},
	"masterProfile": {"dnsPrefix": "k111", "distro": "aks-ubuntu-22.04", "count": 3, "vmSize": "Standard_DS2_v2"},
	"agentPoolProfiles": [{"name": "linuxpool", "count": 2, "vmSize": "Standard_D2_v2", "distro": "aks-ubuntu-22.04", "availabilityProfile": "AvailabilitySet", "AcceleratedNetworkingEnabled": false}],
	"linuxProfile": {"adminUsername": "azureuser", "ssh": {"publicKeys": [{"keyData": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDaHPZgHioxLcM0"}]}, "enableUnattendedUpgrades": false, "runUnattendedUpgradesOnBootstrap": false},
	"servicePrincipalProfile": {"clientId": "", "secret": ""}}}`
