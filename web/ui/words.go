package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hubwright/workflows"
)

// RunStatus is a run's status in words. The percentage is shown while it runs.
func RunStatus(r workflows.Run) Status {
	switch r.Status {
	case workflows.RunQueued:
		return Status{ToneWait, "Queued"}
	case workflows.RunWaiting:
		return Status{ToneWait, "Waiting"}
	case workflows.RunRunning:
		if r.Percent > 0 {
			return Status{ToneRun, fmt.Sprintf("Running %d %%", r.Percent)}
		}
		return Status{ToneRun, "Running"}
	case workflows.RunCancelling:
		return Status{ToneRun, "Cancelling"}
	case workflows.RunSucceeded:
		return Status{ToneOK, "Succeeded"}
	case workflows.RunFailed:
		return Status{ToneBad, "Failed"}
	case workflows.RunCancelled:
		return Status{ToneSkip, "Cancelled"}
	}
	return Status{ToneIdle, string(r.Status)}
}

// StepStatus is a step's status in words.
func StepStatus(s workflows.StepStatus) Status {
	switch s {
	case workflows.StepRunning:
		return Status{ToneRun, "Running"}
	case workflows.StepSucceeded:
		return Status{ToneOK, "Done"}
	case workflows.StepFailed:
		return Status{ToneBad, "Failed"}
	case workflows.StepCancelled:
		return Status{ToneSkip, "Cancelled"}
	case workflows.StepSkipped:
		return Status{ToneSkip, "Not needed"}
	}
	return Status{ToneIdle, "To do"}
}

// CheckStatus is a check's status in words. A failed check that only warns
// looks like a warning.
func CheckStatus(s workflows.CheckStatus, sev workflows.Severity) Status {
	switch s {
	case workflows.CheckRunning:
		return Status{ToneRun, "Checking"}
	case workflows.CheckPassed:
		return Status{ToneOK, "Passed"}
	case workflows.CheckWarning:
		return Status{ToneWarn, "Warning"}
	case workflows.CheckFailed:
		if sev == workflows.SeverityWarn {
			return Status{ToneWarn, "Warning"}
		}
		return Status{ToneBad, "Failed"}
	case workflows.CheckSkipped:
		return Status{ToneSkip, "Skipped"}
	case workflows.CheckWaived:
		return Status{ToneWarn, "Waived"}
	}
	return Status{ToneIdle, "Waiting"}
}

// Int writes n with commas between the thousands.
func Int(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural is "1 node" or "3 nodes".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Int(int64(n)) + " " + many
}

// Bytes writes a size as people say it.
func Bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return Plural(int(n), "byte", "bytes")
}

// Duration writes how long something took: 41 s, 6 min 12 s, 1 h 41 min.
func Duration(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 1:
		return "under 1 s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 600 && s%60 != 0:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 86400:
		if s/60%60 == 0 {
			return fmt.Sprintf("%d h", s/3600)
		}
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return Plural(s/86400, "day", "days")
}

// Clock writes a duration for a column of numbers: 0:41, 6:12, 1:41:09.
func Clock(d time.Duration) string {
	s := max(0, int(d/time.Second))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Ago writes how long ago t was, seen from now.
func Ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := nowOr(now).Sub(t)
	switch {
	case d < -time.Minute:
		return "in " + Duration(-d)
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d/time.Minute))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d/time.Hour))
	case d < 48*time.Hour:
		return "yesterday"
	case d < 7*24*time.Hour:
		return fmt.Sprintf("%d days ago", int(d/(24*time.Hour)))
	}
	if t.Year() == nowOr(now).Year() {
		return t.UTC().Format("2 Jan")
	}
	return t.UTC().Format("2 Jan 2006")
}

// At writes a moment in full, in UTC; scripts turn it into the local zone.
func At(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// ISO is the machine's form of a moment.
func ISO(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Since is how long it took from start to end, or until now while end is zero.
func Since(start, end, now time.Time) time.Duration {
	if start.IsZero() {
		return 0
	}
	if end.IsZero() {
		end = nowOr(now)
	}
	return max(0, end.Sub(start))
}

// FieldID is the element id of the form field of that name.
func FieldID(name string) string {
	return "f-" + strings.NewReplacer(".", "-", " ", "-", ":", "-").Replace(name)
}

// ErrorOf is the first message for the field, "" when it is fine.
func ErrorOf(errs []workflows.FieldError, field string) string {
	for _, e := range errs {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// Short cuts an id or fingerprint for a narrow column.
func Short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// Sentence is text as a sentence: with a capital letter, unless its first word
// is a name such as k8s-master-0, and a full stop.
func Sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if first, _, _ := strings.Cut(text, " "); strings.Trim(first, "abcdefghijklmnopqrstuvwxyz'’,") == "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if last := text[len(text)-1]; strings.IndexByte(".!?:\"", last) < 0 && !strings.HasSuffix(text, "…") && !strings.Contains(text, "\n") {
		text += "."
	}
	return text
}
