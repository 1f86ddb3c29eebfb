package expiry

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestDaysAndThresholds(t *testing.T) {
	for _, tc := range []struct {
		left      time.Duration
		days      int
		words     string
		threshold int
		near      bool
	}{
		{31 * 24 * time.Hour, 31, "31 days left", 0, false},
		{30 * 24 * time.Hour, 30, "30 days left", 30, true},
		{14*24*time.Hour + time.Second, 14, "14 days left", 30, true},
		{14 * 24 * time.Hour, 14, "14 days left", 14, true},
		{25 * time.Hour, 1, "1 day left", 7, true},
		{time.Hour, 0, "ends within a day", 1, true},
		{0, 0, "ends within a day", 0, true},
		{-time.Hour, -1, "has ended", 0, true},
		{-25 * time.Hour, -2, "ended yesterday", 0, true},
		{-49 * time.Hour, -3, "ended 2 days ago", 0, true},
	} {
		i := Item{Ends: noon.Add(tc.left)}
		th, near := i.Threshold(noon)
		if i.Days(noon) != tc.days || i.Left(noon) != tc.words || th != tc.threshold || near != tc.near {
			t.Errorf("%s: %d days, %q, threshold %d %v", tc.left, i.Days(noon), i.Left(noon), th, near)
		}
	}
}

func TestSort(t *testing.T) {
	items := []Item{{ID: "b", Of: "B", Ends: noon}, {ID: "c", Ends: noon.Add(-time.Hour)}, {ID: "a", Of: "A", Ends: noon}}
	Sort(items)
	if items[0].ID != "c" || items[1].ID != "a" || items[2].ID != "b" {
		t.Errorf("%+v", items)
	}
}

func TestICS(t *testing.T) {
	items := []Item{{ID: "credential-stk_1", What: "Client secret", Of: "Stack Seattle; north, in the building with a long name, zweiter Stock über der Straße", Ends: noon.AddDate(0, 0, 40), Fix: "Make a new one,\nthen give it to the Stack.", URL: "/stacks/stk_1"},
		{ID: "k", What: "Support", Of: "x", Ends: noon, Support: true}}
	out := string(ICS(items, noon, "https://hub.example.com"))
	if !strings.HasPrefix(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:") || !strings.HasSuffix(out, "END:VCALENDAR\r\n") {
		t.Error(out)
	}
	for _, line := range strings.Split(strings.TrimSuffix(out, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("%d bytes: %q", len(line), line)
		}
	}
	flat := strings.ReplaceAll(out, "\r\n ", "")
	for _, want := range []string{"UID:credential-stk_1-20270102@hubwright\r\n", "DTSTART;VALUE=DATE:20270102\r\nDTEND;VALUE=DATE:20270103\r\n", `Stack Seattle\; north\, in`, `über der Straße ends`,
		`DESCRIPTION:Make a new one\,\nthen give it`, "URL:https://hub.example.com/stacks/stk_1\r\n", "TRIGGER:-P14D\r\n"} {
		if !strings.Contains(flat, want) {
			t.Errorf("no %q in %s", want, flat)
		}
	}
	if n := strings.Count(flat, "BEGIN:VALARM"); n != 1 {
		t.Errorf("%d alarms", n)
	}
}
