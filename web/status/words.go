package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hubwright/web/ui"
)

// paths are the strip's marks as one SVG path each, on a grid of 4 by 28 a
// slot. What is worse is shorter too: colour is not the only sign.
func (s Strip) path(mark rune) string {
	top := map[rune]int{MarkUp: 0, MarkDegraded: 9, MarkDown: 17, MarkPlanned: 22, MarkNone: 26}[mark]
	end := " " + strconv.Itoa(top) + "h3V28h-3z"
	var b []byte
	for i, m := range s.Marks {
		if m == mark {
			b = append(strconv.AppendInt(append(b, 'M'), int64(4*i), 10), end...)
		}
	}
	return string(b)
}

func (s Strip) box() string { return "0 0 " + strconv.Itoa(4*len(s.Marks)-1) + " 28" }

func (s Strip) uptime() string {
	if s.Probes == 0 {
		return "no data yet"
	}
	return percent(s.Uptime) + " up"
}

// percent never rounds up to 100 what was not.
func percent(p float64) string {
	if p >= 100 {
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", float64(int(p*100))/100)
}

// alternative is the strip in words.
func (s Strip) alternative(span string) string {
	if s.Probes == 0 {
		return span + ": nobody asked yet."
	}
	words := []string{fmt.Sprintf("%s: %s of %s.", span, s.uptime(), ui.Plural(s.Probes, "probe", "probes"))}
	for _, k := range []struct {
		mark rune
		word string
	}{{MarkDown, "Down"}, {MarkDegraded, "Degraded"}, {MarkPlanned, "In maintenance"}} {
		if at := s.spans(k.mark); at != "" {
			words = append(words, k.word+" "+at+".")
		}
	}
	if n := strings.Count(s.Marks, string(MarkNone)); n > 0 {
		words = append(words, fmt.Sprintf("No data for %d of %d %s.", n, len(s.Marks), s.unit()))
	}
	return strings.Join(words, " ")
}

func (s Strip) unit() string {
	if s.Slot < 24*time.Hour {
		return "quarter hours"
	}
	return "days"
}

const maxSpans = 4

// spans says when a mark stands: "5 Nov, 12 Nov to 14 Nov", the newest last.
func (s Strip) spans(mark rune) string {
	var all []string
	for i := 0; i < len(s.Marks); i++ {
		if rune(s.Marks[i]) != mark {
			continue
		}
		first := i
		for i+1 < len(s.Marks) && rune(s.Marks[i+1]) == mark {
			i++
		}
		all = append(all, s.span(first, i))
	}
	if more := len(all) - maxSpans; more > 0 {
		return fmt.Sprintf("%d times before, then %s", more, strings.Join(all[more:], ", "))
	}
	return strings.Join(all, ", ")
}

func (s Strip) span(first, last int) string {
	at := func(i int) time.Time { return s.Begins.Add(time.Duration(i) * s.Slot).UTC() }
	if s.Slot < 24*time.Hour {
		return "from " + at(first).Format("15:04") + " to " + at(last+1).Format("15:04 UTC")
	}
	if first == last {
		return "on " + at(first).Format("2 Jan")
	}
	return "from " + at(first).Format("2 Jan") + " to " + at(last).Format("2 Jan")
}

func (p Props) title() string {
	if p.One && len(p.Board.Deployments) == 1 {
		return p.Board.Deployments[0].Name
	}
	return "Status"
}

func (p Props) crumbs() []ui.Crumb {
	if p.One && !p.Shared {
		return []ui.Crumb{{Label: "Status", URL: "/status"}}
	}
	return nil
}

func (p Props) lead() string {
	if p.One {
		return "" // it changes: it is in the part that does
	}
	return "Every Deployment and its Sites, as their clusters answered last."
}

// wallSize is how much is on the wall: the less, the larger it is written.
func (p Props) wallSize() string {
	n := 0
	for _, d := range p.Board.Deployments {
		n += max(1, len(d.Sites))
	}
	switch {
	case n <= 4:
		return "few"
	case n <= 12:
		return "some"
	}
	return "many"
}

// again is where the page asks for itself.
func (p Props) again() string {
	if p.Wall {
		return p.URL + "?view=wall"
	}
	return p.URL
}

// linkTo is where a Deployment has a page of its own.
func (p Props) linkTo(d Deployment) string {
	switch {
	case p.Shared || p.One:
		return ""
	case p.Wall:
		return "/status/" + d.ID + "?view=wall"
	}
	return "/status/" + d.ID
}

func (s Site) nodes() string {
	if s.Want == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", s.Ready, s.Want)
}

// tone is how the Site's tile looks: what is wrong beside a healthy cluster
// is seen from afar, too.
func (s Site) tone() ui.Tone {
	if s.Health == Up && s.AppFails() {
		return ui.ToneWarn
	}
	return s.Health.Tone()
}

// trouble is what is wrong beside the cluster itself, for views that have no
// room for more.
func (s Site) trouble() []ui.Status {
	var out []ui.Status
	if s.AppFails() {
		st := s.App.status()
		st.Words = "Application: " + strings.ToLower(st.Words[:1]) + st.Words[1:]
		out = append(out, st)
	}
	if s.Rotation.Health != "" && s.Rotation.status().Tone != ui.ToneOK {
		out = append(out, s.Rotation.status())
	}
	return out
}

func (s Site) certificate() ui.Status {
	words := ui.Plural(max(s.CertificateDays, 0), "day", "days") + " left"
	switch {
	case s.CertificateDays < 0:
		return ui.Status{Tone: ui.ToneBad, Words: "Ended"}
	case s.CertificateDays < 14:
		return ui.Status{Tone: ui.ToneBad, Words: words}
	case s.CertificateDays < 45:
		return ui.Status{Tone: ui.ToneWarn, Words: words}
	}
	return ui.Status{Tone: ui.ToneOK, Words: words}
}

func (x Scaling) words() string {
	if x.Current < 0 {
		return fmt.Sprintf("CPU not known yet, of %d %%", x.Target)
	}
	return fmt.Sprintf("%d %% of %d %% CPU", x.Current, x.Target)
}

func (x Scaling) title() string {
	if x.Name == "" {
		return "Autoscaler"
	}
	return "Autoscaler " + x.Name
}

func (x Scaling) replicas() string {
	return fmt.Sprintf("%s of %d to %d", ui.Plural(x.Replicas, "replica", "replicas"), x.Min, x.Max)
}

// status is how near the end is, as the calendar shows it.
func (e Ending) status() ui.Status {
	e.Words = strings.ToUpper(e.Words[:1]) + e.Words[1:]
	switch {
	case e.Days < 0 && e.Support:
		return ui.Status{Tone: ui.ToneWarn, Words: e.Words}
	case e.Days < 14 && !e.Support:
		return ui.Status{Tone: ui.ToneBad, Words: e.Words}
	case e.Days < 45:
		return ui.Status{Tone: ui.ToneWarn, Words: e.Words}
	}
	return ui.Status{Tone: ui.ToneOK, Words: e.Words}
}

func (r Rotation) status() ui.Status {
	switch {
	case !r.In:
		return ui.Status{Tone: ui.ToneSkip, Words: "Out of rotation"}
	case r.Health == "online":
		return ui.Status{Tone: ui.ToneOK, Words: "In rotation"}
	case r.Health == "degraded":
		return ui.Status{Tone: ui.ToneBad, Words: "In rotation, but degraded"}
	}
	return ui.Status{Tone: ui.ToneIdle, Words: "In rotation, " + r.Health}
}

func dayChoices() []ui.Choice {
	return []ui.Choice{{Value: "7", Label: "7 days"}, {Value: "30", Label: "30 days"}, {Value: "90", Label: "90 days"}, {Value: "365", Label: "1 year"}}
}

// badgeWidth is about how wide a text is on the badge.
func badgeWidth(s string) int { return 7*len([]rune(s)) + 14 }

// BadgeColour is the colour of a Badge's words.
func (h Health) BadgeColour() string {
	switch h.Tone() {
	case ui.ToneOK:
		return "#14693f"
	case ui.ToneWarn:
		return "#7d4b00"
	case ui.ToneBad:
		return "#a81f15"
	}
	return "#566271"
}

// summary is a Site in one line.
func (s Site) summary() string {
	var out []string
	if n := s.nodes(); n != "" {
		out = append(out, n+" nodes")
	}
	if s.Version != "" {
		v := s.Version
		if s.Newest != "" {
			v += " → " + s.Newest
		}
		out = append(out, v)
	}
	if !s.CertificateEnds.IsZero() && s.certificate().Tone != ui.ToneOK {
		out = append(out, "certificate: "+strings.ToLower(s.certificate().Words))
	}
	return strings.Join(out, " · ")
}
