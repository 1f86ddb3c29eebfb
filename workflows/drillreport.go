package workflows

import "time"

// DrillFile is the file in which a drill's report is kept with its run, as
// JSON.
const DrillFile = "drill-report.json"

// DrillReport is what a failover drill measured from a client's side.
type DrillReport struct {
	Deployment string
	FQDN       string
	Site       string // that was taken out, or was broken
	Outage     bool   // a real one was watched; else the Site was taken out of rotation
	Interval   time.Duration
	TTL        int // seconds, of the name
	Sites      []string
	StartedAt  time.Time
	Events     []DrillEvent
	Samples    []DrillSample
	Gaps       []DrillGap // in which nothing was measured
	Going      bool       // more is being measured
	DrillNumbers
}

// DrillGap is a time in which nothing was measured, because the server was not
// running or the run waited for a retry. What failed then is not counted.
type DrillGap struct{ From, To time.Duration } // since StartedAt

// DrillEvent is something that happened during a drill.
type DrillEvent struct {
	At   time.Duration // since StartedAt
	Text string
}

// DrillSample is one look at the name: where it led, and whether the page came.
type DrillSample struct {
	At     time.Duration // since StartedAt
	Sites  []int         // in the answer, as indexes of Sites
	Status int           // HTTP status, 0 without an answer
	Failed bool          // the name or the page did not answer as it should
	Why    string        // why not
	Took   time.Duration // until the page was there, or the failure
}

// DrillNumbers are a drill's result.
type DrillNumbers struct {
	Requests  int
	Failed    int
	Longest   time.Duration // the longest time in which no request succeeded, measured between successes; gaps are left out
	Broken    time.Duration // from the first to the last failure; 0 without any
	LeftAfter time.Duration // from the event until the last answer that still had the Site; -1 when it never left
	BackAfter time.Duration // from the return until the first answer with the Site; -1 when it was not seen
}

// NotMeasured is how long nothing was measured.
func (r DrillReport) NotMeasured() time.Duration {
	var all time.Duration
	for _, g := range r.Gaps {
		all += g.To - g.From
	}
	return all
}
