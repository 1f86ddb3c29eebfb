package clusters_test

import (
	"net/http"
	"strings"
	"testing"

	"hubwright/web/clusters"
	"hubwright/web/ui"
)

// TestWhoMayChangeACluster: a viewer sees the cluster without the buttons.
func TestWhoMayChangeACluster(t *testing.T) {
	for role, want := range map[ui.Role]int{ui.RoleViewer: 0, ui.RoleOperator: 2, ui.RoleAdmin: 2} {
		var b strings.Builder
		p := clusters.ShowProps{Role: role, Actions: []ui.Action{{Label: "Upgrade", URL: "/drafts", Method: http.MethodPost}, {Label: "Scale", URL: "/drafts", Method: http.MethodPost}}}
		if err := clusters.Show(p).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), `action="/drafts"`); got != want {
			t.Errorf("%v: %d buttons, want %d", role, got, want)
		}
	}
}
