package loopback_test

import (
	"errors"
	"testing"

	"hubwright/internal/sandbox/loopback"
)

func TestOnlyLoopbackIsDialled(t *testing.T) {
	refused := []struct{ network, addr string }{
		{"tcp", "10.240.255.5:443"},
		{"tcp", "192.0.2.1:80"},
		{"tcp", "128.0.0.1:80"},
		{"tcp", "0.0.0.0:80"},
		{"tcp", "localhost:80"},
		{"tcp", "github.com:443"},
		{"tcp", "[::1]:443"},
		{"tcp", "[::ffff:192.0.2.1]:443"},
		{"tcp", "127.0.0.1"},
		{"udp", "127.0.0.1:53"},
		{"unix", "/run/x.sock"},
	}
	for _, c := range refused {
		conn, err := loopback.Dial(t.Context(), c.network, c.addr)
		var le *loopback.Error
		if !errors.As(err, &le) {
			t.Errorf("Dial(%s, %s): got %v, want a refusal before dialling", c.network, c.addr, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
}

func TestLoopbackIsReachable(t *testing.T) {
	l, err := loopback.Listen("127.40.9.9:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := loopback.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := loopback.Listen("0.0.0.0:0"); err == nil {
		t.Error("Listen(0.0.0.0:0) succeeded")
	}
}
