package guide

import (
	"slices"
	"time"

	"hubwright/web/runs"
	"hubwright/web/ui"
)

type group struct {
	name string
	rows []Row
}

func groups(rows []Row) []group {
	var out []group
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].name != r.Group {
			out = append(out, group{name: r.Group})
		}
		last := &out[len(out)-1]
		last.rows = append(last.rows, r)
	}
	return out
}

// Live is the board as a part that hears of its changes.
func (p Props) Live() ui.Live {
	return ui.Live{ID: "board", Again: p.url() + "/board", Socket: p.url() + "/socket", Version: p.Version, Title: p.Deployment.Name, Icon: p.Icon, Now: p.Now}
}

// Parts are the pieces of the board that change one by one.
func (p Props) Parts() []ui.Part {
	drafts := slices.Clone(p.Drafts)
	for i := range drafts {
		drafts[i].Now = time.Time{}
	}
	out := []ui.Part{
		{ID: "board-foryou", Key: runs.Keys(p.ForYou), Body: forYou(p)},
		{ID: "board-going", Key: ui.Key(p.Going, p.Next == nil), Body: going(p)},
		{ID: "board-next", Key: ui.Key(p.Next), Body: next(p)},
		{ID: "board-drafts", Key: ui.Key(drafts), Body: openDrafts(p)},
	}
	for _, c := range p.Columns {
		out = append(out, ui.Part{ID: columnID(c), Key: ui.Key(c), Body: columnHead(c)})
	}
	for _, r := range p.Rows {
		for i, c := range r.Cells {
			out = append(out, ui.Part{ID: p.cellID(r, i), Key: ui.Key(c, p.site(i)), Body: cell(p, r, i)})
		}
	}
	return out
}

func columnID(c Column) string { return "col-" + c.Site.ID }

func (p Props) cellID(r Row, i int) string {
	if r.Wide {
		return "cell-" + num(r.N)
	}
	return "cell-" + num(r.N) + "-" + p.Columns[i].Site.ID
}

// where tells whose cell it is, "" for the one of all Sites.
func (p Props) where(r Row, i int) string {
	if r.Wide {
		return ""
	}
	return p.site(i)
}

func (c Column) percent() int {
	if c.Total == 0 {
		return 0
	}
	return 100 * c.Done / c.Total
}

func (c Column) progress() string {
	if c.Done == c.Total {
		return "All " + num(c.Total) + " steps done"
	}
	return num(c.Done) + " of " + num(c.Total) + " steps done"
}

func goingTitle(n int) string {
	if n == 1 {
		return "Under way"
	}
	return "Under way: " + num(n) + " runs"
}

func (p Props) site(i int) string {
	if i < len(p.Columns) {
		return p.Columns[i].Site.Name
	}
	return ""
}

// may says whether the person may press the button: links are for everybody,
// what changes something is for operators.
func may(role ui.Role, a ui.Action) bool {
	return a.Method == "" || a.Method == "GET" || role.Operates()
}

// withFor tells a screen reader which of the many Start buttons this is.
func withFor(a ui.Action, title, site string) ui.Action {
	if a.For == "" {
		a.For = title
		if site != "" {
			a.For += " on " + site
		}
	}
	return a
}

func lead(sites int) string {
	switch sites {
	case 0:
		return "One application, one name in front."
	case 1:
		return "One application on one Azure Stack Hub. Add a second Site to make it highly available."
	}
	return "One application on " + words(sites) + " Azure Stack Hubs, one name in front."
}

func words(n int) string {
	names := []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n < len(names) {
		return names[n]
	}
	return num(n)
}

func noSites(p Props) string {
	if p.Role.Operates() {
		return "Add the first Site below: choose the Stack on which this Deployment shall run."
	}
	return "When an operator adds one, its steps appear here."
}
