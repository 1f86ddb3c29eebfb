package runs

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// at is an address with the filter and the number before which the runs are.
func (p Props) at(path string, before int) string {
	q := url.Values{}
	for key, value := range map[string]string{"workflow": p.Filter.Workflow, "status": p.Filter.Status, "deployment": p.Filter.Deployment, "stack": p.Filter.Stack} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if before > 0 {
		q.Set("before", strconv.Itoa(before))
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (p Props) older() string {
	if p.Older == 0 {
		return ""
	}
	return p.at("/runs", p.Older)
}

func (p Props) newest() string {
	if p.Before == 0 {
		return ""
	}
	return p.at("/runs", 0)
}

// Live is the list as a part that hears of its changes.
func (p Props) Live() ui.Live {
	return ui.Live{ID: "runs", Again: p.at("/runs", p.Before), Socket: p.at("/runs/socket", p.Before), Version: p.Version, Title: "Runs", Icon: p.Icon(), Now: p.Now}
}

// Going says whether a run of the list has not ended.
func (p Props) Going() bool {
	for _, r := range p.Rows {
		if !r.Run.Status.Ended() {
			return true
		}
	}
	return false
}

// Icon is the state that the favicon carries.
func (p Props) Icon() string {
	for _, r := range p.Rows {
		if r.Run.Status == workflows.RunRunning || r.Run.Status == workflows.RunCancelling {
			return "running"
		}
	}
	return "idle"
}

// Parts are the pieces of the list that change one by one.
func (p Props) Parts() []ui.Part {
	out := []ui.Part{{ID: "runs-foryou", Key: Keys(p.ForYou), Body: forYou(p)}}
	for _, r := range p.Rows {
		out = append(out, ui.Part{ID: rowID(r), Key: Keys([]Row{r}), Body: row(r, p.Now)})
	}
	return append(out, ui.Part{ID: "runs-pages", Key: ui.Key(p.Older), Body: pages(p)})
}

// Keys is a key of all that a list of those rows tells of.
func Keys(rows []Row) string {
	all := slices.Clone(rows)
	for i := range all {
		all[i].Run.Lines, all[i].Run.Plan = 0, workflows.Plan{}
	}
	return ui.Key(all)
}

func rowID(r Row) string { return "row-" + r.Run.ID }

func startOf(r workflows.Run) time.Time {
	if r.StartedAt.IsZero() {
		return r.CreatedAt
	}
	return r.StartedAt
}
