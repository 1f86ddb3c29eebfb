package remote

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hubwright/workflows"
)

var bg = context.Background()

func startJob(t testing.TB, h *Host, j Job) {
	t.Helper()
	started, err := h.StartJob(bg, j)
	if err != nil || !started {
		t.Fatalf("StartJob: %v, %v", started, err)
	}
}

func waitState(t testing.TB, h *Host, id string, want JobState) JobStatus {
	t.Helper()
	var last JobStatus
	eventually(t, 20*time.Second, "job "+id+" is "+string(want), func() bool {
		var err error
		if last, err = h.JobStatus(bg, id); err != nil {
			t.Fatal(err)
		}
		return last.State == want
	})
	return last
}

// runnerOf is the process number in a job's pid file.
func (s *sshd) runnerOf(t testing.TB, id string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.Fields(readFile(t, s.jobFile(id, "pid")))[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestJob(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	status, err := h.JobStatus(bg, "deploy-1")
	if err != nil || status != (JobStatus{State: JobAbsent}) {
		t.Fatalf("before the start: %+v, %v", status, err)
	}
	if err := os.Mkdir(filepath.Join(s.home, "work dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	job := Job{
		ID:   "deploy-1",
		Argv: []string{"/bin/sh", "-c", `echo "$SECRET|$CA|$PWD|$1|$2"; echo error >&2; umask; ls -ld output.log 2>/dev/null; exit 3`, "x", "it's; $(id)", "~/file"},
		Env:  map[string]string{"SECRET": "pa ss'wo$rd", "CA": "~/ca.pem"},
		Dir:  "~/work dir",
	}
	startJob(t, h, job)
	status = waitState(t, h, job.ID, JobExited)
	if status.ExitCode != 3 {
		t.Errorf("exit code %d, want 3", status.ExitCode)
	}
	mask, err := h.Run(bg, "umask", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "pa ss'wo$rd|" + s.home + "/ca.pem|" + s.home + "/work dir|it's; $(id)|" + s.home + "/file\nerror\n" + mask.Stdout
	got, err := h.ReadJob(bg, job.ID, 0, 1<<20)
	if err != nil || string(got) != want {
		t.Errorf("output %q, %v; want %q", got, err, want)
	}
	if status.OutputSize != int64(len(want)) {
		t.Errorf("size %d, want %d", status.OutputSize, len(want))
	}
	if part, err := h.ReadJob(bg, job.ID, 3, 5); err != nil || string(part) != want[3:8] {
		t.Errorf("a part is %q, %v; want %q", part, err, want[3:8])
	}
	if more, err := h.ReadJob(bg, job.ID, int64(len(want)), 5); err != nil || len(more) != 0 {
		t.Errorf("behind the end: %q, %v", more, err)
	}
	info, err := os.Stat(s.jobFile(job.ID, "cmd.sh"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("cmd.sh has mode %v, %v", info.Mode(), err)
	}
	if started, err := h.StartJob(bg, job); err != nil || started {
		t.Errorf("a second start: %v, %v", started, err)
	}
	for _, name := range []string{"cmd.", "pid."} {
		left, _ := filepath.Glob(s.jobFile(job.ID, name+"*"))
		for _, f := range left {
			if filepath.Base(f) != "cmd.sh" {
				t.Errorf("%s was left behind", f)
			}
		}
	}
}

func TestJobSecretsStayOutOfProcessLists(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	const secret = "Very-Secret-4711"
	startJob(t, h, Job{ID: "j", Argv: []string{"/bin/sh", "-c", "sleep 300"}, Env: map[string]string{"TOKEN": secret}})
	defer h.SignalJob(bg, "j", "KILL")
	lists, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lists) == 0 {
		t.Fatalf("no process list: %v", err)
	}
	for _, f := range lists {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), secret) {
			t.Errorf("%s shows the secret: %q", f, b)
		}
	}
}

func TestJobStartsOnceWhoeverCalls(t *testing.T) {
	s := startSSHD(t)
	const callers = 20
	type answer struct {
		started bool
		err     error
	}
	answers := make(chan answer)
	begin := make(chan struct{})
	job := Job{ID: "race", Argv: []string{"/bin/sh", "-c", "echo $$ >>~/starts; sleep 0.3"}}
	hosts := []*Host{s.dial(t), s.dial(t), s.dial(t), s.dial(t)}
	for i := range callers {
		go func() {
			<-begin
			started, err := hosts[i%len(hosts)].StartJob(bg, job)
			answers <- answer{started, err}
		}()
	}
	close(begin)
	starters := 0
	for range callers {
		a := <-answers
		if a.err != nil {
			t.Error(a.err)
		}
		if a.started {
			starters++
		}
	}
	waitState(t, hosts[0], job.ID, JobExited)
	if runs := strings.Count(readFile(t, filepath.Join(s.home, "starts")), "\n"); runs != 1 || starters != 1 {
		t.Errorf("the command ran %d times, %d callers were told that they started it", runs, starters)
	}
	entries, err := os.ReadDir(filepath.Dir(s.jobFile(job.ID, "x")))
	if err != nil || len(entries) != 4 {
		t.Errorf("the folder has %v, %v; want cmd.sh, exit, output.log and pid", entries, err)
	}
}

// The connection may break at any byte of the start: the command must then
// have been started whole or not at all, and calling again settles it.
func TestJobStartWithABreakingConnection(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	wire := newCable(t, addressOf(s.target))
	long := strings.Repeat("x", 100_000)
	for i := range 12 {
		job := Job{ID: "cut-" + strconv.Itoa(i), Argv: []string{"/bin/sh", "-c", `echo started >>~/` + "ran-" + strconv.Itoa(i) + `; echo ${#LONG}`}, Env: map[string]string{"LONG": long}}
		h, err := Dial(bg, wire.through(s.target))
		if err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(i)*3*time.Millisecond, func() { wire.cut() })
		h.StartJob(bg, job)
		timer.Stop()
		h.Close()
		again := s.dial(t)
		if _, err := again.StartJob(bg, job); err != nil {
			t.Fatal(err)
		}
		waitState(t, again, job.ID, JobExited)
		out, err := again.ReadJob(bg, job.ID, 0, 100)
		if ran := readFile(t, filepath.Join(s.home, "ran-"+strconv.Itoa(i))); err != nil || string(out) != "100000\n" || ran != "started\n" {
			t.Errorf("round %d: output %q, %v; ran %q", i, out, err, ran)
		}
	}
}

func TestJobOutlivesItsConnection(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	startJob(t, h, Job{ID: "long", Argv: []string{"/bin/sh", "-c", "until [ -e ~/go ]; do sleep 0.1; done; echo done; exit 5"}})
	h.Close()
	again := s.dial(t)
	waitState(t, again, "long", JobRunning)
	writeFile(t, filepath.Join(s.home, "go"), nil)
	if got := waitState(t, again, "long", JobExited); got.ExitCode != 5 {
		t.Errorf("exit code %d, want 5", got.ExitCode)
	}
}

func TestJobSignals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script, signal string
		code                 int
	}{
		{"term ends it", "sleep 300", "TERM", 143},
		{"int ends it", "exec sleep 300", "SIGINT", 130},
		{"the command cleans up", `trap 'echo bye; exit 9' TERM; touch ready; while :; do sleep 0.1; done`, "TERM", 9},
		{"kill ends what ignores", `trap '' TERM INT HUP; sleep 300`, "KILL", 137},
		{"kill takes the children", "sleep 300 & sleep 300; wait", "KILL", 137},
	}
	s := startSSHD(t)
	h := s.dial(t)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := "signal-" + strconv.Itoa(i)
			startJob(t, h, Job{ID: id, Argv: []string{"/bin/sh", "-c", "touch " + id + "; " + tt.script}})
			// The mark tells that the command itself runs, not only its runner.
			mark := filepath.Join(s.home, id)
			eventually(t, 10*time.Second, "command runs", func() bool {
				_, err := os.Stat(mark)
				if err == nil && strings.Contains(tt.script, "touch ready") {
					_, err = os.Stat(filepath.Join(s.home, "ready"))
				}
				return err == nil
			})
			runner := s.runnerOf(t, id)
			if err := h.SignalJob(bg, id, tt.signal); err != nil {
				t.Fatal(err)
			}
			if got := waitState(t, h, id, JobExited); got.ExitCode != tt.code {
				t.Errorf("exit code %d, want %d", got.ExitCode, tt.code)
			}
			eventually(t, 10*time.Second, "no process of the group is left", func() bool {
				return errors.Is(syscall.Kill(-runner, 0), syscall.ESRCH)
			})
			if err := h.SignalJob(bg, id, "TERM"); err != nil {
				t.Errorf("signal to an ended job: %v", err)
			}
		})
	}
	if err := h.SignalJob(bg, "never", "TERM"); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("signal to no job: %v", err)
	}
	if err := h.SignalJob(bg, "signal-0", "STOP; id"); err == nil {
		t.Error("a made-up signal was accepted")
	}
}

