package status

import (
	"math"
	"time"

	"github.com/a-h/templ"

	"hubwright/web/ui"
)

// Part is a piece of the page, or one that only holds others.
type Part struct {
	ui.Part
	Inside []Part
}

func part(id, key string, body templ.Component) Part {
	return Part{Part: ui.Part{ID: id, Key: key, Body: body}}
}

// Parts are the pieces of the page in their order.
func (p Props) Parts() []Part {
	out := []Part{part("part-announcements", ui.Key(p.Board.Announcements), announcements(p))}
	switch {
	case len(p.Board.Deployments) == 0:
		return append(out, part("part-empty", "", empty()))
	case p.Wall:
		for _, d := range p.Board.Deployments {
			out = append(out, part("part-"+d.ID, ui.Key(steady(d)), wall(p, d)))
		}
	case p.One:
		d := p.Board.Deployments[0]
		steadyTop := steady(d)
		steadyTop.Sites, steadyTop.Past, steadyTop.Ends = nil, nil, nil
		out = append(out, part("part-top", ui.Key(steadyTop), top(p, d)))
		sites := part("part-site", "", nil)
		for i, s := range steady(d).Sites {
			s.Scaling = d.Sites[i].Scaling
			sites.Inside = append(sites.Inside, part("part-"+s.ID, ui.Key(s), site(p, d.Sites[i])))
		}
		below := part("part-below", "", nil)
		if !p.Shared {
			below.Inside = append(below.Inside, part("part-ends", ui.Key(d.Ends), ends(d)))
		}
		below.Inside = append(below.Inside, part("part-past", ui.Key(d.Past), past(d, p.Now)))
		out = append(out, sites, below)
	default:
		for _, d := range p.Board.Deployments {
			out = append(out, part("part-"+d.ID, ui.Key(steady(d)), summary(p, d)))
		}
	}
	return out
}

// Pieces are the parts without those that only hold others.
func (p Props) Pieces() []ui.Part {
	var out []ui.Part
	for _, x := range p.Parts() {
		if x.Inside != nil {
			for _, y := range x.Inside {
				out = append(out, y.Part)
			}
		} else if x.Body != nil {
			out = append(out, x.Part)
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

// Live is the page as a part that hears of its changes.
func (p Props) Live() ui.Live {
	return ui.Live{ID: "status", Again: p.again(), Socket: p.socket(), Version: p.Version, Title: p.WindowTitle(), Icon: p.Icon(), Now: p.Now, StaleAfter: p.StaleAfter}
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
