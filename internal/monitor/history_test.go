package monitor

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// 120 days of a probe a minute stay as small as 90, and lose none of them.
func TestHistoryStaysSmall(t *testing.T) {
	var h History
	at := noon.AddDate(0, 0, -120)
	for ; !at.After(noon); at = at.Add(time.Minute) {
		health := Up
		if at.Day() == 5 && at.Hour() == 3 {
			health = Down
		}
		if at.Hour() == 11 && at.Minute() < 3 {
			health = Degraded
		}
		h.Add(at, health)
	}
	b, err := h.MarshalBinary()
	if err != nil || len(b) > 1200 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	var back History
	if err := back.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	days := back.Days(noon)
	if len(days) != KeptDays {
		t.Fatalf("%d days", len(days))
	}
	total := 0
	for i, d := range days {
		date := noon.AddDate(0, 0, i-KeptDays+1)
		want := Counts{Up: 1437, Degraded: 3}
		if date.Day() == 5 {
			want = Counts{Up: 1377, Degraded: 3, Down: 60}
		}
		if i == KeptDays-1 {
			want = Counts{Up: 718, Degraded: 3} // today up to noon, both ends included
		}
		if d != want {
			t.Errorf("%s: %+v, want %+v", date.Format(time.DateOnly), d, want)
		}
		total += d.Total()
	}
	if want := 89*1440 + 721; total != want {
		t.Errorf("%d probes, want %d", total, want)
	}
	q := back.Quarters(noon)
	if len(q) != KeptQuarters || q[KeptQuarters-1] != (Counts{Up: 1}) || q[KeptQuarters-5] != (Counts{Up: 12, Degraded: 3}) {
		t.Errorf("quarters end with %+v", q[KeptQuarters-5:])
	}
}

func TestHistoryKnowsItsGaps(t *testing.T) {
	var h History
	h.Add(noon.AddDate(0, 0, -200), Down) // is forgotten
	h.Add(noon.AddDate(0, 0, -4), Up)
	h.Add(noon.AddDate(0, 0, -2), Down)
	h.Add(noon.AddDate(0, 0, -4), Degraded) // the clock went back: it still counts
	h.Add(noon.AddDate(0, 0, -9), Down)     // before what is kept
	days := h.Days(noon)
	want := map[int]Counts{85: {Up: 1, Degraded: 1}, 87: {Down: 1}}
	for i, d := range days {
		if d != want[i] {
			t.Errorf("day %d: %+v, want %+v", i, d, want[i])
		}
	}
	for _, c := range h.Days(noon.AddDate(0, 0, 100)) {
		if c.Total() > 0 {
			t.Errorf("a hundred days later there is %+v", c)
		}
	}
	if n := len(h.Days(noon.AddDate(-1, 0, 0))); n != KeptDays {
		t.Errorf("a year before: %d days", n)
	}
}

func TestHistoryOutlivesAWrongClock(t *testing.T) {
	var h History
	h.Add(noon.AddDate(5, 0, 0), Up)
	h.Add(noon, Down)
	if c := h.Days(noon)[KeptDays-1]; c != (Counts{Down: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestCountsDoNotRunOver(t *testing.T) {
	var h History
	for range 1<<16 + 5 {
		h.Add(noon, Up)
	}
	if c := h.Days(noon)[KeptDays-1]; c.Up != 1<<16-1 {
		t.Errorf("%+v", c)
	}
}

func FuzzHistory(f *testing.F) {
	var h History
	h.Add(noon, Up)
	h.Add(noon.Add(time.Hour), Down)
	b, _ := h.MarshalBinary()
	f.Add(b)
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h History
		if h.UnmarshalBinary(b) != nil {
			return
		}
		h.Add(noon, Up)
		if d := h.Days(noon); len(d) != KeptDays {
			t.Errorf("%d days", len(d))
		}
	})
}
