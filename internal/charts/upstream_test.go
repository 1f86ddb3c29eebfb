//go:build interop

package charts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"

	"hubwright/workflows"
)

// folderOf names the folder with charts of other makers, one archive each.
// Beside <name>.tgz a <name>.yaml may have values for it, and a
// <name>.definitions.yaml the definitions (CRDs) of others that it needs.
const folderOf = "HUBWRIGHT_CHARTS"

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// TestUpstreamCharts installs charts as their makers publish them, each in a
// namespace of its own, on one real API server with simulated nodes: they get
// ready, a second time nothing changes, and they go again.
func TestUpstreamCharts(t *testing.T) {
	dir := os.Getenv(folderOf)
	if dir == "" {
		t.Fatalf("%s names no folder: give one with the .tgz archives of charts, such as helm pull makes", folderOf)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s=%s has no .tgz archives in it: %v", folderOf, dir, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { upstream(t, file) })
	}
}

func upstream(t *testing.T, file string) {
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(file, ".tgz")
	values, err := os.ReadFile(base + ".yaml")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if definitions, err := os.ReadFile(base + ".definitions.yaml"); err == nil {
		d, err := dynamic.NewForConfig(settings(t))
		if err != nil {
			t.Fatal(err)
		}
		define(t, d, definitions)
	}
	ch, err := Read(archive, workflows.ChartSource{Kind: workflows.ChartUploaded, Name: filepath.Base(file)})
	if err != nil {
		t.Fatal(err)
	}
	c := Open(settings(t))
	c.between = 200 * time.Millisecond
	name := strings.Trim(notInNames.ReplaceAllString(ch.Name, "-"), "-")
	spec := workflows.ReleaseSpec{Name: name, Namespace: "up-" + name, Chart: ch, Values: string(values), Patience: time.Minute}
	begun := time.Now()
	state, log := install(t, c, spec)
	kinds := map[string]int{}
	for _, o := range state.Objects {
		kinds[o.Kind]++
		if !o.Ready {
			t.Errorf("%s %s: %s", o.Kind, o.Name, o.Detail)
		}
	}
	t.Logf("%s %s: %d objects ready after %.0f s: %s", ch.Name, ch.Version, len(state.Objects), time.Since(begun).Seconds(), fmt.Sprint(kinds))
	if again, log := install(t, c, spec); again.Changed || again.Revision != state.Revision {
		t.Errorf("a second time it changed something: revision %d, then %d\n%s", state.Revision, again.Revision, log)
	}
	if err := c.Uninstall(t.Context(), spec.Namespace, spec.Name, log); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}
