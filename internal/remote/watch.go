package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hubwright/workflows"
)

const (
	firstPause = 500 * time.Millisecond
	longPause  = 15 * time.Second

	// stubborn is how often in a row something is tried that the network does
	// not explain: a login that is refused, a log that cannot be written.
	stubborn = 5
)

// Watch follows a job to its end and returns its exit code. Every line of its
// output goes to cur once, in order, whatever breaks: the position is where
// cur says, and it moves with the lines in one step. After they are stored,
// lines go to onLines. A line longer than 64 KiB becomes several; a last one
// without newline counts when the job has ended; ANSI colours stay; bytes that
// are not UTF-8 become U+FFFD.
//
// open makes a connection, which Watch closes. When it is lost, Watch tells
// onState and opens another one, patiently and without limit; it gives up when
// the context ends, when the host shows another key, and when trying again has
// no sense. A job that is lost or was never started is a *workflows.Problem
// (job.lost, job.absent). The job itself is never touched.
//
// classify, onLines and onState may be nil.
func Watch(ctx context.Context, open func(ctx context.Context) (*Host, error), id string, cur workflows.Cursor,
	classify func(line string) workflows.Level, onLines func([]workflows.OutputLine), onState func(text string)) (exitCode int, err error) {
	w := &watcher{open: open, id: id, cur: cur, classify: classify, onLines: onLines, onState: onState}
	if w.onLines == nil {
		w.onLines = func([]workflows.OutputLine) {}
	}
	if w.onState == nil {
		w.onState = func(string) {}
	}
	return w.run(ctx)
}

type watcher struct {
	open     func(ctx context.Context) (*Host, error)
	id       string
	cur      workflows.Cursor
	classify func(string) workflows.Level
	onLines  func([]workflows.OutputLine)
	onState  func(string)

	failures int       // of the connection, in a row
	refusals int       // of what is not the network's fault, in a row
	last     JobStatus // of the newest frame
}

func (w *watcher) run(ctx context.Context) (int, error) {
	pause := firstPause
	for {
		err := w.connection(ctx)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err == nil:
			return w.verdict()
		case w.hopeless(err):
			return 0, err
		}
		if w.failures == 0 {
			pause = firstPause
		}
		w.failures++
		w.onState(fmt.Sprintf("%s Trying again in %s (the command goes on meanwhile).", sentence(err), pause))
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
}

// connection follows the job over one connection.
func (w *watcher) connection(ctx context.Context) error {
	host, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer host.Close()
	// From where the stored lines end, not from what we remember: what was read
	// but not stored is read again.
	c := &cutter{at: w.cur.Offset(), classify: w.classify}
	return host.follow(ctx, w.id, c.at, func(f frame) error {
		w.last = f.JobStatus
		if f.State != JobAbsent && f.OutputSize < c.at {
			return w.changed(c.at, f.OutputSize)
		}
		end := f.State != JobRunning && c.next()+int64(len(f.data)) >= f.OutputSize
		if err := w.store(ctx, c, f.data, end); err != nil {
			return err
		}
		if w.failures > 0 && w.refusals == 0 {
			w.failures = 0
			w.onState("Connected again; following from where the log ends.")
		}
		return nil
	})
}

func (w *watcher) store(ctx context.Context, c *cutter, data []byte, end bool) error {
	lines := c.add(data, end)
	if len(lines) == 0 {
		return nil
	}
	if err := w.cur.Append(ctx, c.at, lines); err != nil {
		return fmt.Errorf("storing the output of job %s: %w", w.id, err)
	}
	w.refusals = 0
	w.onLines(lines)
	return nil
}

func (w *watcher) verdict() (int, error) {
	switch w.last.State {
	case JobExited:
		return w.last.ExitCode, nil
	case JobAbsent:
		return 0, &workflows.Problem{Code: codeJobAbsent, What: "The command was never started on the helper VM",
			Why: "There is no record of job " + w.id + " there.", Fix: "Start it again. If the VM was made anew, make sure that nothing else works on the cluster."}
	}
	return 0, &workflows.Problem{Code: codeJobLost, What: "The command ended without telling how",
		Why: "Its process is gone and left no exit code: most likely the VM was restarted or ran out of memory.",
		Fix: "Look at what it had done before going on. A retry observes that first."}
}

func (w *watcher) changed(stored, size int64) *workflows.Problem {
	return &workflows.Problem{Code: codeJobChanged, What: "The command's output became shorter than what is in the log already",
		Why: fmt.Sprintf("%d bytes are in the log, %d are on the VM: its disk was put back to an older state.", stored, size),
		Fix: "Find out what was restored there, and compare cluster and API model before going on."}
}

// hopeless says whether to give up rather than try again.
func (w *watcher) hopeless(err error) bool {
	if passing(err) {
		return false
	}
	var p *workflows.Problem
	if errors.As(err, &p) && p.Code != codeAuth && p.Code != codeRemote {
		return true
	}
	w.refusals++
	return w.refusals >= stubborn
}

func sentence(err error) string {
	var p *workflows.Problem
	if errors.As(err, &p) {
		return p.What + "."
	}
	return strings.TrimSuffix(err.Error(), ".") + "."
}
