package audit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// Every action that can be recorded can be filtered for, by words, once.
func TestActionsAreAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name == "ActorHubwright" {
			return true
		}
		id, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		declared[id] = true
		return true
	})
	words := map[string]bool{}
	for _, a := range Actions() {
		if !declared[a.ID] || words[a.Words] || a.Words == "" {
			t.Errorf("%q (%q) is listed twice or not declared", a.ID, a.Words)
		}
		delete(declared, a.ID)
		words[a.Words] = true
	}
	if len(declared) > 0 || len(words) < 20 {
		t.Errorf("not listed: %v", declared)
	}
}
