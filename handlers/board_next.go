package handlers

import (
	"cmp"
	"slices"

	"hubwright/web/guide"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// going are the runs of the Deployment that have not ended, the newest last.
func (b *board) going() []guide.Going {
	var open []workflows.Run
	for _, r := range b.latest {
		if !r.Status.Ended() {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, func(x, y workflows.Run) int { return cmp.Compare(x.Number, y.Number) })
	var out []guide.Going
	for _, r := range open {
		g := guide.Going{Title: r.Title, Status: runStatus(r), Doing: r.Doing, Percent: r.Percent, Since: r.StartedAt, URL: "/runs/" + r.ID}
		for _, site := range b.sites {
			if site.ID == r.Target.SiteID && len(b.sites) > 1 {
				g.Doing = site.Name + dotted(g.Doing)
			}
		}
		out = append(out, g)
	}
	return out
}

func dotted(s string) string {
	if s == "" {
		return ""
	}
	return " · " + s
}

// next marks the one thing on the board that somebody has to look at or can do
// next, and tells of it: what failed before what warns before what is open.
func (b *board) next(rows []guide.Row) *guide.Next {
	if len(b.sites) == 0 {
		return &guide.Next{Title: "Next: add a Site", Why: "A Deployment needs at least one Stack, two to be highly available."}
	}
	for _, tone := range []ui.Tone{ui.ToneBad, ui.ToneWarn, ui.ToneIdle} {
		for _, row := range rows {
			for i := range row.Cells {
				if c := &row.Cells[i]; toneOf(c) == tone && b.concerns(row, c) {
					c.Next = true
					return b.nextIs(row, i)
				}
			}
		}
	}
	return b.allDone(rows)
}

// toneOf is the tone of a cell's status; what was cancelled is open again.
func toneOf(c *guide.Cell) ui.Tone {
	if c.Status.Tone == ui.ToneSkip {
		return ui.ToneIdle
	}
	return c.Status.Tone
}

func (b *board) concerns(row guide.Row, c *guide.Cell) bool {
	switch {
	case c.Blocked, row.Wide && b.published == 0:
		return false
	case row.Optional() && toneOf(c) == ui.ToneIdle:
		return false // nobody has to upgrade or scale
	}
	return true
}

func (b *board) nextIs(row guide.Row, i int) *guide.Next {
	c := &row.Cells[i]
	where := " on " + b.sites[i].Name
	if row.Wide {
		where = ""
	}
	n := &guide.Next{Tone: toneOf(c), Why: c.Note}
	switch n.Tone {
	case ui.ToneBad:
		n.Title = row.Title + where + ": " + lowerFirst(c.Status.Words)
		n.Action = &ui.Action{Label: "See why", URL: c.NoteURL, Primary: true}
		return n
	case ui.ToneWarn:
		n.Title = row.Title + where + ": " + lowerFirst(c.Status.Words)
	default:
		n.Tone, n.Title, n.Why = "", "Next: "+lowerFirst(row.Title)+where, row.Note+"."
		if c.Action != nil {
			c.Action.Primary = true
		}
	}
	if n.Tone == ui.ToneWarn && len(c.More) > 0 {
		n.Action = &c.More[0] // what changes a Site's part, rather than all again
	} else {
		n.Action = c.Action
	}
	if n.Action != nil {
		a := *n.Action
		a.Primary, a.Quiet, a.For = true, false, "with: "+lowerFirst(row.Title)+where
		n.Action = &a
	}
	return n
}

// allDone is what stands there when nothing is open; nil while something is
// under way or still blocked.
func (b *board) allDone(rows []guide.Row) *guide.Next {
	for _, row := range rows {
		for _, c := range row.Cells {
			if !row.Optional() && c.Status.Tone != ui.ToneOK {
				return nil
			}
		}
	}
	n := &guide.Next{Title: "Everything is built", Why: "Nothing needs you. Upgrade or scale a Site when you want to.",
		Action: &ui.Action{Label: "Look at the status", URL: "/status/" + b.d.ID}}
	if b.traffic.FQDN != "" {
		n.Why = "Users reach it at " + b.traffic.FQDN + ". Upgrade or scale a Site when you want to."
	}
	return n
}

// lowerFirst keeps names such as AKS Engine as they are inside.
func lowerFirst(s string) string {
	if s == "" || s == "Traffic Manager" {
		return s
	}
	return string(s[0]|0x20) + s[1:]
}
