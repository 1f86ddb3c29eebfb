package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hubwright/workflows"
)

const (
	crashDir   = "HUBWRIGHT_TEST_CRASH_DIR"
	crashSteps = 4
	crashLines = 40
)

// crashWorkflow follows, in each step, a file that grows whatever happens to
// us, as a remote command's output does.
func crashWorkflow(dir string) workflows.Definition {
	var steps []workflows.Step[state]
	for i := range crashSteps {
		id := fmt.Sprintf("s%d", i)
		steps = append(steps, step(id, func(ctx context.Context, _ *state, log workflows.Log) error {
			if err := note(dir, "begun "+id); err != nil {
				return err
			}
			cur, err := log.Cursor(ctx, id)
			if err != nil {
				return err
			}
			for n := int(cur.Offset()); n < crashLines; n++ {
				if err := cur.Append(ctx, int64(n+1), []workflows.OutputLine{{Text: fmt.Sprintf("%s line %d", id, n)}}); err != nil {
					return err
				}
				time.Sleep(2 * time.Millisecond) // the pace of the command that is followed
			}
			return note(dir, "ended "+id)
		}))
	}
	return workflow(steps...)
}

func note(dir, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, "notes"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, text)
	return err
}

// TestCrashChild is the server that the parent kills. It ends by itself when
// the run has ended.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return // only a body for the child process
	}
	r := newRig(t, dir, crashWorkflow(dir))
	runs, err := r.db.UnfinishedRuns(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	if raw, err := os.ReadFile(filepath.Join(dir, "run")); err == nil {
		id = string(raw)
	} else if len(runs) > 0 {
		id = runs[0].ID
	} else {
		id = r.mustStart().ID
		if err := os.WriteFile(filepath.Join(dir, "run"), []byte(id), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("up")
	r.ended(id)
}

func TestKillNineAtRandomMoments(t *testing.T) {
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(7, 11))
	kills := 0
	for {
		if kills > 60 {
			t.Fatal("the run never ends")
		}
		var moment time.Duration
		if kills < 10 {
			moment = time.Duration(rnd.IntN(120)) * time.Millisecond
		}
		if child(t, dir, moment) {
			break
		}
		kills++
	}
	if kills < 5 {
		t.Errorf("only %d kills happened: the test proves little", kills)
	}
	r := newRig(t, dir, crashWorkflow(dir))
	raw, err := os.ReadFile(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	run := r.ended(string(raw))
	if run.Status != workflows.RunSucceeded {
		t.Fatalf("run is %s: %v", run.Status, run.Problem)
	}
	checkCrashLog(t, r.log(run))
	checkCrashNotes(t, dir)
}

// child runs the server until it ends (true) or is killed after moment
// (counted from when it is up; zero: not killed).
func child(t *testing.T, dir string, moment time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "up" {
	}
	if moment > 0 {
		timer := time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	for lines.Scan() {
	}
	return cmd.Wait() == nil
}

func checkCrashLog(t *testing.T, log string) {
	t.Helper()
	var want strings.Builder
	for s := range crashSteps {
		for n := range crashLines {
			fmt.Fprintf(&want, "output s%d line %d\n", s, n)
		}
	}
	if log != want.String() {
		t.Errorf("the log is not every line once and in order:\n%s", log)
	}
}

// checkCrashNotes proves that no step began again after its end was recorded:
// once a later step began, an earlier one never does.
func checkCrashNotes(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	highest := -1
	for line := range strings.Lines(string(raw)) {
		word, id, _ := strings.Cut(strings.TrimSpace(line), " s")
		n, err := strconv.Atoi(id)
		if err != nil {
			t.Fatal(err)
		}
		if word == "begun" && n < highest {
			t.Errorf("step s%d ran again after s%d had begun", n, highest)
		}
		highest = max(highest, n)
	}
}
