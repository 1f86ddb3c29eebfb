package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/workflows"
)

// counting prints lines "line 1" to "line n", a few at a time.
func counting(id string, n, burst int, pause string) Job {
	script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do i=$((i+1)); echo "line $i"; [ $((i %% %d)) -ne 0 ] || sleep %s; done; exit 6`, n, burst, pause)
	return Job{ID: id, Argv: []string{"/bin/sh", "-c", script}}
}

func counted(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("line %d", i+1)
	}
	return out
}

func TestWatch(t *testing.T) {
	s := startSSHD(t)
	startJob(t, s.dial(t), Job{ID: "j", Argv: []string{"printf", `one\r\n\n\033[31mred\033[0m\nbad \377 byte\nno newline`}})
	cur := &memoryCursor{}
	var seen []workflows.OutputLine
	classify := func(line string) workflows.Level {
		if strings.Contains(line, "red") {
			return workflows.LevelError
		}
		return workflows.LevelOutput
	}
	code, err := Watch(bg, s.open, "j", cur, classify, func(l []workflows.OutputLine) { seen = append(seen, l...) }, nil)
	if err != nil || code != 0 {
		t.Fatalf("code %d, %v", code, err)
	}
	o := workflows.LevelOutput
	want := []workflows.OutputLine{{Level: o, Text: "one"}, {Level: o}, {Level: workflows.LevelError, Text: "\x1b[31mred\x1b[0m"},
		{Level: o, Text: "bad \uFFFD byte"}, {Level: o, Text: "no newline"}}
	if d := cmp.Diff(want, cur.lines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error("onLines: ", d)
	}
	// Once more from the end: nothing is stored twice.
	if code, err := Watch(bg, s.open, "j", cur, nil, nil, nil); err != nil || code != 0 || len(cur.lines) != len(want) {
		t.Errorf("again: code %d, %v, %d lines", code, err, len(cur.lines))
	}
}

func TestWatchAbsent(t *testing.T) {
	s := startSSHD(t)
	_, err := Watch(bg, s.open, "never", &memoryCursor{}, nil, nil, nil)
	wantProblem(t, err, codeJobAbsent)
}

func TestWatchIsLive(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	startJob(t, h, Job{ID: "j", Argv: []string{"/bin/sh", "-c", `i=0; while [ $i -lt 8 ]; do sleep 0.4; i=$((i+1)); date +%s%N; done`}})
	var late []time.Duration
	_, err := Watch(bg, s.open, "j", &memoryCursor{}, nil, func(lines []workflows.OutputLine) {
		for _, l := range lines {
			var at int64
			fmt.Sscan(l.Text, &at)
			late = append(late, time.Since(time.Unix(0, at)))
		}
	}, nil)
	if err != nil || len(late) != 8 {
		t.Fatalf("%d lines, %v", len(late), err)
	}
	var sum time.Duration
	for _, d := range late {
		sum += d
	}
	// Half of a nap plus the way there, on a machine that may be busy.
	if mean := sum / 8; mean > time.Second {
		t.Errorf("lines came %s late on average: %v", mean, late)
	} else {
		t.Logf("lines came %s late on average", mean)
	}
}

func TestWatchWithCutConnections(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	wire := newCable(t, addressOf(s.target))
	const lines = 6000
	startJob(t, s.dial(t), counting("j", lines, 100, "0.05"))
	cur := &memoryCursor{}
	var states atomic.Int64
	cutting, stop := context.WithTimeout(bg, 6*time.Second)
	cutter := make(chan struct{})
	random := rand.New(rand.NewPCG(1, 2))
	go func() {
		defer close(cutter)
		for {
			select {
			case <-cutting.Done():
				return
			case <-time.After(time.Duration(20+random.IntN(400)) * time.Millisecond):
				wire.cut()
			}
		}
	}()
	open := func(ctx context.Context) (*Host, error) { return Dial(ctx, wire.through(s.target)) }
	code, err := Watch(bg, open, "j", cur, nil, nil, func(string) { states.Add(1) })
	stop()
	<-cutter
	if err != nil || code != 6 {
		t.Fatalf("code %d, %v", code, err)
	}
	if d := cmp.Diff(counted(lines), cur.texts()); d != "" {
		t.Error(d)
	}
	if wire.cuts < 3 || states.Load() < int64(wire.cuts) {
		t.Errorf("%d cuts, %d words about it", wire.cuts, states.Load())
	}
	t.Logf("%d cuts", wire.cuts)
}

// TestWatchChild is no test of its own: it is the server that
// TestWatchKilled kills.
func TestWatchChild(t *testing.T) {
	spec := os.Getenv("REMOTE_TEST_WATCH")
	if spec == "" {
		return
	}
	var in watchSpec
	if err := json.Unmarshal([]byte(spec), &in); err != nil {
		t.Fatal(err)
	}
	cur, err := openFileCursor(in.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	open := func(ctx context.Context) (*Host, error) { return Dial(ctx, in.Target) }
	h, err := open(bg)
	if err != nil {
		t.Fatal(err)
	}
	// What a step does: start, unless a former self did, and follow.
	if _, err := h.StartJob(bg, in.Job); err != nil {
		t.Fatal(err)
	}
	h.Close()
	code, err := Watch(bg, open, in.Job.ID, cur, nil, nil, nil)
	if err != nil || code != 6 {
		t.Fatalf("code %d, %v", code, err)
	}
}

type watchSpec struct {
	Target Target
	Job    Job
	Cursor string
}

func TestWatchKilled(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	const lines = 4000
	job := counting("j", lines, 50, "0.05")
	job.Argv[2] = "echo started >>~/starts; " + job.Argv[2]
	spec := watchSpec{Target: s.target, Job: job, Cursor: filepath.Join(t.TempDir(), "cursor")}
	arg, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	kills, ended := 0, false
	for !ended && kills < 60 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWatchChild$")
		cmd.Env = append(os.Environ(), "REMOTE_TEST_WATCH="+string(arg))
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v:\n%s", err, out.String())
			}
			ended = true
		case <-time.After(time.Duration(random.IntN(900)) * time.Millisecond):
			cmd.Process.Kill()
			<-done
			kills++
		}
	}
	cur, err := openFileCursor(spec.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(counted(lines), cur.texts); d != "" {
		t.Error(d)
	}
	if got := readFile(t, filepath.Join(s.home, "starts")); got != "started\n" {
		t.Errorf("starts: %q", got)
	}
	if kills < 3 {
		t.Errorf("only %d kills", kills)
	}
	t.Logf("%d kills", kills)
}

func TestWatchCancel(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	startJob(t, h, Job{ID: "j", Argv: []string{"/bin/sh", "-c", "echo begun; exec sleep 300"}})
	defer h.SignalJob(bg, "j", "KILL")
	ctx, cancel := context.WithCancel(bg)
	_, err := Watch(ctx, s.open, "j", &memoryCursor{}, nil, func([]workflows.OutputLine) { cancel() }, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	waitState(t, h, "j", JobRunning)
}

func TestWatchStorageTrouble(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	startJob(t, s.dial(t), counting("j", 50, 50, "0"))
	busy := errors.New("database is busy")
	left := 3
	cur := &memoryCursor{refuse: func() error {
		if left--; left >= 0 {
			return busy
		}
		return nil
	}}
	if code, err := Watch(bg, s.open, "j", cur, nil, nil, nil); err != nil || code != 6 || len(cur.lines) != 50 {
		t.Errorf("passing trouble: code %d, %v, %d lines", code, err, len(cur.lines))
	}
	if testing.Short() {
		return
	}
	_, err := Watch(bg, s.open, "j", &memoryCursor{refuse: func() error { return busy }}, nil, nil, nil)
	if !errors.Is(err, busy) {
		t.Errorf("lasting trouble: %v", err)
	}
}

func TestWatchGivesUpOnAnotherHostKey(t *testing.T) {
	s := startSSHD(t)
	startJob(t, s.dial(t), counting("j", 1, 1, "0"))
	target := s.target
	_, target.HostKey = testKey(t)
	_, err := Watch(bg, func(ctx context.Context) (*Host, error) { return Dial(ctx, target) }, "j", &memoryCursor{}, nil, nil, nil)
	wantProblem(t, err, codeHostKey)
}

func TestWatchShrunkenOutput(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	startJob(t, h, counting("j", 3, 3, "0"))
	waitState(t, h, "j", JobExited)
	_, err := Watch(bg, s.open, "j", &memoryCursor{offset: 1000}, nil, nil, nil)
	wantProblem(t, err, codeJobChanged)
}

func TestCutter(t *testing.T) {
	long := strings.Repeat("é", maxLine) // twice maxLine bytes
	tests := []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"lines", "a\nb\r\n\nc", []string{"a", "b", "", "c"}},
		{"exactly the limit", strings.Repeat("x", maxLine) + "\ny\n", []string{strings.Repeat("x", maxLine), "y"}},
		{"one beyond", strings.Repeat("x", maxLine+1) + "\n", []string{strings.Repeat("x", maxLine), "x"}},
		{"not through a character", "a" + long + "\n", []string{"a" + long[:maxLine-2], long[maxLine-2 : 2*maxLine-2], "é"}},
		{"no text at all", strings.Repeat("\x80", maxLine+10), []string{strings.ToValidUTF8(strings.Repeat("\x80", maxLine-4), "\uFFFD"), "\uFFFD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, step := range []int{1, 7, 1000, 1 << 20} {
				if step == 1 && len(tt.in) > 1000 {
					continue
				}
				if d := cmp.Diff(tt.want, cutAll(tt.in, step)); d != "" {
					t.Fatalf("in steps of %d: %s", step, d)
				}
			}
		})
	}
}

// cutAll feeds the cutter in steps and begins again with a new one now and
// then, as after a crash.
func cutAll(in string, step int) []string {
	var out []string
	c := &cutter{}
	for round := 0; c.at < int64(len(in)); round++ {
		if round%5 == 4 {
			c = &cutter{at: c.at}
		}
		from := int(c.next())
		to := min(from+step*(1+round), len(in))
		for _, l := range c.add([]byte(in[from:to]), to == len(in)) {
			out = append(out, l.Text)
		}
	}
	return out
}

// FuzzCutter holds that however the bytes arrive, the lines are the same.
func FuzzCutter(f *testing.F) {
	f.Add("a\nb\r\n\nc", 1)
	f.Add(strings.Repeat("x", maxLine+5)+"\n\r\n", 1000)
	f.Add("\xff\xfe\n\r", 3)
	f.Fuzz(func(t *testing.T, in string, step int) {
		step = max(step%5000, 1)
		if d := cmp.Diff(cutAll(in, len(in)+1), cutAll(in, step)); d != "" {
			t.Error(d)
		}
	})
}

// BenchmarkWatch follows the finished output of a 100,000-line job.
func BenchmarkWatch(b *testing.B) {
	s := startSSHD(b)
	h := s.dial(b)
	const lines = 100_000
	startJob(b, h, Job{ID: "j", Argv: []string{"/bin/sh", "-c", fmt.Sprintf(`yes "a line of output that is about as long as those of the engine usually are, with a time" | head -n %d`, lines)}})
	size := waitState(b, h, "j", JobExited).OutputSize
	b.SetBytes(size)
	b.ResetTimer()
	for range b.N {
		cur := &memoryCursor{}
		if _, err := Watch(bg, s.open, "j", cur, nil, nil, nil); err != nil || len(cur.lines) != lines {
			b.Fatalf("%d lines, %v", len(cur.lines), err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkRawSSH is the same bytes through cat, to compare with.
func BenchmarkRawSSH(b *testing.B) {
	s := startSSHD(b)
	h := s.dial(b)
	startJob(b, h, Job{ID: "j", Argv: []string{"/bin/sh", "-c", `yes "a line of output that is about as long as those of the engine usually are, with a time" | head -n 100000`}})
	b.SetBytes(waitState(b, h, "j", JobExited).OutputSize)
	b.ResetTimer()
	for range b.N {
		p, err := h.start(bg, "cat .hubwright/jobs/j/output.log", nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, p.stdout)
		if _, err := p.wait(); err != nil {
			b.Fatal(err)
		}
	}
}
