package handlers

import (
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/web/guide"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// cell is one workflow on one site.
func (b *board) cell(site workflows.Site, info workflows.Info, role ui.Role) guide.Cell {
	key := siteRow(site, info.ID)
	run, ran := b.latest[key]
	cell := guide.Cell{Percent: -1}
	missing := b.missing(site, info.ID)
	switch {
	case ran:
		cell.Status, cell.NoteURL = runStatus(run), "/runs/"+run.ID
		cell.Note = b.runNote(site, info.ID, run)
		if !run.Status.Ended() {
			cell.Percent = run.Percent
			cell.Action = &ui.Action{Label: "Follow", URL: "/runs/" + run.ID, For: "on " + site.Name}
			return cell
		}
		if gone, yes := b.takenAway(site, info.ID, run); yes {
			cell.Status, cell.Note, cell.NoteURL = ui.Status{Tone: ui.ToneIdle, Words: "Removed"}, b.runNote(site, gone.WorkflowID, gone), "/runs/"+gone.ID
		}
	case missing != "":
		cell.Status, cell.Blocked = ui.Status{Tone: ui.ToneIdle, Words: missing}, true
	default:
		cell.Status = b.untouched(site, info.ID)
	}
	if st, yes := tokenEnds(b.pipelines[site.ID], b.now); yes && info.ID == "pipelines" {
		cell.Status = st
	}
	if note := b.drifted[site.ID]; note != "" && info.ID == "cluster" && cell.Status.Tone == ui.ToneOK {
		cell.Status, cell.Note, cell.NoteURL = ui.Status{Tone: ui.ToneWarn, Words: "Drifted"}, note, "/clusters/"+b.clusters[site.ID].ID
		cell.Action = &ui.Action{Label: "Look", URL: cell.NoteURL, For: "at the drift on " + site.Name}
		return cell
	}
	if !role.Operates() {
		return cell
	}
	_, exists := b.clusters[site.ID]
	if missing == "" && !(exists && info.ID == adopt) {
		cell.Action = b.startAction(site, info, run, ran)
	}
	if info.ID == "cluster" && !exists {
		cell.More = append(cell.More, b.adoption(site))
	}
	return cell
}

// adopt is the other way to a cluster than deploying one.
const adopt = "adopt"

// origin is the workflow that a row tells of: of the two that bring a cluster
// the one that ran last.
func (b *board) origin(site workflows.Site, info workflows.Info) workflows.Info {
	adopted, ok := b.latest[siteRow(site, adopt)]
	def, known := b.catalogue.Find(adopt)
	if info.ID != "cluster" || !ok || !known || b.latest[siteRow(site, info.ID)].Number > adopted.Number {
		return info
	}
	return def.Info()
}

// adoption begins to adopt a cluster, or goes on with it.
func (b *board) adoption(site workflows.Site) ui.Action {
	a := b.startAction(site, workflows.Info{ID: adopt}, workflows.Run{}, false)
	if a.Label == "Start" {
		a.Label = "It exists already"
	} else {
		a.Label = "Go on adopting"
	}
	a.Quiet = true
	return *a
}

// removers are the workflows that take away what another one made, by that one.
var removers = map[string][]string{"app": {"app-remove"}, "autoscale": {"autoscale-remove", "app-remove"}}

// undoThemselves are the workflows that also take away what they made.
var undoThemselves = []string{"pipelines", "monitoring"}

// takenAway is the run that took away what run made.
func (b *board) takenAway(site workflows.Site, workflowID string, run workflows.Run) (workflows.Run, bool) {
	if run.Plan.Removes && run.Status == workflows.RunSucceeded {
		return run, true
	}
	for _, remover := range removers[workflowID] {
		if gone, ok := b.latest[siteRow(site, remover)]; ok && gone.Number > run.Number && gone.Status == workflows.RunSucceeded {
			return gone, true
		}
	}
	return workflows.Run{}, false
}

func (b *board) startAction(site workflows.Site, info workflows.Info, run workflows.Run, ran bool) *ui.Action {
	if ran && (run.Status == workflows.RunFailed || run.Status == workflows.RunCancelled) {
		return &ui.Action{Label: "Look", URL: "/runs/" + run.ID, For: "at the run on " + site.Name}
	}
	a := startOf(info.ID, "Start", siteTarget(site))
	a.For = "on " + site.Name
	if _, ok := b.drafts[siteRow(site, info.ID)]; ok {
		a.Label = "Continue"
	} else if ran {
		a.Label, a.Quiet = "Run again", run.Status == workflows.RunSucceeded
	}
	return &a
}

// untouched is a cell that no run has reached: what could be done there.
func (b *board) untouched(site workflows.Site, workflowID string) ui.Status {
	cl := b.clusters[site.ID]
	switch workflowID {
	case "upgrade":
		if hops, _ := aksengine.Ladder(cl.Version); len(hops) > 0 {
			return ui.Status{Tone: ui.ToneIdle, Words: hops[0].To + " is possible"}
		}
		return ui.Status{Tone: ui.ToneOK, Words: cl.Version + " is the newest"}
	case joinWorkflow:
		if b.published == 0 {
			return ui.Status{Tone: ui.ToneIdle, Words: "Needs step 7"}
		}
	case "scale":
		return ui.Status{Tone: ui.ToneIdle, Words: ui.Plural(cl.Nodes()-cl.MasterCount, "worker", "workers")}
	}
	return ui.Status{Tone: ui.ToneIdle, Words: "Ready to start"}
}

// tokenEnds says whether the pipelines' token has ended or ends soon.
func tokenEnds(sc workflows.ServiceConnection, now time.Time) (ui.Status, bool) {
	left := sc.ExpiresAt.Sub(now)
	switch {
	case sc.ExpiresAt.IsZero() || left > 14*24*time.Hour:
		return ui.Status{}, false
	case left <= 0:
		return ui.Status{Tone: ui.ToneBad, Words: "Token ended " + shortDate(sc.ExpiresAt)}, true
	}
	return ui.Status{Tone: ui.ToneWarn, Words: "Token ends " + shortDate(sc.ExpiresAt)}, true
}

// missing says what has to be done before, "" when nothing.
func (b *board) missing(site workflows.Site, workflowID string) string {
	switch workflowID {
	case "cluster":
		if b.helpers[site.ID].EngineVersion == "" {
			return "Needs step 1"
		}
	case joinWorkflow:
		if len(b.clusters) == 0 {
			return "Needs step 3"
		}
	case "connect", "pipelines", "monitoring", "app", "autoscale":
		if b.clusters[site.ID].Kubeconfig == "" {
			return "Needs step 3"
		}
	case "upgrade", "scale":
		cl := b.clusters[site.ID]
		if cl.Kubeconfig == "" {
			return "Needs step 3"
		}
		if cl.NameSuffix == "" {
			return "Needs an API model"
		}
	}
	return ""
}

func (b *board) runNote(site workflows.Site, workflowID string, run workflows.Run) string {
	switch {
	case !run.Status.Ended():
		return run.Doing
	case run.Status == workflows.RunFailed && run.Problem != nil:
		return run.Problem.What
	}
	by := shortDate(lastTouched(run)) + ", " + run.CreatedBy
	if run.Status != workflows.RunSucceeded {
		return by
	}
	switch workflowID {
	case "helper-vm":
		return b.helpers[site.ID].EngineVersion + " · " + by
	case "cluster":
		return took(run) + " · " + by
	case "monitoring":
		return run.Title + " · " + by // which of its ways it went, or that it was taken away
	case "pipelines":
		if sc := b.pipelines[site.ID]; !sc.ExpiresAt.IsZero() {
			return "token until " + shortDate(sc.ExpiresAt) + " · " + by
		}
	}
	return by
}

func took(run workflows.Run) string {
	d := run.EndedAt.Sub(run.StartedAt).Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
}

// helperCell is row 2: the helper VM's record says whether we can connect.
func (b *board) helperCell(site workflows.Site) guide.Cell {
	h, ok := b.helpers[site.ID]
	if !ok || h.HostKey == "" {
		return guide.Cell{Percent: -1, Blocked: true, Status: ui.Status{Tone: ui.ToneIdle, Words: "Comes with step 1"}}
	}
	note := fmt.Sprintf("%s@%s · host key pinned", h.User, h.Address)
	if h.Existing {
		note += " · own host"
	}
	return guide.Cell{Percent: -1, Status: ui.Status{Tone: ui.ToneOK, Words: "Done"}, Note: note}
}
