package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// A retry after the deployment was sent goes on with the output folder's own
// model: the certificates stay.
func TestRetryGoesOnWithTheOutputModel(t *testing.T) {
	b := newBed(t)
	b.host.engine = b.failing(1, true, "Error: the moon is in the wrong phase")
	x := b.start(nil)
	b.must(x, "prepare")
	if err := x.Run(context.Background(), "deploy", b.log); err == nil {
		t.Fatal("no error")
	}
	before := b.host.files[outModel]
	b.host.engine = func(j *job) []func() {
		return []func(){func() {
			model, _ := aksengine.ReadOutput([]byte(b.host.files[outModel]))
			b.hub.build(model)
			b.host.say(j, "INFO[0060] Finished ARM Deployment (ratings-seattle-8). Succeeded ")
			b.host.end(j, 0)
		}}
	}
	b.must(b.resume(b.state(x)), "deploy")
	if len(b.host.order) != 2 || b.host.order[0] == b.host.order[1] {
		t.Fatalf("jobs: %v", b.host.order)
	}
	argv := b.host.jobs[b.host.order[1]].Argv
	if flag(argv, "--api-model") != "~/"+outModel || !slices.Contains(argv, "--force-overwrite") || flag(argv, "--output-directory") != "~/"+strings.TrimSuffix(output, "/") {
		t.Errorf("%q", argv)
	}
	if b.host.files[outModel] != before {
		t.Error("the output model changed")
	}
	b.logged("going on with the API model of the output folder")
}

func TestWhatARetryBeginsWith(t *testing.T) {
	half := func(b *bed, change func(string) string) {
		b.host.put(outModel, change(outputOf(b.host.files[input])))
	}
	same := func(s string) string { return s }
	tests := []struct {
		name  string
		setup func(*bed)
		fresh bool
		aside bool
		code  string // of the problem, "" when it starts
	}{
		{"nothing there", func(*bed) {}, true, false, ""},
		{"a model, but nothing sent", func(b *bed) { half(b, same) }, true, true, ""},
		{"a model and an empty group", func(b *bed) { half(b, same); b.hub.group = true }, true, true, ""},
		{"a model and another's deployment", func(b *bed) {
			half(b, same)
			b.hub.group, b.hub.deployments = true, []w.ARMDeployment{{Name: "somebody"}}
		}, true, true, ""},
		{"a model and a deployment", func(b *bed) {
			half(b, same)
			b.hub.group, b.hub.deployments = true, []w.ARMDeployment{{Name: "ratings-seattle-12"}}
		}, false, false, ""},
		{"a model and a VM", func(b *bed) {
			half(b, same)
			b.hub.group, b.hub.vms = true, []w.VM{{Name: aksengine.MasterName(aksengine.NameSuffix("ratings-seattle"), 0)}}
		}, false, false, ""},
		{"a VM without a model", func(b *bed) {
			b.hub.group, b.hub.vms = true, []w.VM{{Name: aksengine.MasterName(aksengine.NameSuffix("ratings-seattle"), 0)}}
		}, false, false, "cluster.modellost"},
		{"a model of other settings", func(b *bed) {
			half(b, func(s string) string { return strings.Replace(s, `"1.33.10"`, `"1.34.4"`, 1) })
			b.hub.group, b.hub.deployments = true, []w.ARMDeployment{{Name: "ratings-seattle-12"}}
		}, false, false, "cluster.othermodel"},
		{"a broken model", func(b *bed) {
			b.host.put(outModel, "{")
			b.hub.group, b.hub.deployments = true, []w.ARMDeployment{{Name: "ratings-seattle-12"}}
		}, false, false, "cluster.modelbroken"},
		{"a former job that runs", func(b *bed) {
			b.host.put(folder+"jobs", "deploy-old-1\n")
			b.host.jobs["deploy-old-1"] = &job{state: "running"}
		}, false, false, "cluster.busy"},
		{"a former job that ended", func(b *bed) {
			b.host.put(folder+"jobs", "deploy-old-1\n")
			b.host.jobs["deploy-old-1"] = &job{state: "exited"}
		}, true, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			x := b.start(nil)
			b.must(x, "prepare")
			tt.setup(b)
			b.host.engine = b.failing(1, false, "Error: enough for this test")
			err := x.Run(context.Background(), "deploy", b.log)
			if tt.code != "" {
				wantProblem(t, err, tt.code)
				if len(b.host.order) > 0 {
					t.Error("the engine was started")
				}
				return
			}
			if len(b.host.order) != 1 {
				t.Fatalf("jobs %v, error %v", b.host.order, err)
			}
			argv := b.host.jobs[b.host.order[0]].Argv
			if fresh := flag(argv, "--api-model") == "~/"+input; fresh != tt.fresh || slices.Contains(argv, "--force-overwrite") == fresh {
				t.Errorf("%q", argv)
			}
			aside := 0
			for name := range b.host.files {
				if strings.HasPrefix(name, folder+"output-") {
					aside++
				}
			}
			if (aside > 0) != tt.aside {
				t.Errorf("files: %v", b.host.files)
			}
		})
	}
}

