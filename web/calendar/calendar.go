// Package calendar shows what ends when: credentials, certificates, links, and
// the support of what runs on the clusters.
package calendar

import (
	"time"

	"hubwright/internal/expiry"
	"hubwright/web/ui"
)

// Props is the page.
type Props struct {
	Role    ui.Role
	Items   []expiry.Item // what ends first first
	Unknown []expiry.Item // nobody said when they end
	Now     time.Time
}

type group struct {
	id, title string
	items     []expiry.Item
}

// groups are the items by how soon they end. Support that has ended is apart:
// nothing stops by it.
func (p Props) groups() []group {
	all := []group{{id: "ended", title: "Ended"}, {id: "month", title: "Within 30 days"}, {id: "quarter", title: "Within 90 days"},
		{id: "later", title: "Later"}, {id: "support", title: "No longer supported"}}
	for _, i := range p.Items {
		n := 3
		switch d := i.Days(p.Now); {
		case d < 0 && i.Support:
			n = 4
		case d < 0:
			n = 0
		case d < 30:
			n = 1
		case d < 90:
			n = 2
		}
		all[n].items = append(all[n].items, i)
	}
	var out []group
	for _, g := range all {
		if len(g.items) > 0 {
			out = append(out, g)
		}
	}
	return out
}

func (p Props) left(i expiry.Item) ui.Status {
	tone := ui.ToneOK
	switch d := i.Days(p.Now); {
	case i.Support && d < 30:
		tone = ui.ToneWarn
	case d < 14:
		tone = ui.ToneBad
	case d < 45:
		tone = ui.ToneWarn
	}
	return ui.Status{Tone: tone, Words: capital(i.Left(p.Now))}
}

// capital leaves digits as they are.
func capital(s string) string {
	if s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
