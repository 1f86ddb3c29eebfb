package workflows

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWindowOpens(t *testing.T) {
	every := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	sunday := []time.Weekday{time.Sunday}
	night := Window{Days: []time.Weekday{time.Saturday}, From: 22 * 60, To: 4 * 60, Zone: "Europe/Berlin"}
	for _, tc := range []struct {
		name, now string // UTC
		w         Window
		open      bool
		next      string
	}{
		{"in it", "2026-11-21 22:30", night, true, "2026-11-22 03:00"},
		{"past midnight", "2026-11-22 02:59", night, true, "2026-11-22 03:00"},
		{"its end is outside", "2026-11-22 03:00", night, false, "2026-11-28 21:00"},
		{"before it", "2026-11-21 20:59", night, false, "2026-11-21 21:00"},
		{"its beginning is inside", "2026-11-21 21:00", night, true, "2026-11-22 03:00"},
		{"the day of the zone counts", "2026-11-21 23:30", Window{Days: sunday, From: 0, To: 60, Zone: "Europe/Berlin"}, true, "2026-11-22 00:00"},
		{"whole day", "2026-11-22 12:00", Window{Days: sunday, From: 0, To: 0, Zone: "UTC"}, true, "2026-11-23 00:00"},

		// 29 March 2026: clocks in Berlin jump from 02:00 to 03:00, at 01:00 UTC.
		{"in summer an hour earlier in UTC", "2026-04-04 19:59", night, false, "2026-04-04 20:00"},
		{"the short night", "2026-03-28 21:30", night, true, "2026-03-29 02:00"},
		{"wholly in the skipped hour", "2026-03-29 00:30", Window{Days: sunday, From: 120, To: 180, Zone: "Europe/Berlin"}, false, "2026-04-05 00:00"},
		{"begins in the skipped hour", "2026-03-29 00:30", Window{Days: sunday, From: 150, To: 240, Zone: "Europe/Berlin"}, false, "2026-03-29 01:00"},
		{"ends in the skipped hour", "2026-03-29 00:45", Window{Days: sunday, From: 90, To: 150, Zone: "Europe/Berlin"}, true, "2026-03-29 01:00"},
		{"every day, past the skipped hour", "2026-03-29 01:00", Window{Days: every, From: 120, To: 180, Zone: "Europe/Berlin"}, false, "2026-03-30 00:00"},

		// 25 October 2026: clocks go back from 03:00 to 02:00, at 01:00 UTC.
		{"the long night", "2026-10-24 21:30", night, true, "2026-10-25 03:00"},
		{"the hour that comes twice is two hours long", "2026-10-25 01:30", Window{Days: sunday, From: 120, To: 180, Zone: "Europe/Berlin"}, true, "2026-10-25 02:00"},
		{"no day", "2026-10-25 01:30", Window{From: 0, To: 60, Zone: "UTC"}, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			open, next, err := tc.w.Open(moment(t, tc.now))
			if err != nil {
				t.Fatal(err)
			}
			var want time.Time
			if tc.next != "" {
				want = moment(t, tc.next)
			}
			if open != tc.open || !next.Equal(want) {
				t.Errorf("open %v, %v; want %v, %v", open, next.UTC(), tc.open, want)
			}
		})
	}
	if _, _, err := (Window{Days: sunday, Zone: "Mars/Olympus"}).Open(time.Now()); err == nil {
		t.Error("a zone that does not exist was taken")
	}
}

func TestGateOpens(t *testing.T) {
	w := Window{Days: []time.Weekday{time.Saturday}, From: 60, To: 120, Zone: "UTC"}
	early := Window{Days: []time.Weekday{time.Friday}, From: 60, To: 120, Zone: "UTC"}
	for _, tc := range []struct {
		name   string
		g      Gate
		opens  string
		missed bool
	}{
		{"at once", Gate{}, "2026-11-23 12:00", false},
		{"start at", Gate{StartAt: moment(t, "2026-11-24 02:00")}, "2026-11-24 02:00", false},
		{"a little late", Gate{StartAt: moment(t, "2026-11-23 11:00")}, "2026-11-23 12:00", false},
		{"missed", Gate{StartAt: moment(t, "2026-11-23 10:59")}, "2026-11-23 12:00", true},
		{"the first of two windows", Gate{Windows: []Window{w, early}}, "2026-11-27 01:00", false},
		{"a window after start at", Gate{StartAt: moment(t, "2026-11-27 23:00"), Windows: []Window{w, early}}, "2026-11-28 01:00", false},
		{"start at inside of a window", Gate{StartAt: moment(t, "2026-11-28 01:30"), Windows: []Window{w}}, "2026-11-28 01:30", false},
		{"start at long ago, with windows", Gate{StartAt: moment(t, "2026-11-01 01:30"), Windows: []Window{w}}, "2026-11-28 01:00", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at, missed, err := tc.g.Opens(moment(t, "2026-11-23 12:00"))
			if err != nil || !at.Equal(moment(t, tc.opens)) || missed != tc.missed {
				t.Errorf("opens %v, missed %v, %v", at.UTC(), missed, err)
			}
		})
	}
}

func TestWhoMayDecide(t *testing.T) {
	g := Gate{Approval: true, Askers: []string{"ana", "carl"}}
	if g.MayDecide("ana") || g.MayDecide("carl") || !g.MayDecide("bob") || g.Approved() {
		t.Errorf("%+v", g)
	}
	g.Verdicts = []Verdict{{By: "bob", Approved: false, Attempt: 1}}
	if _, rejected := g.Rejected(1); !rejected || g.Approved() || !g.MayDecide("bob") {
		t.Error("a rejected first attempt")
	}
	if _, rejected := g.Rejected(2); rejected {
		t.Error("the first attempt's verdict counts for the second")
	}
	g.Verdicts = append(g.Verdicts, Verdict{By: "bob", Approved: true, Attempt: 2})
	if !g.Approved() || g.MayDecide("dora") {
		t.Error("an approved second attempt")
	}
	if (Gate{}).MayDecide("bob") || !(Gate{}).Approved() || (Gate{}).Shut() {
		t.Error("a gate that needs nobody")
	}
}
