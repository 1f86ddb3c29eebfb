package loganalytics

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAsk(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tables := map[string]table{"KubeNodeInventory": {columns: columns["KubeNodeInventory"], rows: [][]any{
		{now.Add(-time.Minute), "sea", "a", "Ready", "v1"}, {now.Add(-2 * time.Minute), "sea", "b", "NotReady", "v1"}, {now.Add(-time.Hour), "orl", "c", "Ready", "v2"},
	}}}
	for _, tt := range []struct{ query, want string }{
		{`KubeNodeInventory | count`, "[[3]]"},
		{`KubeNodeInventory | where ClusterName == "sea" and Status != "Ready" | project Computer`, "[[b]]"},
		{`KubeNodeInventory | where ClusterName =~ "SEA" | where Computer startswith "A" | project Computer, KubeletVersion`, "[[a v1]]"},
		{`KubeNodeInventory | where TimeGenerated > ago(30m) | summarize Nodes=dcount(Computer), Last=max(TimeGenerated) by ClusterName`, "[[sea 2 2026-11-23T11:59:00Z]]"},
		{`KubeNodeInventory | where ClusterName == "x" | summarize n=count() by ClusterName`, "[]"},
		{`KubeNodeInventory | where ClusterName == "x" | summarize count()`, "[[0]]"},
		{`KubeNodeInventory | project Computer | take 2`, "[[a] [b]]"},
		{`Perf | count`, "SemanticError: Failed to resolve table or column expression named 'Perf'"},
		{`KubeNodeInventory | where Nothing == "a"`, "SemanticError: 'where' operator: Failed to resolve column or scalar expression named 'Nothing'"},
		{`KubeNodeInventory | summarize max(Nothing)`, "SemanticError: 'summarize' operator"},
		{`KubeNodeInventory | project Nothing`, "SemanticError: 'project' operator"},
		{`KubeNodeInventory | frobnicate`, "SyntaxError"},
		{`KubeNodeInventory | where ClusterName is "a"`, "SyntaxError"},
		{`KubeNodeInventory | where ClusterName == a`, "SyntaxError"},
		{`KubeNodeInventory | where TimeGenerated > now()`, "SyntaxError"},
		{`KubeNodeInventory | take many`, "SyntaxError"},
	} {
		got, err := ask(tt.query, tables, now)
		text := fmt.Sprint(got["rows"])
		if err != nil {
			text = err.code + ": " + err.message
		}
		if err == nil && text != tt.want || err != nil && !strings.HasPrefix(text, tt.want) {
			t.Errorf("%s: %s, want %s", tt.query, text, tt.want)
		}
	}
}
