package status

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"hubwright/web/ui"
)

// Part is a piece of the page that is replaced alone when it changes. Its
// element has its ID.
type Part struct {
	ID     string
	Key    string // two parts with the same ID and Key look the same, but for how old the answers are
	Body   templ.Component
	Inside []Part // of the one part that only holds others
}

// Parts are the pieces of the page in their order.
func (p Props) Parts() []Part {
	out := []Part{{ID: "part-announcements", Key: key(p.Board.Announcements), Body: announcements(p)}}
	switch {
	case len(p.Board.Deployments) == 0:
		return append(out, Part{ID: "part-empty", Body: empty()})
	case p.Wall:
		for _, d := range p.Board.Deployments {
			out = append(out, Part{ID: "part-" + d.ID, Key: key(steady(d)), Body: wall(p, d)})
		}
	case p.One:
		d := p.Board.Deployments[0]
		steadyTop := steady(d)
		steadyTop.Sites, steadyTop.Past, steadyTop.Ends = nil, nil, nil
		out = append(out, Part{ID: "part-top", Key: key(steadyTop), Body: top(p, d)})
		sites := Part{ID: "part-site"}
		for i, s := range steady(d).Sites {
			s.Scaling = d.Sites[i].Scaling
			sites.Inside = append(sites.Inside, Part{ID: "part-" + s.ID, Key: key(s), Body: site(p, d.Sites[i])})
		}
		below := Part{ID: "part-below", Inside: []Part{{ID: "part-past", Key: key(d.Past), Body: past(d, p.Now)}}}
		if !p.Shared {
			below.Inside = append([]Part{{ID: "part-ends", Key: key(d.Ends), Body: ends(d)}}, below.Inside...)
		}
		out = append(out, sites, below)
	default:
		for _, d := range p.Board.Deployments {
			out = append(out, Part{ID: "part-" + d.ID, Key: key(steady(d)), Body: summary(p, d)})
		}
	}
	return out
}

// Pieces are the parts without those that only hold others.
func (p Props) Pieces() []Part {
	var out []Part
	for _, x := range p.Parts() {
		if x.Inside != nil {
			out = append(out, x.Inside...)
		} else if x.Body != nil {
			out = append(out, x)
		}
	}
	return out
}

// CheckedAt is when each Site and application was asked last, by the id of the
// element that says so.
func (p Props) CheckedAt() map[string]time.Time {
	out := map[string]time.Time{}
	for _, d := range p.Board.Deployments {
		for _, s := range d.Sites {
			if !s.CheckedAt.IsZero() {
				out["checked-"+s.ID] = s.CheckedAt
			}
			if p.One && s.App != nil && !s.App.CheckedAt.IsZero() {
				out["checked-app-"+s.ID] = s.App.CheckedAt
			}
		}
		if p.One && d.Traffic != nil && !d.Traffic.CheckedAt.IsZero() {
			out["checked-name"] = d.Traffic.CheckedAt
		}
	}
	return out
}

// steady is the Deployment without what every probe changes.
func steady(d Deployment) Deployment {
	sites := make([]Site, len(d.Sites))
	for i, s := range d.Sites {
		s.CheckedAt, s.Scaling = time.Time{}, nil // few pages show the autoscalers
		s.Days, s.Quarters = s.Days.steady(), s.Quarters.steady()
		if s.App != nil {
			a := *s.App
			a.CheckedAt, a.Days = time.Time{}, a.Days.steady()
			if a.Health == Up {
				a.Words = "" // it says how long it took
			}
			s.App = &a
		}
		sites[i] = s
	}
	d.Sites = sites
	if d.Traffic != nil {
		t := *d.Traffic
		t.CheckedAt = time.Time{}
		d.Traffic = &t
	}
	return d
}

func (s Strip) steady() Strip {
	s.Uptime, s.Probes = math.Floor(s.Uptime*100), min(s.Probes, 1)
	return s
}

func key(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return strconv.FormatInt(time.Now().UnixNano(), 36) // it is taken for changed
	}
	return string(b)
}

// socket is where the page hears of changes.
func (p Props) socket() string {
	at := p.URL + "/socket"
	if p.Wall {
		at += "?view=wall"
	}
	return at
}

func (s Site) was() string {
	return "Stale, was " + map[Health]string{Up: "healthy", Degraded: "degraded", Down: "down"}[s.Health]
}

func (a Announcement) kind() string {
	switch {
	case a.Maintenance && a.Going:
		return "Maintenance"
	case a.Maintenance:
		return "Scheduled maintenance"
	}
	return "Announcement"
}

func (a Announcement) tone() string {
	if a.Maintenance && a.Going {
		return string(ui.ToneWarn)
	}
	return string(ui.ToneRun)
}

func (a Announcement) icon() string {
	if a.Maintenance {
		return "clock"
	}
	return "info"
}

func (a Announcement) concerns() string {
	if a.Concerns == "" {
		return "everything"
	}
	return a.Concerns
}
