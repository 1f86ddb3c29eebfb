package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/standin"
)

// TestMain lets the helper VMs of the tests start this binary as the stand-in.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == worldCommand {
		os.Exit(worldMain(os.Args[2]))
	}
	if len(os.Args) > 1 && os.Args[1] == standin.Command {
		os.Exit(standin.Main(os.Args[2:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

var built = sync.OnceValues(func() (string, error) {
	return controlplane.Build(context.Background(), "", func(line string) { fmt.Fprintln(os.Stderr, line) })
})

// options are those of a world that no other test process disturbs.
func options(t *testing.T) sandbox.Options {
	return sandbox.Options{
		Dir: t.TempDir(), ProxyAddr: "127.0.0.1:0", Speed: 300, Block: 130 + os.Getpid()%60*2,
		ControlPlane: func(context.Context) (string, error) { return built() },
		MachineEnv:   []string{standin.BitsVariable + "=2048"},
		Log:          slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

func start(t *testing.T, o sandbox.Options) *sandbox.World {
	t.Helper()
	w, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if r := w.Refused(); len(r) > 0 {
			t.Errorf("somebody wanted to leave the sandbox: %v", r)
		}
	})
	return w
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not happen in time", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestBothHubsAndBothWaysToSignIn(t *testing.T) {
	w := start(t, options(t))
	seed := w.Seed()
	if len(seed.Stacks) != 2 {
		t.Fatalf("%d stacks", len(seed.Stacks))
	}
	for _, stack := range seed.Stacks {
		for _, byCertificate := range []bool{false, true} {
			u := newUser(t, seed, stack, byCertificate)
			if err := u.subscription(); err != nil {
				t.Errorf("%s, certificate %v: %v", stack.Name, byCertificate, err)
			}
			if got := u.metadata().PortalEndpoint; got != stack.PortalURL+"/" {
				t.Errorf("%s: portal %s, seed says %s", stack.Name, got, stack.PortalURL)
			}
		}
	}
	methods := map[string]bool{}
	for _, c := range w.Calls() {
		methods[c.Method+" "+c.Host] = true
	}
	for _, want := range []string{"CONNECT management.seattle.azurestack.test", "GET management.orlando.azurestack.test", "POST adfs.orlando.azurestack.test", "POST login.seattle.azurestack.test"} {
		if !methods[want] {
			t.Errorf("no call %s was remembered", want)
		}
	}
}

func TestAHelperVMAndItsNextLife(t *testing.T) {
	o := options(t)
	w := start(t, o)
	key := newKey(t)
	u := newUser(t, w.Seed(), w.Seed().Stacks[0], false)
	u.helperVM(key)
	name := "jump.seattle.cloudapp.azurestack.test:22"
	conn, err := through(t, w, name)
	if err != nil {
		t.Fatal(err)
	}
	script := `echo kept > marker; curl -fsSL https://github.com/Azure/aks-engine-azurestack/releases/download/v0.85.0/aks-engine-azurestack-v0.85.0-linux-amd64.tar.gz | tar xz && ./aks-engine-azurestack-v0.85.0-linux-amd64/aks-engine-azurestack version`
	if out := run(t, conn, key, script); !strings.Contains(out, "v0.85.0") {
		t.Errorf("the engine from the release page says %q", out)
	}
	before := w.Resources("seattle", "helper")
	seed := w.Seed()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	w = start(t, o)
	if got := w.Resources("seattle", "helper"); !slices.Equal(got, before) || len(got) < 5 {
		t.Errorf("resources %v, want %v", got, before)
	}
	again := w.Seed()
	again.Proxy, again.Azure.Proxy, again.Stacks[0].Proxy, again.Stacks[1].Proxy = seed.Proxy, seed.Proxy, seed.Proxy, seed.Proxy
	again.Stacks[1].Hosts = seed.Stacks[1].Hosts
	if a, b := fmt.Sprint(seed), fmt.Sprint(again); a != b {
		t.Error("the seed of the next life is another one")
	}
	if conn, err = through(t, w, name); err != nil {
		t.Fatal(err)
	}
	if out := run(t, conn, key, "cat marker"); out != "kept\n" {
		t.Errorf("the machine's files: %q", out)
	}
	u = newUser(t, w.Seed(), w.Seed().Stacks[0], true)
	if code, _ := u.call("DELETE", "/resourcegroups/helper", "2019-10-01", nil); code != 202 {
		t.Fatalf("deleting the group: %d", code)
	}
	until(t, "the machine's end", func() bool {
		c, err := through(t, w, name)
		if err == nil {
			c.Close()
		}
		return err != nil && len(w.Resources("seattle", "")) == 0
	})
}

func TestMachinesBesideTheHub(t *testing.T) {
	w := start(t, options(t))
	hosts := w.Seed().Stacks[1].Hosts
	if len(hosts) != 2 || hosts[0].Windows || !hosts[1].Windows {
		t.Fatalf("hosts: %+v", hosts)
	}
	for _, h := range hosts {
		key, err := ssh.ParsePrivateKey([]byte(h.PrivateKey))
		if err != nil {
			t.Fatal(err)
		}
		c, err := loopback.Dial(t.Context(), "tcp", net.JoinHostPort(h.Address, fmt.Sprint(h.Port)))
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		if h.Windows {
			banner, _ := bufio.NewReader(c).ReadString('\n')
			c.Close()
			if !strings.Contains(banner, "Windows") {
				t.Errorf("banner of the Windows host: %q", banner)
			}
			continue
		}
		if out = run(t, c, key, "uname -s"); out != "Linux\n" {
			t.Errorf("%s: %q", h.Name, out)
		}
	}
}

func TestFaultsAtTheDoor(t *testing.T) {
	w := start(t, options(t))
	seed := w.Seed()
	u := newUser(t, seed, seed.Stacks[0], false)
	cases := []struct {
		kind string
		want string // part of the error; "" is none
		try  func() error
	}{
		{"secret-wrong", "AADSTS7000215", u.subscription},
		{"secret-expired", "AADSTS7000222", u.subscription},
		{"stamp-unreachable", "Bad Gateway", u.subscription},
		{"download-cut", "Bad Gateway", func() error { _, err := u.http.Get("https://github.com/"); return err }},
		{"slow-network", "", u.subscription},
		{"slow-arm", "", u.subscription},
		{"forbidden", "", u.subscription},
		{"token-expired", "ExpiredAuthenticationToken", u.subscription},
	}
	for _, c := range cases {
		rule, ok := faults.Preset(c.kind, "")
		if !ok {
			t.Fatalf("no preset %s", c.kind)
		}
		if c.kind != "download-cut" {
			rule.Match.Stamp = "seattle"
		}
		id, err := w.Faults().Add(rule)
		if err != nil {
			t.Fatal(err)
		}
		u.http.CloseIdleConnections() // so that the next call goes through the door again
		err = c.try()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.kind, err, c.want)
		}
		w.Faults().Lift(id)
		other := newUser(t, seed, seed.Stacks[0], false)
		if err := other.subscription(); err != nil {
			t.Errorf("after %s was lifted: %v", c.kind, err)
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Options){
		"no folder":        func(o *sandbox.Options) { o.Dir = "" },
		"negative speed":   func(o *sandbox.Options) { o.Speed = -1 },
		"off loopback":     func(o *sandbox.Options) { o.ProxyAddr = "0.0.0.0:0" },
		"addresses":        func(o *sandbox.Options) { o.Block = 300 },
		"fault":            func(o *sandbox.Options) { o.Faults = []faults.Rule{{}} },
		"folder is a file": func(o *sandbox.Options) { o.Dir = "/dev/null" },
	} {
		o := options(t)
		change(&o)
		if w, err := sandbox.Start(t.Context(), o); err == nil {
			w.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
