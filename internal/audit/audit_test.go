package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/workflows"
)

// record is a Repo over events, the oldest first.
type record []workflows.AuditEvent

func newRecord(n int) record {
	var r record
	var c Chain
	for i := range n {
		e := workflows.AuditEvent{Seq: int64(i + 1), At: time.Unix(int64(i), 5).UTC(), Actor: "ana", Action: RunStart,
			Object: "=cmd()", Version: HashVersion, Detail: map[string]string{"b": "2", "a": "1"}}
		c.Seal(&e)
		r = append(r, e)
	}
	return r
}

func (r record) AuditEvents(_ context.Context, f Filter) ([]workflows.AuditEvent, error) {
	var out []workflows.AuditEvent
	if f.Oldest {
		for _, e := range r[min(f.After, int64(len(r))):] {
			if len(out) < f.Limit {
				out = append(out, e)
			}
		}
		return out, nil
	}
	for i := len(r) - 1; i >= 0 && len(out) < f.Limit; i-- {
		if f.Before == 0 || r[i].Seq < f.Before {
			out = append(out, r[i])
		}
	}
	return out, nil
}

func (r record) VerifyAudit(context.Context) (rows, firstBroken int64, err error) {
	var c Chain
	for _, e := range r {
		if !c.Next(e) {
			return int64(len(r)), c.Seq() + 1, nil
		}
	}
	return int64(len(r)), 0, nil
}

func TestEveryFieldIsInTheHash(t *testing.T) {
	base := newRecord(2)[1]
	for name, change := range map[string]func(*workflows.AuditEvent){
		"seq":        func(e *workflows.AuditEvent) { e.Seq++ },
		"at":         func(e *workflows.AuditEvent) { e.At = e.At.Add(1) },
		"actor":      func(e *workflows.AuditEvent) { e.Actor = "eve" },
		"action":     func(e *workflows.AuditEvent) { e.Action = RunEnd },
		"object":     func(e *workflows.AuditEvent) { e.Object += " " },
		"run":        func(e *workflows.AuditEvent) { e.RunID = "x" },
		"deployment": func(e *workflows.AuditEvent) { e.Target.DeploymentID = "x" },
		"site":       func(e *workflows.AuditEvent) { e.Target.SiteID = "x" },
		"workflow":   func(e *workflows.AuditEvent) { e.WorkflowID = "x" },
		"address":    func(e *workflows.AuditEvent) { e.Address = "192.0.2.1" },
		"token":      func(e *workflows.AuditEvent) { e.Token = "x" },
		"version":    func(e *workflows.AuditEvent) { e.Version = 1 },
		"stack":      func(e *workflows.AuditEvent) { e.Target.StackID = "x" },
		"detail":     func(e *workflows.AuditEvent) { e.Detail = map[string]string{"a": "1", "b": "3"} },
		"less":       func(e *workflows.AuditEvent) { e.Detail = nil },
		"before":     func(e *workflows.AuditEvent) { e.PrevHash = "" },
		"shifted":    func(e *workflows.AuditEvent) { e.Actor, e.Action = "an", "a"+e.Action },
	} {
		e := base
		change(&e)
		if Hash(e) == base.Hash {
			t.Errorf("%s is not in the hash", name)
		}
	}
}

