package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/workflows"
)

var update = flag.Bool("update", false, "write the golden files")

func runWith(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"hubwright"}, args...), func(k string) string { return env[k] }, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// TestIDsAreNeverRenamed guards what is stored: ids of workflows, pages, checks
// and steps. New ones may be added; -update writes the file.
func TestIDsAreNeverRenamed(t *testing.T) {
	code, out, errs := runWith(nil, "workflows", "--output", "json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var infos []workflows.Info
	if err := json.Unmarshal([]byte(out), &infos); err != nil {
		t.Fatal(err)
	}
	var ids strings.Builder
	for _, i := range infos {
		for _, p := range i.Pages {
			ids.WriteString(i.ID + " page " + p.ID + "\n")
		}
		for _, c := range i.Checks {
			ids.WriteString(i.ID + " check " + c.ID + "\n")
		}
		for _, s := range i.Steps {
			ids.WriteString(i.ID + " step " + s.ID + "\n")
		}
	}
	const golden = "testdata/catalogue.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(ids.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), ids.String()); diff != "" {
		t.Errorf("stored ids changed (-was +is):\n%s", diff)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		code int
		says string
	}{
		{nil, nil, 0, "Usage: hubwright COMMAND"},
		{nil, []string{"version"}, 0, "hubwright dev"},
		{nil, []string{"fly"}, 2, `no command "fly"`},
		{nil, []string{"audit"}, 2, "usage: hubwright audit verify"},
		{nil, []string{"workflows", "--output", "xml"}, 1, "text or json"},
		{nil, []string{"serve", "--listen", "nowhere"}, 1, "is not host:port"},
		{nil, []string{"serve", "--probe-every", "1s"}, 1, "is too often"},
		{map[string]string{"HUBWRIGHT_LISTEN": "127.0.0.1:99999"}, []string{"serve"}, 1, "from 0 to 65535"},
		{map[string]string{"HUBWRIGHT_GALLERY": "perhaps"}, []string{"serve"}, 1, "HUBWRIGHT_GALLERY"},
		{nil, []string{"serve", "--public-url", "ftp://x"}, 1, "--public-url"},
		{nil, []string{"serve", "extra"}, 1, `unexpected argument "extra"`},
		{nil, []string{"serve", "--seed", "/does/not/exist"}, 1, "--seed"},
	} {
		code, out, errs := runWith(c.env, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("%v: exit %d, said %q", c.args, code, out+errs)
		}
	}
}
