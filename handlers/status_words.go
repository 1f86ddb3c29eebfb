package handlers

import (
	"fmt"
	"strings"
	"time"

	"hubwright/internal/monitor"
	"hubwright/store"
	"hubwright/web/status"
	"hubwright/web/ui"
)

// healthWords is a probe's health in a few words.
func healthWords(h store.SiteHealth) (status.Health, string) {
	switch {
	case h.Health == monitor.Up:
		return status.Up, "Healthy"
	case h.Health == monitor.Down && h.Version == "":
		return status.Down, "Not reachable"
	case h.Health == monitor.Down:
		return status.Down, "No node is Ready"
	case h.Ready < h.Want:
		return status.Degraded, fmt.Sprintf("%d of %d nodes Ready", h.Ready, h.Want)
	case len(h.Sick) > 0:
		return status.Degraded, ui.Plural(len(h.Sick), "component is", "components are") + " not well"
	}
	return status.Degraded, "A node is not Ready"
}

func sentenceList(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// together is how a Deployment is whose Sites are so, in a word and a
// sentence.
func together(sites []status.Site) (health status.Health, words, lead string) {
	by := map[status.Health][]string{}
	var mute []string // their cluster is well, their application is not
	apps := 0
	for _, x := range sites {
		if x.App != nil {
			apps++
		}
		if x.Health == status.Up && x.AppFails() {
			mute = append(mute, x.Name)
		}
		by[x.Health] = append(by[x.Health], x.Name)
	}
	answering := len(by[status.Up]) + len(by[status.Degraded])
	down, stale, poor, none, planned := by[status.Down], by[status.Stale], by[status.Degraded], by[status.Unknown], by[status.Maintenance]
	switch {
	case len(sites) == 0:
		return status.Unknown, "No Site yet", "It has no Site yet."
	case len(none) == len(sites):
		return status.Unknown, "Nothing to tell yet", "No Site has a cluster that was asked yet."
	case len(planned) == len(sites):
		return status.Maintenance, "Maintenance", sentenceList(planned) + is(planned) + "in scheduled maintenance."
	case len(down) > 0 && answering == 0:
		return status.Down, "Down", "No Site is known to work."
	case len(down) > 0:
		return status.Degraded, "Degraded", sentenceList(down) + is(down) + "down, " + ui.Plural(answering, "Site answers.", "Sites answer.")
	case len(stale) > 0:
		return status.Stale, "Stale", "How " + sentenceList(stale) + is(stale) + "now is not known: the newest answer is old."
	case len(poor) > 0:
		return status.Degraded, "Degraded", "All Sites answer, but " + sentenceList(poor) + is(poor) + "not well."
	case len(mute) > 0 && len(mute) == apps:
		return status.Down, "Down", "The application answers as it should on no Site."
	case len(mute) > 0:
		return status.Degraded, "Degraded", "The application does not answer as it should on " + sentenceList(mute) + "."
	case len(planned) > 0:
		return status.Maintenance, "Maintenance", sentenceList(planned) + is(planned) + "in scheduled maintenance, " + ui.Plural(answering, "Site answers.", "Sites answer.")
	case len(none) > 0:
		return status.Unknown, fmt.Sprintf("%d of %d Sites up", answering, len(sites)), sentenceList(none) + is(none) + "not there yet; what is there is healthy."
	case len(sites) == 1:
		return status.Up, "Operational", "Its one Site is healthy."
	case len(sites) == 2:
		return status.Up, "Operational", "Both Sites are healthy."
	}
	return status.Up, "Operational", fmt.Sprintf("All %d Sites are healthy.", len(sites))
}

func is(names []string) string {
	if len(names) == 1 {
		return " is "
	}
	return " are "
}

// overall is how all Deployments are. One that is still being built is not
// held against the others.
func overall(all []status.Deployment) (status.Health, string) {
	by := map[status.Health]int{}
	for _, d := range all {
		by[d.Health]++
	}
	for _, h := range []status.Health{status.Down, status.Degraded, status.Stale} {
		if n := by[h]; n > 0 {
			return h, fmt.Sprintf("%d of %d %s", n, len(all), h)
		}
	}
	if n := by[status.Maintenance]; n > 0 {
		return status.Maintenance, fmt.Sprintf("%d of %d in maintenance", n, len(all))
	}
	if by[status.Up] > 0 {
		return status.Up, "Operational"
	}
	return status.Unknown, "Nothing to tell yet"
}

// strips are a History as the page shows it.
func strips(h monitor.History, now time.Time) (days, quarters status.Strip) {
	const day, quarter = 24 * time.Hour, 15 * time.Minute
	return strip(h.Days(now), day, now), strip(h.Quarters(now), quarter, now)
}

func strip(counts []monitor.Counts, slot time.Duration, now time.Time) status.Strip {
	out := status.Strip{Slot: slot, Begins: now.UTC().Truncate(slot).Add(-time.Duration(len(counts)-1) * slot)}
	answered, planned := 0, 0
	marks := make([]byte, len(counts))
	for i, c := range counts {
		marks[i] = mark(c)
		out.Probes += c.Total()
		answered += int(c.Up) + int(c.Degraded)
		planned += int(c.Planned)
	}
	out.Marks = string(marks)
	if counted := out.Probes - planned; counted > 0 {
		out.Uptime = 100 * float64(answered) / float64(counted)
	} else if planned > 0 {
		out.Uptime = 100
	}
	return out
}

// appWords is the newest probe of an application in a few words.
func appWords(h store.AppHealth) (status.Health, string) {
	switch {
	case h.Health == monitor.Up:
		return status.Up, "Answers in " + millis(h.Took)
	case h.Status > 0:
		return status.Health(h.Health), fmt.Sprintf("Answers %d", h.Status)
	}
	return status.Down, "Does not answer"
}

func millis(d time.Duration) string {
	if d < time.Millisecond {
		return "1 ms"
	}
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// mark is a slot in one letter. A hundredth of it makes it bad; any probe that
// found it down is seen.
func mark(c monitor.Counts) byte {
	switch total := c.Total(); {
	case total == 0:
		return status.MarkNone
	case int(c.Down)*100 >= total:
		return status.MarkDown
	case c.Down > 0 || int(c.Degraded)*100 >= total:
		return status.MarkDegraded
	case c.Planned > 0:
		return status.MarkPlanned
	}
	return status.MarkUp
}
