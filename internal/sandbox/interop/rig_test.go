//go:build interop

// Package interop runs the real aks-engine-azurestack on a helper VM of the
// sandbox. $AKS_ENGINE_BIN names the program; see docs/sandbox.md.
package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/loopback"
)

var built = sync.OnceValues(func() (string, error) {
	return controlplane.Build(context.Background(), "", func(line string) { fmt.Fprintln(os.Stderr, line) })
})

// start opens a world whose helper VMs have the real engine.
func start(t *testing.T) *sandbox.World {
	t.Helper()
	engine := os.Getenv("AKS_ENGINE_BIN")
	if engine == "" {
		t.Fatal("AKS_ENGINE_BIN must name a real aks-engine-azurestack")
	}
	w, err := sandbox.Start(t.Context(), sandbox.Options{
		Dir: t.TempDir(), ProxyAddr: "127.0.0.1:0", Speed: 1000, Block: freeBlock(t), EngineBin: engine,
		ControlPlane: func(context.Context) (string, error) { return built() },
		Log:          slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("closing the world: %v", err)
		}
		if r := w.Refused(); len(r) > 0 {
			t.Errorf("somebody wanted to leave the sandbox: %v", r)
		}
	})
	return w
}

// freeBlock reserves loopback addresses that no other sandbox uses, until the
// test ends.
func freeBlock(t *testing.T) int {
	t.Helper()
	for block := 70; block < 120; block += 2 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.%d.0.1:41999", block))
		if err != nil {
			continue
		}
		t.Cleanup(func() { l.Close() })
		// A sandbox that a person started has a machine here.
		first, err := net.Listen("tcp", fmt.Sprintf("127.%d.0.10:22", block+1))
		if err == nil {
			first.Close()
		}
		if err == nil || errors.Is(err, os.ErrPermission) {
			return block
		}
	}
	t.Fatal("all blocks of loopback addresses are taken")
	return 0
}

// shell is a login on the helper VM.
type shell struct {
	t      *testing.T
	client *ssh.Client
}

