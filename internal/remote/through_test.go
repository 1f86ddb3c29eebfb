package remote

import (
	"context"
	"strings"
	"testing"
)

func TestThrough(t *testing.T) {
	jump, inner := startSSHD(t), startSSHD(t)
	h := jump.dial(t)
	login := func(change func(*Target)) (*Host, error) {
		target := inner.target
		target.Proxy = "http://127.0.0.1:1" // of no use here
		change(&target)
		return h.Through(context.Background(), target)
	}
	for name, change := range map[string]func(*Target){"pinned": func(*Target) {}, "whatever it shows": func(t *Target) { t.HostKey = "" }} {
		there, err := login(change)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer there.Close()
		if out, err := there.Run(context.Background(), `printf %s "$HOME"; cat`, strings.NewReader(" heard")); err != nil || out.Stdout != inner.home+" heard" {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	_, err := login(func(target *Target) { target.HostKey = jump.target.HostKey })
	wantProblem(t, err, codeHostKey)
	_, err = login(func(target *Target) { target.PrivateKey = jump.target.PrivateKey })
	wantProblem(t, err, "ssh.auth")
	_, err = login(func(target *Target) { target.Port = freePort(t) })
	wantProblem(t, err, codeForwarding)
}
