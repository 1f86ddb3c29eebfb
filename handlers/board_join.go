package handlers

import (
	"hubwright/web/guide"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Workflows on a Deployment, by id.
const (
	joinWorkflow     = "traffic-manager"
	rotationWorkflow = "rotation"
	drillWorkflow    = "drill"
)

// joinCell is row 9: the one name over all Sites, and what can be done with it.
func (b *board) joinCell(info workflows.Info, role ui.Role) guide.Cell {
	cell := b.cell(b.whole(), info, role)
	if _, ran := b.latest[siteRow(b.whole(), info.ID)]; !ran && !cell.Blocked && b.published == 0 {
		cell.Note = "or addresses that you type"
	}
	if b.traffic.FQDN == "" || cell.Status.Tone == ui.ToneRun || cell.Status.Tone == ui.ToneWait {
		return cell
	}
	if cell.Status.Tone == ui.ToneOK {
		cell.Note = b.traffic.FQDN + " · " + cell.Note
	}
	for _, site := range b.sites {
		if e, ok := b.traffic.Endpoint(site.ID); ok && !e.Enabled {
			cell.Status = ui.Status{Tone: ui.ToneWarn, Words: site.Name + " is out of rotation"}
		}
	}
	if !role.Operates() {
		return cell
	}
	for _, more := range []struct{ id, label, about string }{
		{rotationWorkflow, "Rotation", "of " + b.d.Name + ": take a Site out or put it back"}, {drillWorkflow, "Drill", "with a Site of " + b.d.Name},
	} {
		run, ran := b.latest[siteRow(b.whole(), more.id)]
		if ran && !run.Status.Ended() {
			cell.More = append(cell.More, ui.Action{Label: "Follow the " + more.id, URL: "/runs/" + run.ID})
			continue
		}
		a := b.startAction(b.whole(), workflows.Info{ID: more.id}, workflows.Run{}, false)
		a.Label, a.For = more.label, more.about
		cell.More = append(cell.More, *a)
	}
	return cell
}