// A cancel may come at any moment of a start. Whatever it finds, afterwards
// nothing runs, and nothing begins to.
func TestJobSignalledWhileItStarts(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	starter, stopper := s.dial(t), s.dial(t)
	for i := range 30 {
		id := "early-" + strconv.Itoa(i)
		ctx, cancel := context.WithCancel(bg)
		done := make(chan struct{})
		go func() {
			defer close(done)
			starter.StartJob(ctx, Job{ID: id, Argv: []string{"sleep", "300"}})
		}()
		// From the first byte of the start to the moment after its claim.
		if i%2 == 0 {
			if i%4 == 0 {
				<-done
			}
			cancel()
		} else {
			eventually(t, 10*time.Second, "the start has come that far", func() bool {
				_, err := os.Stat(filepath.Dir(s.jobFile(id, "pid")))
				return err == nil
			})
		}
		if err := stopper.SignalJob(bg, id, "TERM"); err != nil && !errors.Is(err, workflows.ErrNotFound) {
			t.Fatal(err)
		}
		<-done
		cancel()
		eventually(t, 20*time.Second, id+" does not run", func() bool {
			status, err := stopper.JobStatus(bg, id)
			if err != nil {
				t.Fatal(err)
			}
			return status.State == JobExited || status.State == JobLost
		})
		if started, err := starter.StartJob(bg, Job{ID: id, Argv: []string{"sleep", "300"}}); err != nil || started {
			t.Errorf("%s was started after its end: %v, %v", id, started, err)
		}
	}
}

