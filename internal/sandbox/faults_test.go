package sandbox_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/faults"
)

// linuxHost is the existing machine that can become a helper VM.
func linuxHost(t *testing.T, w *sandbox.World) sandbox.SeedHost {
	t.Helper()
	for _, h := range w.Seed().Stacks[1].Hosts {
		if !h.Windows {
			return h
		}
	}
	t.Fatal("no Linux host")
	return sandbox.SeedHost{}
}

// enter logs in by SSH and tells the host key that was shown.
func enter(t *testing.T, h sandbox.SeedHost) (*ssh.Client, ssh.PublicKey, error) {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(h.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	var shown ssh.PublicKey
	client, err := ssh.Dial("tcp", target(h), &ssh.ClientConfig{
		User: h.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, Timeout: 10 * time.Second,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { shown = key; return nil },
	})
	if err == nil {
		t.Cleanup(func() { client.Close() })
	}
	return client, shown, err
}

func target(h sandbox.SeedHost) string {
	return (&net.TCPAddr{IP: net.ParseIP(h.Address), Port: h.Port}).String()
}

func say(t *testing.T, c *ssh.Client, command string) (string, error) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.CombinedOutput(command)
	return string(out), err
}

// force puts a preset in force until the returned func is called.
func force(t *testing.T, w *sandbox.World, kind, stamp string, change func(*faults.Rule)) (lift func()) {
	t.Helper()
	rule, ok := faults.Preset(kind, stamp)
	if !ok {
		t.Fatalf("no preset %s", kind)
	}
	if change != nil {
		change(&rule)
	}
	id, err := w.Faults().Add(rule)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if l := w.Faults().List(); len(l) != 1 || l[0].Struck == 0 {
			t.Errorf("%s never struck: %+v", kind, l)
		}
		w.Faults().Lift(id)
	}
}

func TestFaultsOnMachines(t *testing.T) {
	w := start(t, options(t))
	h := linuxHost(t, w)
	before, own, err := enter(t, h)
	if err != nil {
		t.Fatal(err)
	}

	lift := force(t, w, "ssh-refused", "orlando", nil)
	if _, err := say(t, before, "true"); err == nil {
		t.Error("an open connection outlived that nobody is let in")
	}
	if _, _, err := enter(t, h); err == nil {
		t.Error("let in while SSH is refused")
	}
	lift()

	lift = force(t, w, "host-key-changed", "orlando", nil)
	if _, key, err := enter(t, h); err != nil || bytes.Equal(key.Marshal(), own.Marshal()) {
		t.Errorf("host key: the same, or %v", err)
	}
	lift()
	if _, key, err := enter(t, h); err != nil || !bytes.Equal(key.Marshal(), own.Marshal()) {
		t.Errorf("host key afterwards: another, or %v", err)
	}

	lift = force(t, w, "ssh-cut", "orlando", func(r *faults.Rule) { r.Effect.CutAfter = 100_000 })
	c, _, err := enter(t, h)
	if err != nil {
		t.Fatal(err)
	}
	lift()
	lift = force(t, w, "ssh-cut", "orlando", func(r *faults.Rule) { r.Effect.CutAfter = 600 })
	old, _, err := enter(t, h)
	if err != nil {
		t.Fatal(err)
	}
	lift()
	if err := old.Wait(); err == nil {
		t.Error("a connection that was to be cut ended politely")
	}
	if out, err := say(t, c, "echo still there"); err != nil || out != "still there\n" {
		t.Errorf("a connection that is young enough: %q, %v", out, err)
	}

	lift = force(t, w, "disk-full", "orlando", nil)
	if out, err := say(t, c, "df -Pk $HOME; echo much > $HOME/file; cp /bin/sh $HOME/file"); err == nil || !strings.Contains(out, " 0     100% /") {
		t.Errorf("a full disk: %q, %v", out, err)
	}
	lift()
	if out, err := say(t, c, "echo much > $HOME/file && cat $HOME/file"); err != nil || out != "much\n" {
		t.Errorf("the disk afterwards: %q, %v", out, err)
	}
	// The other stamp's faults are none of this machine's business.
	id, err := w.Faults().Add(faults.Rule{Match: faults.Match{At: faults.AtSSH, Stamp: "seattle"}, Effect: faults.Effect{Unreachable: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := enter(t, h); err != nil {
		t.Errorf("struck by the other stamp's fault: %v", err)
	}
	w.Faults().Lift(id)
}

func TestFaultsOfTheHub(t *testing.T) {
	w := start(t, options(t))
	u := newUser(t, w.Seed(), w.Seed().Stacks[0], false)
	if err := u.subscription(); err != nil {
		t.Fatal(err)
	}
	// Kept connections end, and new ones are not trusted.
	lift := force(t, w, "tls-untrusted", "seattle", nil)
	if err := u.subscription(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a strange certificate: %v", err)
	}
	lift()
	u.http.CloseIdleConnections()
	if err := u.subscription(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	lift = force(t, w, "stamp-unreachable", "seattle", nil)
	if err := u.subscription(); err == nil {
		t.Error("a kept connection reached a Hub that cannot be reached")
	}
	lift()
	lift = force(t, w, "subscription-disabled", "seattle", nil)
	if _, out := u.call("GET", "", "2016-06-01", nil); out["state"] != "Disabled" {
		t.Errorf("the subscription: %v", out)
	}
	if code, _ := u.call("PUT", "/resourcegroups/x", "2019-10-01", map[string]any{"location": "seattle"}); code != 409 {
		t.Errorf("writing: %d", code)
	}
	lift()
}
