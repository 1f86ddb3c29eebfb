package ui

import (
	"testing"
	"time"

	"hubwright/workflows"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		d    time.Duration
		want string
	}{
		{0, "just now"}, {-10 * time.Second, "just now"}, {12 * time.Second, "12 s ago"}, {59 * time.Second, "59 s ago"},
		{time.Minute, "1 min ago"}, {3 * time.Hour, "3 h ago"}, {25 * time.Hour, "yesterday"}, {3 * 24 * time.Hour, "3 days ago"},
		{11 * 24 * time.Hour, "12 Nov"}, {400 * 24 * time.Hour, "19 Oct 2025"}, {-5 * time.Minute, "in 5 min"},
	}
	for _, tt := range tests {
		if got := Ago(now.Add(-tt.d), now); got != tt.want {
			t.Errorf("Ago(%s before) = %q, want %q", tt.d, got, tt.want)
		}
	}
	if got := Ago(time.Time{}, now); got != "never" {
		t.Errorf("Ago(zero) = %q", got)
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		d           time.Duration
		want, clock string
	}{
		{0, "under 1 s", "0:00"}, {41 * time.Second, "41 s", "0:41"}, {6*time.Minute + 12*time.Second, "6 min 12 s", "6:12"},
		{33 * time.Minute, "33 min", "33:00"}, {2 * time.Hour, "2 h", "2:00:00"},
		{time.Hour + 41*time.Minute + 9*time.Second, "1 h 41 min", "1:41:09"}, {49 * time.Hour, "2 days", "49:00:00"},
	}
	for _, tt := range tests {
		if got := Duration(tt.d); got != tt.want {
			t.Errorf("Duration(%s) = %q, want %q", tt.d, got, tt.want)
		}
		if got := Clock(tt.d); got != tt.clock {
			t.Errorf("Clock(%s) = %q, want %q", tt.d, got, tt.clock)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 4127: "4,127", 1234567: "1,234,567", -4127: "-4,127"} {
		if got := Int(n); got != want {
			t.Errorf("Int(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{1: "1 byte", 512: "512 bytes", 48213: "47.1 KiB", 43 << 20: "43.0 MiB", 3 << 30: "3.0 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

// Every status has an icon that is drawn and words that a person would say.
func TestStatusesHaveIconAndWords(t *testing.T) {
	var all []Status
	for _, s := range []workflows.RunStatus{"queued", "waiting", "running", "cancelling", "succeeded", "failed", "cancelled"} {
		all = append(all, RunStatus(workflows.Run{Status: s}))
	}
	for _, s := range []workflows.StepStatus{"pending", "running", "succeeded", "failed", "cancelled", "skipped"} {
		all = append(all, StepStatus(s))
	}
	for _, s := range []workflows.CheckStatus{"", "pending", "running", "passed", "warning", "failed", "skipped", "waived"} {
		all = append(all, CheckStatus(s, workflows.SeverityBlock))
	}
	for _, s := range all {
		if icons[iconOf(s.Tone)] == "" || s.Words == "" || s.Words[0] < 'A' || s.Words[0] > 'Z' {
			t.Errorf("%+v lacks icon or words", s)
		}
	}
}

func TestRoles(t *testing.T) {
	tests := []struct {
		role           Role
		operate, admin bool
	}{{"", false, false}, {RoleViewer, false, false}, {RoleOperator, true, false}, {RoleAdmin, true, true}, {"root", false, false}}
	for _, tt := range tests {
		if tt.role.Operates() != tt.operate || tt.role.Admin() != tt.admin {
			t.Errorf("%q: operates %t, admin %t", tt.role, tt.role.Operates(), tt.role.Admin())
		}
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "the session ended": "The session ended.", "Done.": "Done.", "why not?": "Why not?",
		"k8s-master-0 did not answer": "k8s-master-0 did not answer.", "ssh: no route": "ssh: no route.", "isn't there, so far": "Isn't there, so far.",
	} {
		if got := Sentence(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}