func TestCancelStopsTheCommand(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf to SIGTERM: %v", deaf), func(t *testing.T) {
			b := newBed(t)
			b.host.deaf = deaf
			good := b.goodEngine
			ctx, cancel := context.WithCancelCause(context.Background())
			b.host.engine = func(j *job) []func() {
				turns := good(j)
				return append(turns[:2], func() { cancel(errors.New("the run was cancelled")) }, func() {}, func() {})
			}
			x := b.start(nil)
			b.must(x, "prepare")
			if err := x.Run(ctx, "deploy", b.log); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			want := []string{"TERM"}
			if deaf {
				want = append(want, "KILL")
			}
			if !slices.Equal(b.host.sent, want) {
				t.Errorf("signals %v", b.host.sent)
			}
			b.logged("Sending SIGTERM", "good The command on the helper VM has ended.", "may go on with the deployment ratings-seattle-7")
			if strings.Index(b.log.text(), "has ended") < strings.Index(b.log.text(), "SIGTERM") {
				t.Error("said too early")
			}
			// A retry starts another job.
			b.host.engine = b.goodEngine
			b.must(b.resume(b.state(x)), "deploy")
			if len(b.host.order) != 2 {
				t.Errorf("jobs: %v", b.host.order)
			}
		})
	}
}

// After a crash the engine of runs enters the step with a context that is over
// already, so that it stops what it had started.
func TestCancelAfterACrash(t *testing.T) {
	for _, tt := range []struct {
		name    string
		running bool
		want    string
	}{{"job runs", true, "has ended"}, {"no job", false, "had not been started"}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			x := b.start(nil)
			b.must(x, "prepare")
			if tt.running {
				var s struct{ JobBase string }
				if err := json.Unmarshal(b.state(x), &s); err != nil {
					t.Fatal(err)
				}
				b.host.jobs[s.JobBase+"-1"] = &job{state: "running"}
			}
			over, cancel := context.WithCancelCause(context.Background())
			cancel(errors.New("the run was cancelled"))
			if err := x.Run(over, "deploy", b.log); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			b.logged(tt.want)
			// Also where there is no job: its start may be on the way.
			if !slices.Equal(b.host.sent, []string{"TERM"}) {
				t.Errorf("signals %v", b.host.sent)
			}
			// The name of the job is used up, so that a retry starts another one.
			var after struct{ JobsEnded int }
			if err := json.Unmarshal(b.state(x), &after); err != nil || after.JobsEnded != 1 {
				t.Errorf("%+v, %v", after, err)
			}
		})
	}
}

func TestCancelWhenTheHelperVMIsGone(t *testing.T) {
	b := newBed(t)
	x := b.start(nil)
	b.must(x, "prepare")
	b.hostDown = errors.New("dial tcp: i/o timeout")
	over, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("the run was cancelled"))
	if err := x.Run(over, "deploy", b.log); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	b.logged("cannot be said whether")
	if strings.Contains(b.log.text(), "has ended.") {
		t.Error("says that it has ended")
	}
}
