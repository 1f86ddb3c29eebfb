// Package archtest keeps the rules between the rooms: who may import whom, and
// which library appears in one room alone.
package archtest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "hubwright/"

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Name       string
	Imports    []string
}

// onlyIn says in which rooms a library may be imported. Tests may import more.
var onlyIn = map[string][]string{
	"github.com/Azure/azure-sdk-for-go":        {"internal/azurestack", "internal/azure", "internal/devops"}, // the last one logs in with it
	"github.com/microsoft/azure-devops-go-api": {"internal/devops"},
	"k8s.io/":                      {"internal/kube", "internal/charts"},
	"helm.sh/":                     {"internal/charts"},
	"github.com/dbos-inc/":         {"internal/engine"},
	"modernc.org/sqlite":           {"store"},
	"database/sql":                 {"store", "internal/engine"},
	"github.com/labstack/echo":     {"handlers"},
	"github.com/gorilla/websocket": {"handlers"},
	"golang.org/x/crypto/ssh":      {"internal/remote"},
	"github.com/a-h/templ":         {"web", "handlers"},
}

// mayImport says which of our rooms a room may import, besides itself.
// A room that is not listed may import anything but cmd and the sandbox.
var mayImport = map[string][]string{
	"workflows":           {},
	"workflows/*":         {"workflows", "workflows/operate", "workflows/vm", "internal/aksengine", "internal/problem"},
	"internal/problem":    {"workflows"},
	"internal/aksengine":  {"workflows", "internal/problem"},
	"internal/engine":     {"workflows", "internal/audit"},
	"internal/preflight":  {"workflows"},
	"internal/azurestack": {"workflows", "internal/problem"},
	"internal/azure":      {"workflows", "internal/problem"},
	"internal/devops":     {"workflows", "internal/problem"},
	"internal/remote":     {"workflows", "internal/problem"},
	"internal/kube":       {"workflows", "internal/problem"},
	"internal/charts":     {"workflows", "internal/problem"},
	"internal/secrets":    {"workflows"},
	"internal/redact":     {},
	"internal/live":       {},
	"internal/monitor":    {"workflows"},
	"internal/expiry":     {},
	"internal/notify":     {"workflows", "internal/expiry"},
	"internal/archives":   {"workflows", "internal/aksengine", "store"},
	"internal/auth":       {"workflows", "store"},
	"internal/audit":      {"workflows"},
	"internal/dossier":    {"workflows", "internal/audit", "web"},
	"store":               {"workflows", "internal/engine", "internal/auth", "internal/audit", "internal/monitor", "internal/notify"},
	"web":                 {"workflows", "static", "internal/aksengine", "internal/expiry"},
	"static":              {},
}

var badNames = []string{"utils", "util", "common", "helpers", "models", "types", "manager"}

func TestRoomsKeepTheirRules(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 20 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		if slices.Contains(badNames, p.Name) {
			t.Errorf("%s: %q says nothing about what is inside", p.ImportPath, p.Name)
		}
		here := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			checkLibrary(t, here, imp)
			if strings.HasPrefix(imp, module) {
				checkRoom(t, here, strings.TrimPrefix(imp, module))
			}
		}
	}
}

func checkLibrary(t *testing.T, here, imp string) {
	t.Helper()
	if inside(here, "internal/sandbox") {
		return // the emulated world speaks every protocol from the other side
	}
	for lib, rooms := range onlyIn {
		if !strings.HasPrefix(imp, lib) {
			continue
		}
		if !slices.ContainsFunc(rooms, func(r string) bool { return inside(here, r) }) {
			t.Errorf("%s imports %s, which belongs to %s", here, imp, strings.Join(rooms, ", "))
		}
	}
}

func checkRoom(t *testing.T, here, imp string) {
	t.Helper()
	switch {
	case inside(here, "cmd"):
		return
	case inside(imp, "internal/sandbox") && !inside(here, "internal/sandbox"):
		t.Errorf("%s imports %s: only cmd and tests may", here, imp)
	case inside(here, "internal/sandbox"):
		if !inside(imp, "internal/sandbox") {
			t.Errorf("%s imports %s: the sandbox imports nothing of ours", here, imp)
		}
		return
	case inside(imp, "cmd"):
		t.Errorf("%s imports %s", here, imp)
	}
	room, allowed, ok := rule(here)
	if !ok || inside(imp, room) && room != "workflows" {
		return
	}
	if !slices.ContainsFunc(allowed, func(a string) bool { return imp == a || a == "web" && inside(imp, "web") }) {
		t.Errorf("%s imports %s, which is not in its list", here, imp)
	}
}

// rule is the most specific entry of mayImport for a package.
func rule(here string) (room string, allowed []string, ok bool) {
	if path.Dir(here) == "workflows" {
		return here, mayImport["workflows/*"], true
	}
	for r, a := range mayImport {
		if inside(here, r) && len(r) > len(room) {
			room, allowed, ok = r, a, true
		}
	}
	return room, allowed, ok
}

func inside(p, room string) bool { return p == room || strings.HasPrefix(p, room+"/") }

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports", "hubwright/...")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(&out); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs
}
