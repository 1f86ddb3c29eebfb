package remote

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hubwright/workflows"
)

var (
	//go:embed scripts/lib.sh
	jobLib string
	//go:embed scripts/start.sh
	startScript string
	//go:embed scripts/runner.sh
	runnerScript string
	//go:embed scripts/look.sh
	lookScript string
	//go:embed scripts/read.sh
	readScript string
	//go:embed scripts/follow.sh
	followScript string
	//go:embed scripts/signal.sh
	signalScript string
)

var (
	jobIDs   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)
	envNames = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	signals  = []string{"HUP", "INT", "QUIT", "KILL", "TERM", "USR1", "USR2"}
)

// Job is a command that runs on a host without us. The package comment tells
// how. A leading ~/ in Argv, in a value of Env and in Dir stands for the home
// folder there; nothing else is expanded.
type Job struct {
	ID   string // folder below ~/.hubwright/jobs: letters, digits, . _ -
	Argv []string
	Env  map[string]string // on top of what a login over SSH has
	Dir  string            // where it runs; "" is the home folder, relative is below it
}

// JobState is where a job stands.
type JobState string

// The states of a job.
const (
	JobAbsent  JobState = "absent"  // never started
	JobRunning JobState = "running" // it, or a process that it left behind
	JobExited  JobState = "exited"
	JobLost    JobState = "lost" // gone without an exit code: reboot, out of memory
)

// JobStatus is what the job's folder and the process table say now.
type JobStatus struct {
	State      JobState
	ExitCode   int   // when exited; 128 + n when signal n ended it
	OutputSize int64 // bytes of output so far
}

// StartJob starts the job unless it was started before, by us, a former self
// or another server; however often and from wherever it is called, the command
// starts once. When it fails or the connection breaks, whether the job was
// started is unknown: call again.
func (h *Host) StartJob(ctx context.Context, j Job) (started bool, err error) {
	command, err := j.script()
	if err != nil {
		return false, err
	}
	args := []string{j.ID, newNonce(), strconv.Itoa(len(command)), compact(jobLib + runnerScript)}
	out, err := h.sh(ctx, compact(startScript), args, strings.NewReader(command))
	if err != nil {
		return false, err
	}
	switch answer := strings.TrimSpace(out.Stdout); answer {
	case "started":
		return true, nil
	case "before":
		return false, nil
	case "unlinkable":
		return false, h.remoteProblem("Starting job "+j.ID, out.ExitCode, "the home folder's file system has no hard links")
	}
	return false, h.remoteProblem("Starting job "+j.ID, out.ExitCode, out.Stderr)
}

// JobStatus looks at a job.
func (h *Host) JobStatus(ctx context.Context, id string) (JobStatus, error) {
	if err := checkJobID(id); err != nil {
		return JobStatus{}, err
	}
	out, err := h.sh(ctx, compact(jobLib+lookScript), []string{id}, nil)
	if err != nil {
		return JobStatus{}, err
	}
	var s JobStatus
	if n, _ := fmt.Sscanf(out.Stdout, "%s %d %d", &s.State, &s.ExitCode, &s.OutputSize); n != 3 || out.ExitCode != 0 {
		return JobStatus{}, h.remoteProblem("Looking at job "+id, out.ExitCode, out.Stderr+out.Stdout)
	}
	return s, nil
}

// ReadJob reads up to max bytes of the job's output from byte offset on; none
// when there is nothing more yet. stdout and stderr are one stream. For a job
// that was never started, errors.Is(err, workflows.ErrNotFound).
func (h *Host) ReadJob(ctx context.Context, id string, offset int64, max int) ([]byte, error) {
	if err := checkJobID(id); err != nil {
		return nil, err
	}
	max = min(max, maxStdout)
	args := []string{id, strconv.FormatInt(offset, 10), strconv.Itoa(max)}
	out, err := h.sh(ctx, compact(readScript), args, nil)
	switch {
	case err != nil:
		return nil, err
	case out.ExitCode == exitMissing:
		return nil, fmt.Errorf("job %s on %s: %w", id, h.target.Host, workflows.ErrNotFound)
	case out.ExitCode != 0:
		return nil, h.remoteProblem("Reading the output of job "+id, out.ExitCode, out.Stderr)
	}
	return []byte(out.Stdout), nil
}

// SignalJob sends a signal (HUP, INT, QUIT, KILL, TERM, USR1, USR2) to the
// job's processes, after making sure that they are the job's. It does not wait
// for what they do about it: JobStatus tells. On a host whose setsid is very
// old or missing, jobs ignore INT and QUIT: TERM and KILL work everywhere. A
// job that has ended is left alone without an error. One that was never
// started never will be, also not by a StartJob that is still on its way, and
// errors.Is(err, workflows.ErrNotFound).
func (h *Host) SignalJob(ctx context.Context, id, signal string) error {
	if err := checkJobID(id); err != nil {
		return err
	}
	signal = strings.TrimPrefix(signal, "SIG")
	if !slices.Contains(signals, signal) {
		return fmt.Errorf("signal %q is not one of %s", signal, strings.Join(signals, ", "))
	}
	out, err := h.sh(ctx, compact(jobLib+signalScript), []string{id, signal, newNonce()}, nil)
	switch {
	case err != nil:
		return err
	case out.ExitCode != 0:
		return h.remoteProblem("Signalling job "+id, out.ExitCode, out.Stderr)
	case strings.TrimSpace(out.Stdout) == string(JobAbsent):
		return fmt.Errorf("job %s on %s: %w", id, h.target.Host, workflows.ErrNotFound)
	}
	return nil
}

// script is cmd.sh: it sets the environment and becomes the command.
func (j Job) script() (string, error) {
	if err := checkJobID(j.ID); err != nil {
		return "", err
	}
	if len(j.Argv) == 0 || j.Argv[0] == "" {
		return "", fmt.Errorf("job %s has no command", j.ID)
	}
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, name := range slices.Sorted(maps.Keys(j.Env)) {
		if !envNames.MatchString(name) {
			return "", fmt.Errorf("job %s: %q is no name for an environment variable", j.ID, name)
		}
		fmt.Fprintf(&b, "export %s=%s\n", name, homeWord(j.Env[name]))
	}
	b.WriteString("cd \"$HOME\" || exit 126\n")
	if j.Dir != "" {
		fmt.Fprintf(&b, "cd -- %s || exit 126\n", homeWord(j.Dir))
	}
	b.WriteString("exec")
	for _, a := range j.Argv {
		b.WriteByte(' ')
		b.WriteString(homeWord(a))
	}
	b.WriteByte('\n')
	return b.String(), nil
}

// homeWord is Quote with a leading ~/ opened.
func homeWord(s string) string {
	if rest, ok := strings.CutPrefix(s, "~/"); ok {
		return `"$HOME"/` + Quote(rest)
	}
	return Quote(s)
}

// checkJobID keeps ids from leaving the jobs folder or meaning anything to a
// shell.
func checkJobID(id string) error {
	if !jobIDs.MatchString(id) || strings.Trim(id, ".") == "" {
		return fmt.Errorf("%q is no name for a job", id)
	}
	return nil
}
