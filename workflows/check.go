package workflows

import "time"

// CheckStatus is where a check stands.
type CheckStatus string

// The statuses of a check.
const (
	CheckPending CheckStatus = "pending"
	CheckRunning CheckStatus = "running"
	CheckPassed  CheckStatus = "passed"
	CheckWarning CheckStatus = "warning"
	CheckFailed  CheckStatus = "failed"
	CheckSkipped CheckStatus = "skipped"
	CheckWaived  CheckStatus = "waived"
)

// Finding is a check's answer: what was found, why it matters is the check's
// own Why, and what to do.
type Finding struct {
	Status CheckStatus
	Found  string // "Needs 3 VMs and 6 cores, plus 1 and 2; free: 14 VMs, 52 cores."
	Remedy string // "" when passed
	Link   string // where it is written, "" if nowhere
}

// Passed, Warn, Fail and Skip make a Finding.
func Passed(found string) Finding { return Finding{Status: CheckPassed, Found: found} }
func Warn(found, remedy string) Finding {
	return Finding{Status: CheckWarning, Found: found, Remedy: remedy}
}
func Fail(found, remedy string) Finding {
	return Finding{Status: CheckFailed, Found: found, Remedy: remedy}
}
func Skip(why string) Finding { return Finding{Status: CheckSkipped, Found: why} }

// CheckResult is a check's finding for one draft, as stored.
type CheckResult struct {
	CheckID string
	Finding
	WaivedBy     string
	WaiverReason string
	StartedAt    time.Time
	EndedAt      time.Time
	DraftVersion int // the draft's version that was checked
}
