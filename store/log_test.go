package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

func outputLines(n int, text func(i int) string) []workflows.LogLine {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	out := make([]workflows.LogLine, n)
	for i := range out {
		out[i] = workflows.LogLine{At: at.Add(time.Duration(i) * time.Millisecond), StepID: "deploy", Attempt: 1, Level: workflows.LevelOutput, Text: text(i)}
	}
	return out
}

func appendLog(t testing.TB, d *DB, runID string, lines ...workflows.LogLine) int64 {
	t.Helper()
	first, err := d.AppendLog(t.Context(), runID, lines, nil)
	ok(t, err)
	return first
}

// Whatever the batches, the log is the lines: in order, each once, numbered
// from 1, byte for byte.
func TestLogIsTheLinesWhateverTheBatches(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			d := open(t)
			run := createRun(t, d, &workflows.Run{})
			all := randomLines(rnd, 1+rnd.IntN(3000))
			for rest := all; len(rest) > 0; {
				n := 1 + rnd.IntN(min(len(rest), []int{1, 20, 3000}[rnd.IntN(3)]))
				first := appendLog(t, d, run.ID, rest[:n]...)
				if want := int64(len(all) - len(rest) + 1); first != want {
					t.Fatalf("first line is %d, want %d", first, want)
				}
				rest = rest[n:]
			}
			for i := range all {
				all[i].N = int64(i) + 1
			}
			var have []workflows.LogLine
			for after := int64(0); ; after = int64(len(have)) {
				page, err := d.ReadLog(t.Context(), run.ID, after, 1+rnd.IntN(1500))
				ok(t, err)
				if len(page) == 0 {
					break
				}
				have = append(have, page...)
			}
			if diff := cmp.Diff(all, have); diff != "" {
				t.Fatalf("-want +got:\n%.2000s", diff)
			}
			for range 50 { // any window
				after, limit := rnd.IntN(len(all)+2), 1+rnd.IntN(600)
				page, err := d.ReadLog(t.Context(), run.ID, int64(after), limit)
				ok(t, err)
				from := min(after, len(all))
				if diff := cmp.Diff(append([]workflows.LogLine(nil), all[from:min(from+limit, len(all))]...), page); diff != "" {
					t.Fatalf("after %d, limit %d:\n%.1000s", after, limit, diff)
				}
			}
			r, err := d.Run(t.Context(), run.ID)
			ok(t, err)
			if r.Lines != int64(len(all)) {
				t.Errorf("the run has %d lines, want %d", r.Lines, len(all))
			}
		})
	}
}

func randomLines(rnd *rand.Rand, n int) []workflows.LogLine {
	levels := []workflows.Level{workflows.LevelInfo, workflows.LevelError, workflows.LevelOutput, ""}
	lines := outputLines(n, func(i int) string {
		switch rnd.IntN(20) {
		case 0:
			return ""
		case 1:
			b := make([]byte, rnd.IntN(8<<10)) // also bytes that are no UTF-8
			for j := range b {
				b[j] = byte(rnd.IntN(256))
			}
			return string(b)
		}
		return fmt.Sprintf("\x1b[32mINFO\x1b[0m[%04d] deploying ü %d", i, rnd.Int())
	})
	for i := range lines {
		lines[i].Level = levels[rnd.IntN(len(levels))]
		lines[i].StepID = []string{"", "prepare", "deploy"}[rnd.IntN(3)]
		lines[i].Attempt = rnd.IntN(3)
		if rnd.IntN(10) == 0 {
			lines[i].At = time.Time{}
		}
	}
	return lines
}