// login signs in on the Linux machine beside the Hubs.
func login(t *testing.T, w *sandbox.World) *shell {
	t.Helper()
	host := w.Seed().Stacks[1].Hosts[0]
	key, err := ssh.ParsePrivateKey([]byte(host.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort(host.Address, strconv.Itoa(host.Port))
	c, err := loopback.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, chans, reqs, err := ssh.NewClientConn(c, addr, &ssh.ClientConfig{
		User: host.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t, ssh.NewClient(conn, chans, reqs)}
	t.Cleanup(func() { s.client.Close() })
	return s
}

// run runs a command and answers both of its streams.
func (s *shell) run(command string, stdin []byte) (string, error) {
	s.t.Helper()
	session, err := s.client.NewSession()
	if err != nil {
		s.t.Fatal(err)
	}
	defer session.Close()
	session.Stdin = bytes.NewReader(stdin)
	out, err := session.CombinedOutput(command)
	return string(out), err
}

// must is run for commands that have to work.
func (s *shell) must(command string) string {
	s.t.Helper()
	out, err := s.run(command, nil)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

func (s *shell) write(file string, content []byte) {
	s.t.Helper()
	if out, err := s.run("umask 077 && cat > "+quote(file), content); err != nil {
		s.t.Fatalf("writing %s: %v %s", file, err, out)
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

const tag = "v0.85.0"

// install downloads the engine's release as everybody does.
func (s *shell) install() {
	s.t.Helper()
	name := "aks-engine-azurestack-" + tag + "-linux-amd64"
	s.must("curl -fsSL -o e.tgz https://github.com/Azure/aks-engine-azurestack/releases/download/" + tag + "/" + name + ".tar.gz && tar xzf e.tgz && mv " + name + "/aks-engine-azurestack . && rm e.tgz")
}

// engine is the program with one Hub's endpoint and one way to sign in, and a
// cluster's folder.
type engine struct {
	*shell
	world  *sandbox.World
	stack  sandbox.SeedStack
	cert   bool
	group  string
	prefix string // DNS prefix of the cluster
}

func (e *engine) dir() string   { return "work/" + e.prefix }
func (e *engine) model() string { return e.dir() + "/apimodel.json" }

func newEngine(s *shell, w *sandbox.World, stack sandbox.SeedStack, byCertificate bool, prefix string) *engine {
	s.t.Helper()
	e := &engine{shell: s, world: w, stack: stack, cert: byCertificate, group: "rg-" + prefix, prefix: prefix}
	s.must("mkdir -p work ~/.ssh && touch ~/.ssh/known_hosts")
	s.write("work/"+prefix+"-ca.pem", []byte(stack.CABundle+w.Seed().PublicCA))
	s.write("work/"+prefix+"-cert.pem", []byte(stack.Certificate))
	s.write("work/"+prefix+"-key.pem", []byte(stack.CertificateKey))
	return e
}

// try runs an engine command with the flags that all but a few have.
func (e *engine) try(command string, more ...string) (string, error) {
	e.t.Helper()
	args := append([]string{command, "--azure-env", "AzureStackCloud", "-l", e.stack.Region, "-g", e.group, "-s", e.stack.SubscriptionID,
		"--client-id", e.stack.ClientID, "--identity-system", e.stack.IdentitySystem}, more...)
	if e.cert {
		args = append(args, "--auth-method", "client_certificate", "--certificate-path", "work/"+e.prefix+"-cert.pem", "--private-key-path", "work/"+e.prefix+"-key.pem")
	} else {
		args = append(args, "--client-secret", e.stack.ClientSecret)
	}
	return e.raw(args...)
}

// raw runs the program with nothing but these arguments.
func (e *engine) raw(args ...string) (string, error) {
	e.t.Helper()
	line := "SSL_CERT_FILE=$HOME/work/" + e.prefix + "-ca.pem ./aks-engine-azurestack"
	for _, a := range args {
		line += " " + quote(a)
	}
	begun := time.Now()
	out, err := e.shell.run(line, nil)
	e.t.Logf("%s: %.1f s", args[0], time.Since(begun).Seconds())
	return out, err
}

// do is try for commands that have to work.
func (e *engine) do(command string, more ...string) string {
	e.t.Helper()
	out, err := e.try(command, more...)
	if err != nil {
		e.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

// on lets a subtest use the engine.
func (e *engine) on(t *testing.T) *engine {
	n := *e
	n.shell = &shell{t, e.client}
	return &n
}

type object = map[string]any

func pool(name string, count int) object {
	return object{"name": name, "count": count, "vmSize": "Standard_D2_v2", "distro": "aks-ubuntu-22.04", "availabilityProfile": "AvailabilitySet", "AcceleratedNetworkingEnabled": false}
}

// writeModel writes an API model as the project's example has it.
func (e *engine) writeModel(version string, masters int, pools ...object) string {
	e.t.Helper()
	public, private := loginKey(e.t)
	doc := object{"apiVersion": "vlabs", "location": e.stack.Region, "properties": object{
		"orchestratorProfile": object{"orchestratorRelease": version[:strings.LastIndexByte(version, '.')], "orchestratorVersion": version, "kubernetesConfig": object{
			"cloudProviderBackoff": true, "cloudProviderBackoffRetries": 1, "cloudProviderBackoffDuration": 30, "cloudProviderRateLimit": true,
			"cloudProviderRateLimitQPS": 100, "cloudProviderRateLimitBucket": 150, "cloudProviderRateLimitQPSWrite": 25, "cloudProviderRateLimitBucketWrite": 30,
			"useCloudControllerManager": true, "useInstanceMetadata": false, "networkPlugin": "kubenet",
			"kubeletConfig":           object{"--node-status-update-frequency": "1m"},
			"controllerManagerConfig": object{"--node-monitor-grace-period": "5m", "--pod-eviction-timeout": "5m", "--route-reconciliation-period": "1m"},
		}},
		"customCloudProfile": object{"portalURL": e.stack.PortalURL, "identitySystem": e.stack.IdentitySystem},
		"featureFlags":       object{"enableTelemetry": true},
		"masterProfile":      object{"dnsPrefix": e.prefix, "distro": "aks-ubuntu-22.04", "count": masters, "vmSize": "Standard_DS2_v2"},
		"agentPoolProfiles":  pools,
		"linuxProfile":       object{"adminUsername": "azureuser", "ssh": object{"publicKeys": []any{object{"keyData": public}}}},
	}}
	if e.cert {
		// A certificate opens ARM to the engine alone; the cluster itself has no use for it.
		doc["properties"].(object)["servicePrincipalProfile"] = object{"clientId": e.stack.ClientID, "secret": e.stack.ClientSecret}
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		e.t.Fatal(err)
	}
	file := "work/" + e.prefix + ".json"
	e.write(file, raw)
	e.write("work/"+e.prefix+"-ssh.pem", private)
	return file
}

func (e *engine) kubeconfig() []byte {
	e.t.Helper()
	return []byte(e.must("cat " + quote(filepath.Join(e.dir(), "kubeconfig", "kubeconfig."+e.stack.Region+".json"))))
}
