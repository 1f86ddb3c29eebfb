package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/store"
	"hubwright/web/guide"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

// board is all that a guide board tells of.
type board struct {
	now       time.Time
	d         workflows.Deployment
	sites     []workflows.Site
	stacks    map[string]workflows.Stack
	helpers   map[string]workflows.HelperVM          // by site
	clusters  map[string]workflows.Cluster           // by site
	pipelines map[string]workflows.ServiceConnection // by site
	latest    map[store.SiteRow]workflows.Run
	drafts    map[store.SiteRow]workflows.Draft
	traffic   workflows.TrafficProfile // zero while the Deployment has no name
	published int                      // Sites whose application has an endpoint
	drifted   map[string]string        // what a check for drift found, in a few words, by site
	catalogue workflows.Catalogue
}

func (s *Server) readBoard(ctx context.Context, d workflows.Deployment) (*board, error) {
	b := &board{
		now: s.Clock(), d: d, catalogue: s.Catalogue, stacks: map[string]workflows.Stack{}, helpers: map[string]workflows.HelperVM{},
		clusters: map[string]workflows.Cluster{}, pipelines: map[string]workflows.ServiceConnection{}, drafts: map[store.SiteRow]workflows.Draft{}, drifted: map[string]string{},
	}
	var err error
	if b.sites, err = s.Store.Sites(ctx, d.ID); err != nil {
		return nil, err
	}
	if b.latest, err = s.Store.LatestRuns(ctx, d.ID); err != nil {
		return nil, err
	}
	for key, run := range b.latest {
		if run.Status != workflows.RunSucceeded || !slices.Contains(undoThemselves, key.WorkflowID) {
			continue
		}
		if b.latest[key], err = s.Store.Run(ctx, run.ID); err != nil { // with its plan, which says whether it removed
			return nil, err
		}
	}
	for _, site := range b.sites {
		if err := s.readSite(ctx, b, site); err != nil {
			return nil, err
		}
	}
	if b.traffic, err = s.Store.TrafficProfile(ctx, d.ID); err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return nil, err
	}
	return b, s.readDrafts(ctx, b, b.whole())
}

// whole stands for all Sites, in rows that have one cell.
func (b *board) whole() workflows.Site {
	return workflows.Site{DeploymentID: b.d.ID, Name: b.d.Name}
}

func (s *Server) readSite(ctx context.Context, b *board, site workflows.Site) error {
	st, err := s.Store.Stack(ctx, site.StackID)
	if err != nil {
		return err
	}
	b.stacks[site.ID] = st
	h, err := s.Store.HelperVM(ctx, site.ID)
	if err == nil {
		b.helpers[site.ID] = h
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	cl, err := s.Store.ClusterOfSite(ctx, site.ID)
	if err == nil {
		b.clusters[site.ID] = cl
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	sc, err := s.Store.ServiceConnection(ctx, site.ID)
	if err == nil {
		b.pipelines[site.ID] = sc
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	if _, err := s.Store.Endpoint(ctx, site.ID); err == nil {
		b.published++
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	return s.readDrafts(ctx, b, site)
}

func (s *Server) readDrafts(ctx context.Context, b *board, site workflows.Site) error {
	drafts, err := s.Store.Drafts(ctx, siteTarget(site))
	if err != nil {
		return err
	}
	for _, dr := range drafts {
		if dr.Target.SiteID != site.ID {
			continue // the Deployment's drafts are those of its Sites as well
		}
		key := siteRow(site, dr.WorkflowID)
		if old, ok := b.drafts[key]; !ok || dr.UpdatedAt.After(old.UpdatedAt) {
			b.drafts[key] = dr
		}
	}
	return s.readDrift(ctx, b, site)
}

func siteTarget(site workflows.Site) workflows.Target {
	return workflows.Target{DeploymentID: site.DeploymentID, SiteID: site.ID, StackID: site.StackID}
}

// columns are the heads of the Sites' columns over those rows.
func (b *board) columns(rows []guide.Row) []guide.Column {
	var out []guide.Column
	for i, site := range b.sites {
		st := b.stacks[site.ID]
		col := guide.Column{Site: site, URL: "/stacks/" + st.ID, Facts: "No cluster yet · " + st.Metadata.Identity.Title()}
		if cl, ok := b.clusters[site.ID]; ok {
			col.URL = "/clusters/" + cl.ID
			col.Facts = fmt.Sprintf("%s · %s · %s", cl.Version, ui.Plural(cl.Nodes(), "node", "nodes"), st.Metadata.Identity.Title())
		}
		for _, r := range rows {
			if r.Optional() || r.Wide {
				continue
			}
			col.Total++
			if r.Cells[i].Status.Tone == ui.ToneOK {
				col.Done++
			}
		}
		out = append(out, col)
	}
	return out
}

// rows are the guide's rows that a workflow of the catalogue serves.
func (b *board) rows(role ui.Role) []guide.Row {
	rows := guide.Rows(len(b.sites))
	served := map[int]bool{2: true}
	for _, def := range b.catalogue {
		info := def.Info()
		if info.Row == 0 {
			continue
		}
		served[info.Row] = true
		cells := rows[info.Row-1].Cells
		if info.Scope == workflows.ScopeDeployment && len(b.sites) > 0 {
			cells[0] = b.joinCell(info, role)
		}
		for i, site := range b.sites {
			if info.Scope == workflows.ScopeSite {
				cells[i] = b.cell(site, b.origin(site, info), role)
			}
		}
	}
	for i, site := range b.sites {
		rows[1].Cells[i] = b.helperCell(site)
	}
	return slices.DeleteFunc(rows, func(r guide.Row) bool { return !served[r.N] })
}

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
	t := siteTarget(site)
	a := &ui.Action{Label: "Start", URL: "/drafts", Method: "POST", For: "on " + site.Name, Fields: []ui.Hidden{
		{Name: "workflow", Value: info.ID}, {Name: "deployment", Value: t.DeploymentID}, {Name: "site", Value: t.SiteID}, {Name: "stack", Value: t.StackID},
	}}
	if _, ok := b.drafts[siteRow(site, info.ID)]; ok {
		a.Label = "Continue"
	} else if ran {
		a.Label, a.Quiet = "Run again", run.Status == workflows.RunSucceeded
	}
	return a
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

func lastTouched(r workflows.Run) time.Time {
	for _, t := range []time.Time{r.EndedAt, r.StartedAt} {
		if !t.IsZero() {
			return t
		}
	}
	return r.CreatedAt
}

func (b *board) draftItems(role ui.Role) []wizard.DraftItem {
	var out []wizard.DraftItem
	for _, site := range append(slices.Clone(b.sites), b.whole()) {
		for _, def := range b.catalogue {
			if dr, ok := b.drafts[siteRow(site, def.Info().ID)]; ok {
				out = append(out, wizard.DraftItem{Draft: dr, Title: def.Info().Title, On: site.Name, Role: role})
			}
		}
	}
	return out
}
