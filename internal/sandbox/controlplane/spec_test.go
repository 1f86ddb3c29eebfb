package controlplane_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hubwright/internal/sandbox/controlplane"
)

// TestSpecRefused gives Ensure what would only show much later as a control plane that never gets ready.
func TestSpecRefused(t *testing.T) {
	m := newManager(t, t.TempDir(), nil)
	good := newSpec(t, "strict", "1.33.10", address(1))
	other := newSpec(t, "other", "1.33.10", address(2))
	for name, c := range map[string]struct {
		change func(*controlplane.Spec)
		want   string
	}{
		"id with a path":        {func(s *controlplane.Spec) { s.ID = "../x" }, "cluster id"},
		"no id":                 {func(s *controlplane.Spec) { s.ID = "" }, "cluster id"},
		"old version":           {func(s *controlplane.Spec) { s.Version = "1.32.9" }, "1.32.9"},
		"new version":           {func(s *controlplane.Spec) { s.Version = "1.37.0" }, "1.37.0"},
		"no patch level":        {func(s *controlplane.Spec) { s.Version = "1.33" }, "none that"},
		"address off loopback":  {func(s *controlplane.Spec) { s.IP = "10.240.0.4" }, "not in 127.0.0.0/8"},
		"every address":         {func(s *controlplane.Spec) { s.IP = "0.0.0.0" }, "not in 127.0.0.0/8"},
		"IPv6":                  {func(s *controlplane.Spec) { s.IP = "::1" }, "not in 127.0.0.0/8"},
		"advertising loopback":  {func(s *controlplane.Spec) { s.AdvertiseIP = "127.0.0.1" }, "advertised"},
		"no network":            {func(s *controlplane.Spec) { s.PodCIDR = "10.244.0.0" }, "10.244.0.0"},
		"another name":          {func(s *controlplane.Spec) { s.FQDN = other.FQDN }, "certificate apiserver"},
		"another CA":            {func(s *controlplane.Spec) { s.PKI.CA, s.PKI.CAKey = other.PKI.CA, other.PKI.CAKey }, "certificate apiserver"},
		"key of another":        {func(s *controlplane.Spec) { s.PKI.ClientKey = other.PKI.ClientKey }, "certificate client"},
		"no CA":                 {func(s *controlplane.Spec) { s.PKI.CA = nil }, "not a certificate"},
		"server cert as client": {func(s *controlplane.Spec) { s.PKI.Client, s.PKI.ClientKey = s.PKI.APIServer, s.PKI.APIServerKey }, "certificate client"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := good
			c.change(&spec)
			if err := m.Ensure(t.Context(), spec); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Ensure = %v, want it to say %q", err, c.want)
			}
		})
	}
}

// TestAddressTaken has two clusters want the same address.
func TestAddressTaken(t *testing.T) {
	m := newManager(t, t.TempDir(), nil)
	first := newSpec(t, "first", "1.33.10", address(1))
	if err := m.Ensure(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	second := newSpec(t, "second", "1.33.10", address(1))
	if err := m.Ensure(t.Context(), second); err == nil || !strings.Contains(err.Error(), "its address is taken") {
		t.Errorf("Ensure = %v", err)
	}
	if got := m.Endpoint("second"); got != "" {
		t.Errorf("a cluster that did not start has the endpoint %s", got)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Ensure(t.Context(), first); err == nil {
		t.Error("Ensure after Close is no error")
	}
}

// TestCloseWhileBuilding closes a Manager whose cluster waits for its binary.
func TestCloseWhileBuilding(t *testing.T) {
	building := make(chan struct{})
	m := newManager(t, t.TempDir(), func(o *controlplane.Options) {
		o.Binary = func(ctx context.Context) (string, error) {
			close(building)
			<-ctx.Done()
			return "", ctx.Err()
		}
	})
	ended := make(chan error, 1)
	spec := newSpec(t, "waiting", "1.33.10", address(1))
	go func() { ended <- m.Ensure(context.Background(), spec) }()
	<-building
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Ensure = %v", err)
	}
}
