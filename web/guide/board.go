package guide

import "hubwright/web/ui"

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

func (r Row) allLater() bool {
	for _, c := range r.Cells {
		if !c.Later {
			return false
		}
	}
	return true
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
	return "When an operator adds one, its eleven steps appear here."
}
