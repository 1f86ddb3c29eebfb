package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"hubwright/workflows"
)

const (
	flushEvery    = 100 * time.Millisecond
	flushBytes    = 64 << 10
	progressEvery = 250 * time.Millisecond
	// What cannot be stored (a full disk) is kept up to here, then the oldest
	// lines give way to a line that says so.
	keepLines = 50_000
)

// logWriter is the Log of one step. It masks lines, numbers nothing itself and
// stores batches: after 100 ms, after 64 KiB, or when the step ends.
type logWriter struct {
	e      *Engine
	ctx    context.Context // outlives the step's cancel: last words are stored
	run    workflows.Run
	step   workflows.StepRun
	before int // percent of the run when the step began
	share  int // percent of the run that the step is worth
	// onProgress is called with each Progress, where the step itself is. May be nil.
	onProgress func()

	mu      sync.Mutex
	lines   []workflows.LogLine
	bytes   int
	timer   *time.Timer
	closed  bool
	percent int
	doing   string
	told    time.Time
	late    *time.Timer

	storing sync.Mutex // keeps batches in order
}

func newLogWriter(e *Engine, def workflows.Definition, run workflows.Run, step workflows.StepRun) *logWriter {
	w := &logWriter{e: e, ctx: context.WithoutCancel(e.root), run: run, step: step, percent: -1}
	w.before, w.share = share(def, step.StepID)
	w.tell()
	return w
}

// share is how much of the run, in percent, lies before a step and in it.
func share(def workflows.Definition, stepID string) (before, own int) {
	total, sum, weight := 0, 0, 0
	for _, s := range def.Info().Steps {
		if s.ID == stepID {
			sum, weight = total, s.Weight
		}
		total += s.Weight
	}
	if total == 0 {
		return 0, 0
	}
	return 100 * sum / total, 100 * weight / total
}

func (w *logWriter) Info(f string, a ...any)  { w.add(workflows.LevelInfo, fmt.Sprintf(f, a...)) }
func (w *logWriter) Warn(f string, a ...any)  { w.add(workflows.LevelWarn, fmt.Sprintf(f, a...)) }
func (w *logWriter) Error(f string, a ...any) { w.add(workflows.LevelError, fmt.Sprintf(f, a...)) }
func (w *logWriter) Good(f string, a ...any)  { w.add(workflows.LevelGood, fmt.Sprintf(f, a...)) }
func (w *logWriter) Phase(f string, a ...any) { w.add(workflows.LevelPhase, fmt.Sprintf(f, a...)) }
func (w *logWriter) Command(text string)      { w.add(workflows.LevelCommand, text) }
func (w *logWriter) Mask(secret string)       { w.e.cfg.Masker.Add(secret) }

func (w *logWriter) add(level workflows.Level, text string) {
	for _, t := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		w.push(w.line(level, t))
	}
}

func (w *logWriter) line(level workflows.Level, text string) workflows.LogLine {
	return workflows.LogLine{
		At: w.e.cfg.Clock(), StepID: w.step.StepID, Attempt: w.step.Attempt,
		Level: level, Text: w.e.cfg.Masker.Mask(text),
	}
}

func (w *logWriter) push(l workflows.LogLine) {
	w.mu.Lock()
	w.lines = append(w.lines, l)
	w.bytes += len(l.Text)
	full := w.bytes >= flushBytes || w.closed
	if !full && w.timer == nil {
		w.timer = time.AfterFunc(flushEvery, func() { _ = w.flush() })
	}
	w.mu.Unlock()
	if full {
		_ = w.flush()
	}
}

func (w *logWriter) flush() error {
	w.storing.Lock()
	defer w.storing.Unlock()
	return w.flushLocked()
}

func (w *logWriter) flushLocked() error {
	w.mu.Lock()
	lines := w.lines
	w.lines, w.bytes = nil, 0
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	w.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	if _, err := w.e.cfg.Journal.AppendLog(w.ctx, w.run.ID, lines, nil); err != nil {
		w.keep(lines, err)
		return err
	}
	w.e.notify(w.run.ID)
	return nil
}