func TestConcurrentAppendersLoseAndRepeatNothing(t *testing.T) {
	d := open(t)
	run := createRun(t, d, &workflows.Run{})
	const writers, batches, size = 8, 25, 7
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				lines := outputLines(size, func(i int) string { return fmt.Sprintf("%d/%d", w, b*size+i) })
				if _, err := d.AppendLog(context.Background(), run.ID, lines, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	lines, err := d.ReadLog(t.Context(), run.ID, 0, writers*batches*size+1)
	ok(t, err)
	next := make([]int, writers)
	for i, l := range lines {
		if l.N != int64(i)+1 {
			t.Fatalf("line %d has number %d", i+1, l.N)
		}
		var w, n int
		fmt.Sscanf(l.Text, "%d/%d", &w, &n)
		if n != next[w] {
			t.Fatalf("writer %d: line %d came when %d was due", w, n, next[w])
		}
		next[w]++
	}
	if len(lines) != writers*batches*size {
		t.Errorf("%d lines", len(lines))
	}
}

func TestCursorMovesWithItsLinesOrNotAtAll(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	run := createRun(t, d, &workflows.Run{})
	move := func(from, to int64, texts ...string) error {
		_, err := d.AppendLog(ctx, run.ID, outputLines(len(texts), func(i int) string { return texts[i] }), &engine.CursorMove{Stream: "job.out", From: from, To: to})
		return err
	}
	got(t, int64(0))(d.StreamOffset(ctx, run.ID, "job.out"))
	ok(t, move(0, 10, "a", "b"))
	for _, from := range []int64{0, 5, 11} { // sent again by who did not hear the answer
		if err := move(from, 20, "again"); !errors.Is(err, ErrCursor) {
			t.Errorf("moving from %d: %v", from, err)
		}
	}
	ok(t, move(10, 12)) // moves alone
	got(t, int64(12))(d.StreamOffset(ctx, run.ID, "job.out"))
	got(t, int64(0))(d.StreamOffset(ctx, run.ID, "other"))
	lines, err := d.ReadLog(ctx, run.ID, 0, 10)
	ok(t, err)
	if len(lines) != 2 || lines[1].Text != "b" {
		t.Errorf("log is %v", lines)
	}
	r, err := d.Run(ctx, run.ID)
	ok(t, err)
	if r.Lines != 2 {
		t.Errorf("a refused move changed the number of lines: %d", r.Lines)
	}
	if _, err := d.AppendLog(ctx, "run_none", lines, nil); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
}

func TestStepsKnowTheirFirstLine(t *testing.T) {
	d := open(t)
	run := createRun(t, d, &workflows.Run{})
	line := func(step string) workflows.LogLine { return workflows.LogLine{StepID: step, Attempt: 1} }
	appendLog(t, d, run.ID, line("prepare"), line("prepare"), line("deploy"))
	appendLog(t, d, run.ID, line("deploy"), line("prepare"))
	steps, err := d.Steps(t.Context(), run.ID, 1)
	ok(t, err)
	if have := [3]int64{steps[0].FirstLine, steps[1].FirstLine, steps[2].FirstLine}; have != [3]int64{1, 3, 0} {
		t.Errorf("first lines %v", have)
	}
}

func TestFirstErrorIsOfTheNewestAttempt(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	run := createRun(t, d, &workflows.Run{})
	none := func(when string) {
		t.Helper()
		if l, found, err := d.FirstError(ctx, run.ID); err != nil || found {
			t.Errorf("%s: %v %v %v", when, l, found, err)
		}
	}
	none("empty log")
	lines := outputLines(2500, func(i int) string { return fmt.Sprint("line ", i+1) })
	lines[1700].Level, lines[2000].Level = workflows.LevelError, workflows.LevelError
	appendLog(t, d, run.ID, lines...)
	l, found, err := d.FirstError(ctx, run.ID)
	if err != nil || !found || l.N != 1701 || l.Text != "line 1701" {
		t.Errorf("first error: %+v %v %v", l, found, err)
	}
	finish(t, d, run.ID, workflows.RunFailed)
	ok(t, d.InTx(ctx, func(tx engine.Tx) error { return d.AddAttempt(ctx, tx, run.ID, 2, 0) }))
	none("new attempt")
	appendLog(t, d, run.ID, workflows.LogLine{Attempt: 1, Level: workflows.LevelError, Text: "old"}, workflows.LogLine{Attempt: 2, Level: workflows.LevelError, Text: "new"})
	if l, found, err = d.FirstError(ctx, run.ID); err != nil || !found || l.Text != "new" {
		t.Errorf("first error of attempt 2: %+v %v %v", l, found, err)
	}
}

func TestSearchLog(t *testing.T) {
	d := open(t)
	run := createRun(t, d, &workflows.Run{})
	appendLog(t, d, run.ID, outputLines(2500, func(i int) string {
		if i%1000 == 7 {
			return "\x1b[1mQuo\x1b[31mta\x1b[0m exceeded: 100% ÄRGER"
		}
		return "all is well"
	})...)
	for _, tc := range []struct {
		query string
		limit int
		hits  []int64
		total int
	}{
		{"quota EXCEEDED", 10, []int64{8, 1008, 2008}, 3},
		{"quota", 2, []int64{8, 1008}, 3},
		{"quota", 0, []int64{8, 1008, 2008}, 3},
		{"100%", 1, []int64{8}, 3},
		{"ärger", 1, []int64{8}, 3},
		{"[31m", 10, nil, 0},
		{"", 10, nil, 0},
		{"absent", 10, nil, 0},
	} {
		hits, total, err := d.SearchLog(t.Context(), run.ID, tc.query, tc.limit)
		ok(t, err)
		if diff := cmp.Diff(tc.hits, hits); diff != "" || total != tc.total {
			t.Errorf("%q: total %d\n%s", tc.query, total, diff)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                           "plain",
		"\x1b[1;31mred\x1b[0m!":           "red!",
		"\x1b]0;title\x07text":            "text",
		"\x1b]8;;http://x\x1b\\link\x1b]": "link",
		"\x1b(Bx\x1bMy":                   "xy",
		"cut\x1b":                         "cut",
		"cut\x1b[3":                       "cut",
		"broken\x1b[3ü":                   "brokenü",
	} {
		if have := visible(in); have != want {
			t.Errorf("visible(%q) = %q, want %q", in, have, want)
		}
	}
}

// 500 lines in the middle of 100,000 touch a handful of chunks.
func TestReadLogTouchesOnlyTheChunksItNeeds(t *testing.T) {
	d := open(t)
	run := createRun(t, d, &workflows.Run{})
	appendLog(t, d, run.ID, outputLines(100_000, func(i int) string { return fmt.Sprint("line ", i+1) })...)
	chunks := 0
	ok(t, d.eachChunk(t.Context(), func(lines []workflows.LogLine) bool {
		chunks++
		if len(lines) > chunkLines {
			t.Errorf("a chunk has %d lines", len(lines))
		}
		return true
	}, `SELECT first_n, count, body FROM log_chunks WHERE run_id = $1`, run.ID))
	if chunks < 100 {
		t.Errorf("100,000 lines are in %d chunks", chunks)
	}
	plan := explain(t, d, `SELECT first_n, count, body FROM log_chunks WHERE run_id = $1 AND first_n >= coalesce(
			(SELECT max(first_n) FROM log_chunks WHERE run_id = $1 AND first_n <= $2), 1) ORDER BY first_n`, run.ID, 50_000)
	if plan != "SEARCH log_chunks USING INDEX log_chunks_line (run_id=? AND first_n>?); SCALAR SUBQUERY 1; SEARCH log_chunks USING COVERING INDEX log_chunks_line (run_id=? AND first_n<?)" {
		t.Errorf("plan: %s", plan)
	}
	lines, err := d.ReadLog(t.Context(), run.ID, 50_250, 500)
	ok(t, err)
	if len(lines) != 500 || lines[0].Text != "line 50251" || lines[499].N != 50_750 {
		t.Errorf("%d lines from %+v", len(lines), lines[0])
	}
}

func FuzzChunk(f *testing.F) {
	c, err := newChunkCodec()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x01\x01\x00"), "text", int64(1), 3)
	f.Add(c.pack(outputLines(3, func(i int) string { return "some text" })), "\x00\xff", int64(-5), 3)
	f.Fuzz(func(t *testing.T, chunk []byte, text string, at int64, attempt int) {
		_, _ = c.unpack(chunk, 1, attempt&0xffff) // may fail, must not panic
		in := []workflows.LogLine{{N: 1, At: fromNanos(at), Attempt: attempt, StepID: text, Level: "x", Text: text}, {N: 2, Text: text + text, Level: workflows.Level(text)}}
		out, err := c.unpack(c.pack(in), 1, len(in))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Fatal(diff)
		}
		if _, err := c.unpack(c.pack(in), 1, 1); !errors.Is(err, errChunk) {
			t.Fatalf("wrong count: %v", err)
		}
	})
}

func benchLines() []workflows.LogLine {
	return outputLines(1000, func(i int) string {
		return fmt.Sprintf("\x1b[36mINFO\x1b[0m[%04d] Deployment operation %d of 41: Microsoft.Compute/virtualMachines k8s-linuxpool-12345678-%d Running", i, i%41, i%6)
	})
}

// The three ways to keep a log, as lines/s: in batches as the engine does,
// with one commit a line, and not at all (what masking and numbering cost
// without a store).
func BenchmarkLog(b *testing.B) {
	lines := benchLines()
	report := func(b *testing.B) { b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "lines/s") }
	for _, size := range []int{1000, 100, 10} {
		b.Run(fmt.Sprint("batches-of-", size), func(b *testing.B) {
			d := open(b)
			run := createRun(b, d, &workflows.Run{})
			for b.Loop() {
				for i := 0; i < len(lines); i += size {
					appendLog(b, d, run.ID, lines[i:i+size]...)
				}
			}
			report(b)
		})
	}
	b.Run("one-commit-a-line", func(b *testing.B) {
		d := open(b)
		run := createRun(b, d, &workflows.Run{})
		for b.Loop() {
			for i := range lines {
				appendLog(b, d, run.ID, lines[i])
			}
		}
		report(b)
	})
	b.Run("not-stored", func(b *testing.B) {
		var kept []workflows.LogLine
		for b.Loop() {
			kept = kept[:0]
			for i, l := range lines {
				l.N = int64(i)
				kept = append(kept, l)
			}
		}
		report(b)
	})
}

func BenchmarkReadLog(b *testing.B) {
	d := open(b)
	for name, size := range map[string]int{"batches": 1000, "single-lines": 1} {
		run := createRun(b, d, &workflows.Run{})
		lines := benchLines()
		for range 100 {
			for i := 0; i < len(lines); i += size {
				appendLog(b, d, run.ID, lines[i:i+size]...)
			}
		}
		b.Run("500-in-the-middle-of-100000-"+name, func(b *testing.B) {
			for b.Loop() {
				_, err := d.ReadLog(b.Context(), run.ID, 50_250, 500)
				ok(b, err)
			}
		})
		b.Run("search-100000-"+name, func(b *testing.B) {
			for b.Loop() {
				_, _, err := d.SearchLog(b.Context(), run.ID, "operation 40", 1000)
				ok(b, err)
			}
		})
	}
}
