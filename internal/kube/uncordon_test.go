package kube_test

import (
	"strings"
	"testing"
)

func TestUncordon(t *testing.T) {
	k := opened(t)
	kubectl(t, "cordon", agent0)
	for range 2 { // one that takes pods stays so
		if err := k.Uncordon(t.Context(), agent0); err != nil {
			t.Fatal(err)
		}
		if got := kubectl(t, "get", "node", agent0, "-o", "jsonpath={.spec.unschedulable}"); got != "" {
			t.Errorf("unschedulable is %q", got)
		}
	}
	if p := asProblem(t, k.Uncordon(t.Context(), "nobody")); !strings.Contains(p.What, "nobody") {
		t.Errorf("%+v", p)
	}
}
