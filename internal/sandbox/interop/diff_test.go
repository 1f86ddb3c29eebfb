//go:build interop

package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hubwright/internal/sandbox/standin"
)

// known is a difference that is meant: a row of the table in docs/stand-in.md.
type known struct {
	inputs, difference string // patterns with *
	seen               bool
}

// readKnown reads the table: | `input` | `difference` | reason |.
func readKnown(t *testing.T) []*known {
	t.Helper()
	text, err := os.ReadFile("../../../docs/stand-in.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []*known
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 || !strings.HasPrefix(line, "| `") {
			continue
		}
		if strings.TrimSpace(cells[2]) == "" {
			t.Errorf("no reason is given for %s", cells[1])
		}
		out = append(out, &known{inputs: strings.Trim(cells[0], "` "), difference: strings.Trim(cells[1], "` ")})
	}
	if len(out) == 0 {
		t.Fatal("docs/stand-in.md has no table")
	}
	return out
}

// fits compares a text with a pattern in which * stands for anything.
func fits(pattern, text string) bool {
	clean := strings.NewReplacer("/", "\x00", "[", "\x01", "]", "\x02", "?", "\x03", `\`, "\x04").Replace
	ok, err := path.Match(clean(pattern), clean(text))
	return ok && err == nil
}

// The stand-in cannot be told from the real engine, but for what
// docs/stand-in.md says.
func TestDifferences(t *testing.T) {
	bin := os.Getenv("AKS_ENGINE_BIN")
	if bin == "" {
		t.Fatal("AKS_ENGINE_BIN must name a real aks-engine-azurestack")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	table, keys, steps, ran := readKnown(t), t.TempDir(), 0, 0
	all := inputs()
	for _, in := range all {
		steps += len(in.steps)
		t.Run(strings.ReplaceAll(in.name, " ", "_"), func(t *testing.T) { ran++; compare(t, in, table, bin, self, keys) })
	}
	t.Logf("%d command lines in %d folders", steps, len(all))
	for _, k := range table {
		if !k.seen && ran == len(all) {
			t.Errorf("docs/stand-in.md lists a difference that is none: %s: %s", k.inputs, k.difference)
		}
	}
}

// compare gives an input to both programs.
func compare(t *testing.T, in input, table []*known, bin, self, keys string) {
	if in.cluster {
		public, _ := loginKey(t)
		in.changes = append(in.changes, `linuxProfile.ssh.publicKeys.0.keyData="`+public+`"`)
	}
	model, err := writeChanged(in.changes)
	if err == nil && !in.ownPKI {
		model, err = withPKI(t, model, self, keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	hub := func(block int) ground {
		if in.cluster {
			return newLivingHub(t, block)
		}
		return newHub(t, keys)
	}
	block := 120 + os.Getpid()%30*4
	tag := engineTag(t, bin)
	r := newProgram(t, "real", hub(block), []string{bin}, model)
	s := newProgram(t, "stand-in", hub(block+2), []string{self, standin.Command}, model, standin.VersionVariable+"="+tag)
	for i, step := range in.steps {
		var traces [2]trace
		var errs [2]error
		var wg sync.WaitGroup
		for j, p := range []*program{r, s} {
			wg.Go(func() { traces[j], errs[j] = p.run(t.Context(), step) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		if in.cluster && traces[0].code != 0 {
			t.Fatalf("%s: exit %d\n%s", step.args, traces[0].code, strings.Join(traces[0].stderr, "\n"))
		}
		where := in.name
		if len(in.steps) > 1 {
			where = fmt.Sprintf("%s %d: %s", in.name, i+1, strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(step.args, secretFlags, ""), cloudFlags, "")))
		}
		for _, d := range differences(r, s, traces[0], traces[1]) {
			if !isKnown(table, where, d) {
				t.Errorf("%s: %s", where, d)
			}
		}
	}
}

func isKnown(table []*known, where, difference string) bool {
	found := false
	for _, k := range table {
		if fits(k.inputs, where) && fits(k.difference, difference) {
			k.seen, found = true, true
		}
	}
	return found
}

// engineTag is the version that the real program says it is.
func engineTag(t *testing.T, bin string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), bin, "version", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ GitTag string }
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	return v.GitTag
}

// withPKI puts certificates into a model, as the output of an earlier deploy
// has them: with short keys, made once.
func withPKI(t *testing.T, model []byte, self, keys string) ([]byte, error) {
	file := filepath.Join(keys, "pki", "apimodel.json")
	if _, err := os.Stat(file); err != nil {
		if err := makePKI(t, self, keys); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var from, to object
	if err := errors.Join(json.Unmarshal(text, &from), json.Unmarshal(model, &to)); err != nil {
		return nil, err
	}
	profile, props := from["properties"].(object)["certificateProfile"].(object), to["properties"].(object)
	masters := int(props["masterProfile"].(object)["count"].(float64))
	for _, list := range []string{"etcdPeerCertificates", "etcdPeerPrivateKeys"} {
		profile[list] = profile[list].([]any)[:masters]
	}
	props["certificateProfile"] = profile
	return json.Marshal(to)
}

func makePKI(t *testing.T, self, keys string) error {
	model, err := writeChanged([]string{"masterProfile.count=5", `/location="seattle"`})
	if err != nil {
		return err
	}
	p := newProgram(t, "PKI", newHub(t, keys), []string{self, standin.Command}, model, standin.BitsVariable+"=2048")
	got, err := p.run(t.Context(), step1{args: "generate -m model.json -o " + filepath.Join(keys, "pki") + " --client-id CLIENT --client-secret SECRET"})
	if err == nil && got.code != 0 {
		err = fmt.Errorf("generate: exit %d: %v", got.code, got.stderr)
	}
	return err
}
