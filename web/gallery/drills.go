package gallery

import (
	"slices"
	"time"

	"hubwright/web/drill"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// drillReport is a report of looks each two seconds over four minutes. With an
// outage the Site's share of the requests fails until it is found.
func drillReport(outage bool) workflows.DrillReport {
	r := workflows.DrillReport{
		Deployment: "Ratings", FQDN: "mainmidge-tmep.trafficmanager.net", Site: "Orlando", Outage: outage, Interval: 2 * time.Second, TTL: 60,
		Sites: []string{"Seattle", "Orlando"}, StartedAt: before(20 * time.Minute),
		Events:       []workflows.DrillEvent{{At: 20 * time.Second, Text: "Orlando was taken out of rotation"}, {At: 100 * time.Second, Text: "Orlando was put back into rotation"}, {At: 130 * time.Second, Text: "Orlando is in the answers again"}},
		DrillNumbers: workflows.DrillNumbers{LeftAfter: 0, BackAfter: 30 * time.Second},
	}
	if outage {
		r.Events = []workflows.DrillEvent{{At: 20 * time.Second, Text: "Break Orlando now"}, {At: 70 * time.Second, Text: "Orlando is found degraded"}, {At: 100 * time.Second, Text: "Users have left Orlando"}, {At: 101 * time.Second, Text: "Repair Orlando now"}}
		r.DrillNumbers = workflows.DrillNumbers{Longest: 6 * time.Second, Broken: 48 * time.Second, LeftAfter: 50 * time.Second, BackAfter: -1}
	}
	for at := time.Duration(0); at < 4*time.Minute; at += r.Interval {
		one := workflows.DrillSample{At: at, Sites: []int{int(at/r.Interval) % 3 % 2}, Status: 200, Took: 40 * time.Millisecond}
		lost := at >= 20*time.Second && at < 70*time.Second
		if outage && lost && one.Sites[0] == 1 {
			one.Failed, one.Status, one.Why = true, 0, "mainmidge-tmep.trafficmanager.net does not answer: connection refused"
			r.Failed++
		}
		if (!outage && at >= 20*time.Second || at >= 70*time.Second) && at < 130*time.Second {
			one.Sites = []int{0}
		}
		r.Requests++
		r.Samples = append(r.Samples, one)
	}
	return r
}

func drillPages() []Page {
	crumbs := []ui.Crumb{{Label: "Ratings", URL: "/deployments/d1"}, {Label: "Runs", URL: "/runs"}, {Label: "Run 51", URL: "/runs/gallery"}}
	good := drill.Props{Run: workflows.Run{ID: "gallery", Number: 51}, Report: drillReport(false), JSON: "/runs/gallery/drill.json"}
	bad := drill.Props{Run: good.Run, Report: drillReport(true), JSON: good.JSON}
	bad.Report.Site, bad.Report.Sites[1] = long, long
	cut := drill.Props{Run: good.Run, Report: drillReport(false), JSON: good.JSON}
	gap := workflows.DrillGap{From: 44*time.Second + 40*time.Millisecond, To: 71 * time.Second}
	cut.Report.Gaps = []workflows.DrillGap{gap}
	cut.Report.Samples = slices.DeleteFunc(cut.Report.Samples, func(s workflows.DrillSample) bool { return s.At > gap.From && s.At < gap.To })
	cut.Report.Requests = len(cut.Report.Samples)
	cut.Report.Events = slices.Insert(cut.Report.Events, 1, workflows.DrillEvent{At: gap.To, Text: "Measured again, after 27 s in which nothing was"})
	going := drill.Props{Run: good.Run, Report: drillReport(true), JSON: good.JSON}
	going.Report.Going, going.Report.Events = true, going.Report.Events[:2]
	return []Page{
		page("drill.interrupted", "Report of run 51", layout.NavRuns, drill.Page(cut, crumbs)),
		page("drill.going", "Report of run 51", layout.NavRuns, drill.Page(going, crumbs)),
		page("drill.unnoticed", "Report of run 51", layout.NavRuns, drill.Page(good, crumbs)),
		page("drill.outage", "Report of run 51", layout.NavRuns, drill.Page(bad, crumbs)),
	}
}
