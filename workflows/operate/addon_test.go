package operate_test

import (
	"context"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// TestDropMonitoringAddon: the addon goes from custody and from the helper VM,
// once, and nothing that is not known to be the cluster's is touched.
func TestDropMonitoringAddon(t *testing.T) {
	const name = "container-monitoring"
	site := w.Target{SiteID: "site_1"}
	newOne := func(t *testing.T) *bed {
		b := newBed(t)
		b.put(strings.Replace(b.files[outModel], `"enabled":false`, `"enabled":true`, 1))
		b.models = nil
		b.keep(b.files[outModel])
		return b
	}
	drop := func(b *bed) error {
		return operate.New(b.needs()).DropMonitoringAddon(context.Background(), site, b.log)
	}
	has := func(b *bed) bool {
		on, err := operate.New(b.needs()).HasMonitoringAddon(context.Background(), "clu_1")
		if err != nil {
			t.Fatal(err)
		}
		return on
	}

	b := newOne(t)
	if !has(b) {
		t.Fatal("it is not seen")
	}
	for range 2 {
		if err := drop(b); err != nil {
			t.Fatal(err)
		}
	}
	if has(b) || len(b.models) != 2 || aksengine.HasAddon([]byte(b.files[outModel]), name) {
		t.Errorf("%d versions, on the helper VM: %t", len(b.models), aksengine.HasAddon([]byte(b.files[outModel]), name))
	}
	b.logged("is taken out of the API model", "is in custody as version 2", "nothing to change")

	// Killed between the file and custody.
	b = newOne(t)
	without, _, _ := aksengine.WithoutAddon([]byte(b.files[outModel]), name)
	b.put(string(without))
	if err := drop(b); err != nil || has(b) || len(b.models) != 2 {
		t.Errorf("%v, %d versions", err, len(b.models))
	}

	// The file is missing: custody's comes back, without it.
	b = newOne(t)
	delete(b.files, outModel)
	if err := drop(b); err != nil || has(b) || b.files[outModel] == "" {
		t.Errorf("%v", err)
	}

	// Another model, or a command that runs: nothing is changed.
	b = newOne(t)
	b.put(model("1.33.10"))
	wantProblem(t, drop(b), "cluster.othermodel")
	b = newOne(t)
	b.files[folder+"jobs"], b.jobs["scale-x-1"] = "scale-x-1\n", &job{state: "running"}
	if err := drop(b); err == nil || len(b.models) != 1 {
		t.Errorf("%v, %d versions", err, len(b.models))
	}
	if none, err := operate.New(b.needs()).HasMonitoringAddon(context.Background(), "clu_1"); err != nil || !none {
		t.Errorf("%t, %v", none, err)
	}
}
