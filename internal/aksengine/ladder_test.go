package aksengine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/aksengine"
)

func TestLadder(t *testing.T) {
	tests := []struct {
		from   string
		want   string // hops as "to engine"
		broken bool
	}{
		{"1.35.0", "", false},
		{"1.34.4", "1.35.0 v0.85.0", false},
		{"1.33.10", "1.34.4 v0.85.0, 1.35.0 v0.85.0", false},
		{"1.33.5", "1.34.4 v0.85.0, 1.35.0 v0.85.0", false},
		{"1.32.9", "1.33.10 v0.85.0, 1.34.4 v0.85.0, 1.35.0 v0.85.0", false},
		// The engine would go from 1.31 to 1.33 at once; Kubernetes does not support that.
		{"1.31.13", "1.32.9 v0.84.2, 1.33.10 v0.85.0, 1.34.4 v0.85.0, 1.35.0 v0.85.0", false},
		{"1.30.14", "1.31.13 v0.84.2, 1.32.9 v0.84.2, 1.33.10 v0.85.0, 1.34.4 v0.85.0, 1.35.0 v0.85.0", false},
		{"1.17.11", "1.18.18 v0.63.0, 1.19.15 v0.67.3, 1.20.11 v0.67.3, 1.21.10 v0.70.0, 1.22.15 v0.73.0, 1.23.15 v0.75.3, 1.24.11 v0.76.0, 1.25.13 v0.78.0, 1.26.9 v0.79.0, " +
			"1.27.10 v0.80.3, 1.28.15 v0.81.2, 1.29.15 v0.82.2, 1.30.14 v0.83.1, 1.31.13 v0.84.2, 1.32.9 v0.84.2, 1.33.10 v0.85.0, 1.34.4 v0.85.0, 1.35.0 v0.85.0", false},
		{"1.12.3", "", true},
		{"1.36.0", "", true},
		{"newest", "", true},
	}
	for _, tc := range tests {
		t.Run(tc.from, func(t *testing.T) {
			hops, broken := aksengine.Ladder(tc.from)
			var got []string
			at := tc.from
			for _, h := range hops {
				if h.From != at {
					t.Errorf("a hop begins at %s after %s", h.From, at)
				}
				at = h.To
				got = append(got, h.To+" "+h.Engine)
			}
			if d := cmp.Diff(tc.want, strings.Join(got, ", ")); d != "" {
				t.Error(d)
			}
			if (broken != "") != tc.broken {
				t.Errorf("broken: %q", broken)
			}
		})
	}
}

func TestLadderTellsWhatAHopBrings(t *testing.T) {
	hops, _ := aksengine.Ladder("1.23.15")
	if len(hops) == 0 || len(hops[0].Changes) != 1 || !strings.Contains(hops[0].Changes[0], "containerd") {
		t.Errorf("the first hop: %+v", hops)
	}
	last := hops[len(hops)-1]
	if last.Image.Version != "2026.139.1" {
		t.Errorf("the last hop needs %s", last.Image.URN())
	}
}

func TestHubBuilds(t *testing.T) {
	for engine, want := range map[string]string{"v0.80.3": "2306 to 2408", "v0.63.0": "2108", "v0.79.0": "2301 to 2306", "v0.85.0": "", "canary": ""} {
		if got := aksengine.HubBuilds(engine); got != want {
			t.Errorf("%s: %q, want %q", engine, got, want)
		}
	}
}