// What older builds wrote keeps its hashes for ever.
func TestOldChainsStillVerify(t *testing.T) {
	lines, err := os.ReadFile("testdata/chain-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var c Chain
	for line := range strings.Lines(string(lines)) {
		var j jsonEvent
		if err := json.Unmarshal([]byte(line), &j); err != nil {
			t.Fatal(err)
		}
		e := workflows.AuditEvent{Seq: j.Seq, At: j.At, Actor: j.Actor, Action: j.Action, Object: j.Object, RunID: j.Run, Detail: j.Detail, PrevHash: j.PrevHash, Hash: j.Hash,
			Target: workflows.Target{DeploymentID: j.Deployment, SiteID: j.Site, StackID: j.Stack}, Version: 1}
		if !c.Next(e) {
			t.Fatalf("event %d is not what follows", e.Seq)
		}
	}
	next := workflows.AuditEvent{Seq: 5, Actor: "ana", Address: "192.0.2.7", Version: HashVersion}
	c.Seal(&next)
	c = ChainBehind(workflows.AuditEvent{Seq: 4, Hash: next.PrevHash, Version: 1})
	older := workflows.AuditEvent{Seq: 6, PrevHash: next.Hash, Version: 1}
	older.Hash = Hash(older)
	if !c.Next(next) || c.Next(older) {
		t.Error("a chain goes on with version 2, and never back to 1")
	}
}

func TestVerify(t *testing.T) {
	whole := newRecord(5)
	rep, err := Verify(t.Context(), whole)
	want := Report{Rows: 5, Head: whole[4].Hash}
	if err != nil || rep != want || !rep.OK() {
		t.Errorf("whole: %+v, %v", rep, err)
	}
	broken := newRecord(5)
	broken[2].Actor = "eve"
	rep, err = Verify(t.Context(), broken)
	if err != nil || rep.OK() || rep.FirstBroken != 3 {
		t.Errorf("broken: %+v, %v", rep, err)
	}
	rep, err = Verify(t.Context(), record{})
	if err != nil || !rep.OK() {
		t.Errorf("empty: %+v, %v", rep, err)
	}
}

// An export has every event once, the newest first, whatever the pages.
func TestExport(t *testing.T) {
	for _, n := range []int{0, 1, exportPage, 2*exportPage + 1} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRecord(n)
			var c, j strings.Builder
			if err := WriteCSV(t.Context(), &c, r, Filter{}); err != nil {
				t.Fatal(err)
			}
			if _, err := WriteJSON(t.Context(), &j, r, Filter{}); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(strings.NewReader(c.String())).ReadAll()
			if err != nil || len(rows) != n+1 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			dec := json.NewDecoder(strings.NewReader(j.String()))
			for i := range n {
				e := r[n-1-i]
				want := []string{fmt.Sprint(e.Seq), e.At.Format(time.RFC3339Nano), "ana", RunStart, "'=cmd()", "", "", "", "", "", "", "", `{"a":"1","b":"2"}`, e.PrevHash, e.Hash, "2"}
				if diff := cmp.Diff(want, rows[i+1]); diff != "" {
					t.Fatal(diff)
				}
				var got jsonEvent
				if err := dec.Decode(&got); err != nil || got.Seq != e.Seq || got.Hash != e.Hash || got.Object != "=cmd()" {
					t.Fatalf("%+v, %v", got, err)
				}
			}
			if dec.More() {
				t.Error("more objects than events")
			}
		})
	}
	var c strings.Builder
	if err := WriteCSV(t.Context(), &c, newRecord(9), Filter{Limit: 3, Before: 8}); err != nil || strings.Count(c.String(), "\n") != 4 {
		t.Errorf("limited: %v\n%s", err, c.String())
	}
}

// Who asks again with the last Seq misses nothing and gets nothing twice.
func TestExportGoesOn(t *testing.T) {
	r := newRecord(2*exportPage + 7)
	var seqs []int64
	for after := int64(0); ; {
		var j strings.Builder
		last, err := WriteJSON(t.Context(), &j, r, Filter{Oldest: true, After: after, Limit: exportPage + 3})
		if err != nil {
			t.Fatal(err)
		}
		for dec := json.NewDecoder(strings.NewReader(j.String())); dec.More(); {
			var e jsonEvent
			if err := dec.Decode(&e); err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, e.Seq)
		}
		if last == after {
			break
		}
		after = last
	}
	for i, seq := range seqs {
		if seq != int64(i+1) {
			t.Fatalf("event %d came at place %d", seq, i+1)
		}
	}
	if len(seqs) != len(r) {
		t.Errorf("%d events, want %d", len(seqs), len(r))
	}
}
