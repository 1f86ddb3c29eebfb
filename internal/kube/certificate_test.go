package kube_test

import (
	"strings"
	"testing"
)

// TestCertificate: a certificate is made once for its host, anew for another
// one, and goes again; somebody else's Secret is left alone.
func TestCertificate(t *testing.T) {
	ctx, k := t.Context(), opened(t)
	t.Cleanup(func() { kubectl(t, "delete", "--ignore-not-found", "namespace", "certified") })
	for _, step := range []struct {
		host    string
		changed bool
	}{{"a.contoso.test", true}, {"a.contoso.test", false}, {"b.contoso.test", true}} {
		if changed, err := k.EnsureCertificate(ctx, "certified", "shop-tls", step.host); err != nil || changed != step.changed {
			t.Errorf("%s: changed %t, %v", step.host, changed, err)
		}
	}
	if kind := kubectl(t, "-n", "certified", "get", "secret", "shop-tls", "-o", "jsonpath={.type}"); kind != "kubernetes.io/tls" {
		t.Errorf("its type is %s", kind)
	}
	kubectl(t, "-n", "certified", "create", "secret", "generic", "theirs")
	if _, err := k.EnsureCertificate(ctx, "certified", "theirs", "a.contoso.test"); asProblem(t, err).Code != "certificate.taken" {
		t.Error(err)
	}
	for _, want := range []string{"shop-tls", ""} {
		if gone, err := k.DeleteCertificates(ctx, "certified"); err != nil || strings.Join(gone, " ") != want {
			t.Errorf("%v, %v; want %s", gone, err, want)
		}
	}
}
