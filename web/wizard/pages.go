package wizard

import "hubwright/workflows"

func (p PageProps) index() int {
	for i, r := range p.Rail {
		if r.ID == p.Page.ID {
			return i
		}
	}
	return 0
}

func (p PageProps) first() bool { return p.index() == 0 }

func (p PageProps) last() bool { return p.index() >= len(p.Rail)-1 }

func (p PageProps) nextURL() string {
	if p.last() {
		return p.url() + "/review"
	}
	return p.pageURL(p.Rail[p.index()+1].ID)
}

func (p PageProps) nextLabel() string {
	if p.last() {
		return "Go to the review"
	}
	return "Next: " + p.Rail[p.index()+1].Title
}

func (p PageProps) lead() string {
	if p.first() {
		return p.Info.Why
	}
	return ""
}

func (p PageProps) any(has func(workflows.FieldView) bool) bool {
	for _, f := range p.Page.Fields {
		if has(f) {
			return true
		}
	}
	for _, item := range p.Page.Items {
		for _, f := range item {
			if has(f) {
				return true
			}
		}
	}
	return false
}

func (p PageProps) hasFile() bool {
	return p.any(file)
}

func (p PageProps) reloads() bool {
	return p.any(func(f workflows.FieldView) bool { return f.Reloads })
}

func railClass(r RailPage, now string) string {
	if r.ID == now {
		return string(r.State) + " now"
	}
	return string(r.State)
}