func TestJobLost(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	startJob(t, h, Job{ID: "j", Argv: []string{"sleep", "300"}})
	waitState(t, h, "j", JobRunning)
	runner := s.runnerOf(t, "j")

	// The runner alone dies: the command lives on, so the job runs.
	if err := syscall.Kill(runner, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "runner is gone", func() bool { return errors.Is(syscall.Kill(runner, 0), syscall.ESRCH) })
	if got := waitState(t, h, "j", JobRunning); got.State != JobRunning {
		t.Errorf("with the command alive: %+v", got)
	}
	// Then all of it.
	if err := syscall.Kill(-runner, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitState(t, h, "j", JobLost)
	if started, err := h.StartJob(bg, Job{ID: "j", Argv: []string{"true"}}); err != nil || started {
		t.Errorf("a lost job was started again: %v, %v", started, err)
	}
	_, err := Watch(bg, s.open, "j", &memoryCursor{}, nil, nil, nil)
	wantProblem(t, err, codeJobLost)
}

// A process number that came back to somebody else must not pass for the job.
func TestJobWithANumberThatIsSomebodyElses(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	other := exec.Command("sleep", "300")
	other.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	pid := strconv.Itoa(other.Process.Pid)
	for id, record := range map[string]string{
		"same-boot": pid + " " + pid + " " + bootID(t) + ".1 nonce\n",
		"rebooted":  pid + " " + pid + " 11111111-2222-3333-4444-555555555555.99 nonce\n",
		"garbled":   pid + "\n",
		"empty":     "",
	} {
		if err := os.MkdirAll(filepath.Dir(s.jobFile(id, "pid")), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, s.jobFile(id, "pid"), []byte(record))
		if got, err := h.JobStatus(bg, id); err != nil || got.State != JobLost {
			t.Errorf("%s: %+v, %v; want lost", id, got, err)
		}
		if err := h.SignalJob(bg, id, "KILL"); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if _, err := os.Stat(s.jobFile(id, "killed")); err == nil {
			t.Errorf("%s: a job that does not run was marked as killed", id)
		}
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process was hit: %v", err)
	}
}

func bootID(t *testing.T) string {
	return strings.TrimSpace(readFile(t, "/proc/sys/kernel/random/boot_id"))
}

func TestJobRefusals(t *testing.T) {
	h := startSSHD(t).dial(t)
	ok := []string{"true"}
	for name, j := range map[string]Job{
		"no id": {Argv: ok}, "up": {ID: "..", Argv: ok}, "slash": {ID: "a/b", Argv: ok}, "blank": {ID: "a b", Argv: ok},
		"shell": {ID: "$(id)", Argv: ok}, "line": {ID: "a\n", Argv: ok}, "long": {ID: strings.Repeat("a", 201), Argv: ok},
		"no command": {ID: "a"}, "empty command": {ID: "a", Argv: []string{""}},
		"bad variable": {ID: "a", Argv: ok, Env: map[string]string{"A B": ""}},
	} {
		if started, err := h.StartJob(bg, j); err == nil || started {
			t.Errorf("%s: started", name)
		}
		if name != "no command" && name != "empty command" && name != "bad variable" {
			if _, err := h.JobStatus(bg, j.ID); err == nil {
				t.Errorf("%s: JobStatus took the id", name)
			}
			if _, err := h.ReadJob(bg, j.ID, 0, 1); err == nil {
				t.Errorf("%s: ReadJob took the id", name)
			}
			if err := h.SignalJob(bg, j.ID, "TERM"); err == nil {
				t.Errorf("%s: SignalJob took the id", name)
			}
		}
	}
	if _, err := h.ReadJob(bg, "never", 0, 1); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("reading no job: %v", err)
	}
}

// What cannot run is an exit code and a line of output, like in any shell.
func TestJobThatCannotRun(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	writeFile(t, filepath.Join(s.home, "plain"), []byte("just text\n"))
	for id, tt := range map[string]struct {
		job  Job
		code int
		say  string
	}{
		"no-program": {Job{Argv: []string{"no-such-program"}}, 127, "no-such-program"},
		"no-folder":  {Job{Argv: []string{"true"}, Dir: "nowhere"}, 126, "nowhere"},
		"no-right":   {Job{Argv: []string{"~/plain"}}, 126, "plain"},
	} {
		tt.job.ID = id
		startJob(t, h, tt.job)
		status := waitState(t, h, id, JobExited)
		out, err := h.ReadJob(bg, id, 0, 1000)
		if err != nil || status.ExitCode != tt.code || !strings.Contains(string(out), tt.say) {
			t.Errorf("%s: %+v, %q, %v; want code %d and %q", id, status, out, err, tt.code, tt.say)
		}
	}
}