// keep puts lines that could not be stored back in front.
func (w *logWriter) keep(lines []workflows.LogLine, err error) {
	w.e.cfg.Log.Error("storing log lines, will try again", "run", w.run.Number, "lines", len(lines), "err", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	lines = append(lines, w.lines...)
	if cut := len(lines) - keepLines; cut > 0 {
		lines = lines[cut:]
		lines[0] = w.line(workflows.LevelError, fmt.Sprintf("%d lines could not be stored and are lost: %v", cut+1, err))
	}
	w.lines = lines
	if w.timer == nil && !w.closed {
		w.timer = time.AfterFunc(10*flushEvery, func() { _ = w.flush() })
	}
}

func (w *logWriter) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	_ = w.flush()
}

func (w *logWriter) Progress(percent int, doing string) {
	if w.onProgress != nil {
		w.onProgress()
	}
	w.mu.Lock()
	w.percent, w.doing = min(percent, 100), doing
	due := time.Since(w.told) >= progressEvery
	if !due && w.late == nil && !w.closed {
		w.late = time.AfterFunc(progressEvery, w.tell)
	}
	w.mu.Unlock()
	if due {
		w.tell()
	}
}

func (w *logWriter) tell() {
	w.mu.Lock()
	percent, doing, closed := w.percent, w.e.cfg.Masker.Mask(w.doing), w.closed
	w.told = time.Now()
	if w.late != nil {
		w.late.Stop()
		w.late = nil
	}
	w.mu.Unlock()
	if closed {
		return
	}
	whole := w.before + w.share*max(percent, 0)/100
	if err := w.e.cfg.Journal.SetProgress(w.ctx, w.run.ID, w.step.Attempt, w.step.Index, percent, whole, doing); err != nil {
		w.e.cfg.Log.Warn("storing progress", "run", w.run.Number, "err", err)
	}
	w.e.notify(w.run.ID)
}

// warnAfter writes a warning when the step's soft time-out has passed. The
// step goes on, so that a late success counts.
func (w *logWriter) warnAfter(def workflows.Definition, stepID string) (stop func()) {
	for _, s := range def.Info().Steps {
		if s.ID == stepID && s.TimeoutSeconds > 0 {
			d := time.Duration(s.TimeoutSeconds) * time.Second
			t := time.AfterFunc(d, func() {
				w.Warn("This takes longer than the %s that it usually needs. Hubwright keeps watching; you can cancel.", d)
			})
			return func() { t.Stop() }
		}
	}
	return func() {}
}

func (w *logWriter) Cursor(ctx context.Context, stream string) (workflows.Cursor, error) {
	at, err := w.e.cfg.Journal.StreamOffset(ctx, w.run.ID, stream)
	if err != nil {
		return nil, fmt.Errorf("finding the place in the output: %w", err)
	}
	return &cursor{w: w, stream: stream, at: at}, nil
}

type cursor struct {
	w      *logWriter
	stream string
	at     int64
}

func (c *cursor) Offset() int64 { return c.at }

func (c *cursor) Append(ctx context.Context, offset int64, lines []workflows.OutputLine) error {
	out := make([]workflows.LogLine, len(lines))
	for i, l := range lines {
		level := l.Level
		if level == "" {
			level = workflows.LevelOutput
		}
		out[i] = c.w.line(level, l.Text)
	}
	c.w.storing.Lock()
	defer c.w.storing.Unlock()
	_ = c.w.flushLocked() // what was said before comes before; its failure is kept and tried again
	move := &CursorMove{Stream: c.stream, From: c.at, To: offset}
	if _, err := c.w.e.cfg.Journal.AppendLog(context.WithoutCancel(ctx), c.w.run.ID, out, move); err != nil {
		return fmt.Errorf("storing output: %w", err)
	}
	c.at = offset
	c.w.e.notify(c.w.run.ID)
	return nil
}
