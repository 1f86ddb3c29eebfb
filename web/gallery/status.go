package gallery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/web/layout"
	"hubwright/web/status"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// past is a strip of so many slots that ends with marks.
func past(slots int, slot time.Duration, marks string, uptime float64) status.Strip {
	s := status.Strip{Begins: now.Truncate(slot).Add(-time.Duration(slots-1) * slot), Slot: slot, Marks: strings.Repeat("u", slots-len(marks)) + marks}
	if marks != strings.Repeat("-", slots) {
		s.Uptime, s.Probes = uptime, 1440*slots
	}
	return s
}

func siteStatus(id, name string) status.Site {
	return status.Site{ID: id, Name: name, URL: "/clusters/c1", Health: status.Up, Words: "Healthy", CheckedAt: before(12 * time.Second), Ready: 6, Want: 6,
		Version: "1.33.10", Newest: "1.34.4", CertificateEnds: now.AddDate(0, 11, 0), CertificateDays: 334,
		Days: past(90, 24*time.Hour, "uuuuuuuuuxxuuuuuuuuuuduuu", 99.97), Quarters: past(96, 15*time.Minute, "", 100)}
}

func ratings() status.Deployment {
	return status.Deployment{ID: "dep_1", Name: "Ratings", Health: status.Up, Words: "Operational", Lead: "Both Sites are healthy.",
		Sites: []status.Site{siteStatus("site_1", "Seattle"), siteStatus("site_2", "Orlando")},
		Past: []status.Change{
			{Title: "Scale linuxpool from 2 to 3", Site: "Seattle", Status: ui.Status{Tone: ui.ToneOK, Words: "Succeeded"}, By: "ana", At: before(26 * time.Hour), URL: "/runs/r1"},
			{Title: "Upgrade to 1.33.10", Site: "Orlando", Status: ui.Status{Tone: ui.ToneBad, Words: "Failed"}, By: "ben", At: before(9 * 24 * time.Hour), URL: "/runs/r2"},
		}}
}

func upgrading() []status.Change {
	return []status.Change{{Title: "Upgrade to 1.34.4", Site: "Seattle", Status: ui.Status{Tone: ui.ToneRun, Words: "Running 62 %"}, Step: "Step 4 of 7: Upgrade the nodes", Percent: 62, By: "ana", At: before(19 * time.Minute), URL: "/runs/r3"}}
}

func statusOf(d ...status.Deployment) status.Props {
	p := status.Props{Role: ui.RoleOperator, Now: now, Watching: true, StaleAfter: 3 * time.Minute, Version: "gallery", URL: "/status", Board: status.Board{At: now, Health: status.Up, Words: "Operational", Deployments: d}}
	if len(d) == 1 {
		p.One, p.URL = true, "/status/"+d[0].ID
		p.Board.Health, p.Board.Words = d[0].Health, d[0].Words
	}
	return p
}

func statusPages() []Page {
	good := statusOf(ratings())
	good.Sharing = status.Sharing{Days: "30", Links: []status.Share{{ID: "shr_1", Name: "Screen in the hall", By: "ana", CreatedAt: before(time.Hour), ExpireAt: now.AddDate(0, 1, 0)}, {ID: "shr_2", Name: long, By: "ben", CreatedAt: before(1000 * time.Hour), ExpireAt: before(time.Hour)}}}

	d := ratings()
	d.Health, d.Words, d.Lead = status.Degraded, "Degraded", "Orlando is down, 1 Site answers."
	d.Sites[1] = badSite("site_2", "Orlando")
	d.Sites[0].CertificateDays, d.Sites[0].CertificateEnds = 9, now.AddDate(0, 0, 9)
	bad := statusOf(d)
	bad.Sharing = status.Sharing{Days: "30", Made: "https://hubwright.example.com/shared/Zm9yIHRoZSBnYWxsZXJ5LCBvcGVucyBub3RoaW5nIQ"}

	d = ratings()
	d.Health, d.Words, d.Lead = status.Stale, "Stale", "How Orlando is now is not known: the newest answer is old."
	d.Sites[1] = staleSite("site_2", "Orlando")
	stale := statusOf(d)
	stale.Watching = false
	stale.Sharing = status.Sharing{Days: "7", Errors: []workflows.FieldError{{Field: "name", Message: "Give it a name."}}}

	d = ratings()
	d.Health, d.Words, d.Lead, d.Past = status.Unknown, "Nothing to tell yet", "No Site has a cluster that was asked yet.", nil
	for i := range d.Sites {
		d.Sites[i] = newSite(d.Sites[i].ID, d.Sites[i].Name)
	}
	none := statusOf(d)

	d = ratings()
	d.Changes = upgrading()
	d.Health, d.Words, d.Lead = status.Degraded, "Degraded", "All Sites answer, but Seattle is not well."
	d.Sites[0].Health, d.Sites[0].Words, d.Sites[0].Ready = status.Degraded, "5 of 6 nodes Ready", 5
	running := statusOf(d)
	wall := running
	wall.Wall = true
	shared := running
	shared.Shared, shared.Role, shared.URL = true, "", "/shared/x"
	shared.Board.Deployments = []status.Deployment{withoutLinks(d)}
	viewer := good
	viewer.Role = ui.RoleViewer

	d = ratings()
	d.Health, d.Words, d.Lead = status.Maintenance, "Maintenance", "Orlando is in scheduled maintenance, 1 Site answers."
	d.Sites[1].Health, d.Sites[1].Words = status.Maintenance, "Maintenance until 14:00 UTC"
	d.Sites[1].Days = past(90, 24*time.Hour, "m", 100)
	d.Sites[0].App = &status.App{Health: status.Up, Words: "Answers in 12 ms", Status: 200, CheckedAt: before(20 * time.Second), Days: past(90, 24*time.Hour, "uxuuuuu", 99.8)}
	d.Sites[1].App = &status.App{Health: status.Down, Words: "Answers 503", Why: "It answered 503", Status: 503, CheckedAt: before(9 * time.Second), Days: past(90, 24*time.Hour, "x", 99.9)}
	d.Sites[0].Scaling = []status.Scaling{{Name: "ratings-api", Current: -1, Target: 80, Replicas: 2, Min: 1, Max: 5}, {Name: "ratings-web", Current: 97, Target: 80, Replicas: 4, Min: 1, Max: 10}}
	d.Sites[1].Scaling = d.Sites[0].Scaling[:1]
	d.Ends = []status.Ending{
		{What: "Personal access token", Of: "Connection Contoso DevOps", Ends: before(30 * time.Hour), Days: -2, Words: "ended yesterday", URL: "/connections/c1"},
		{What: "Cluster's certificates", Of: "Ratings / Orlando", Ends: now.AddDate(0, 0, 9), Days: 9, Words: "9 days left", URL: "/clusters/c1"},
		{What: "Support of Kubernetes 1.33", Of: "Ratings / Seattle", Ends: now.AddDate(0, 0, 40), Days: 40, Words: "40 days left", Support: true, URL: "/clusters/c1"},
		{What: "Client secret", Of: "Stack Seattle", Ends: now.AddDate(0, 7, 0), Days: 212, Words: "212 days left", URL: "/stacks/s1"}}
	d.Traffic = &status.Traffic{FQDN: "ratings.trafficmanager.net", CheckedAt: before(30 * time.Second)}
	d.Sites[0].Rotation, d.Sites[1].Rotation = status.Rotation{In: true, Health: "online"}, status.Rotation{Health: "degraded"}
	planned := statusOf(d)
	planned.Board.Announcements = []status.Announcement{
		{ID: "ann_1", Maintenance: true, Title: "Update of Orlando's Hub", Text: "The stamp is patched.\nThe application is served from Seattle.", Concerns: "Ratings / Orlando", From: before(time.Hour), To: now.Add(3 * time.Hour), Going: true, By: "ana"},
		{ID: "ann_2", Title: long, From: before(time.Minute), Going: true, By: "ben"}}
	plannedWall := planned
	plannedWall.Wall = true

	many := manyStatus()
	manyWall := many
	manyWall.Wall = true
	empty := statusOf()
	return []Page{
		page("status", "Ratings: Operational", layout.NavStatus, status.Page(good), icon(layout.IconOK)),
		page("status.bad", "Ratings: Degraded", layout.NavStatus, status.Page(bad), icon(layout.IconBad)),
		page("status.stale", "Ratings: Stale", layout.NavStatus, status.Page(stale)),
		page("status.no-cluster", "Ratings", layout.NavStatus, status.Page(none)),
		page("status.running", "Ratings: Degraded", layout.NavStatus, status.Page(running), icon(layout.IconRunning)),
		page("status.viewer", "Ratings", layout.NavStatus, status.Page(viewer), as(ui.RoleViewer)),
		page("status.shared", "Ratings", layout.NavNone, status.Page(shared), seenAs(layout.LookShared)),
		page("status.maintenance", "Ratings: Maintenance", layout.NavStatus, status.Page(planned)),
		page("status.maintenance-wall", "Ratings", layout.NavNone, status.Page(plannedWall), seenAs(layout.LookWall)),
		page("status.wall", "Ratings", layout.NavNone, status.Page(wall), seenAs(layout.LookWall)),
		page("status.all", "Status", layout.NavStatus, status.Page(many)),
		page("status.all-wall", "Status", layout.NavNone, status.Page(manyWall), seenAs(layout.LookWall)),
		page("status.empty", "Status", layout.NavStatus, status.Page(empty)),
	}
}

func badSite(id, name string) status.Site {
	s := siteStatus(id, name)
	s.Health, s.Words, s.Why = status.Down, "Not reachable", "ratings-orl.orlando.cloudapp.azurestack.test refused the connection"
	s.Ready, s.Want, s.CertificateEnds, s.CertificateDays = 0, 0, time.Time{}, 0
	s.Days, s.Quarters = past(90, 24*time.Hour, "dx", 99.31), past(96, 15*time.Minute, "dxxxxxx", 93.2)
	return s
}

func staleSite(id, name string) status.Site {
	s := siteStatus(id, name)
	s.Health, s.Words, s.CheckedAt = status.Stale, "Stale, was healthy", before(47*time.Minute)
	s.Days = past(90, 24*time.Hour, strings.Repeat("-", 30)+strings.Repeat("u", 60), 100)
	s.Quarters = past(96, 15*time.Minute, "---", 100)
	return s
}

func newSite(id, name string) status.Site {
	return status.Site{ID: id, Name: name, Health: status.Unknown, Words: "No cluster yet",
		Days: past(90, 24*time.Hour, strings.Repeat("-", 90), 0), Quarters: past(96, 15*time.Minute, strings.Repeat("-", 96), 0)}
}

func withoutLinks(d status.Deployment) status.Deployment {
	d.Sites = slices.Clone(d.Sites)
	for i := range d.Sites {
		d.Sites[i].URL = ""
	}
	d.Changes, d.Past = upgrading(), ratings().Past
	for _, list := range [][]status.Change{d.Changes, d.Past} {
		for i := range list {
			list[i].URL, list[i].By = "", ""
		}
	}
	return d
}

// manyStatus is twenty Deployments on forty Sites.
func manyStatus() status.Props {
	p := statusOf()
	p.Sharing.Days = "30"
	p.Board.Health, p.Board.Words = status.Degraded, "3 of 20 degraded"
	for i := range 20 {
		d := ratings()
		d.ID, d.Name = fmt.Sprint("dep_", i), fmt.Sprintf("Application %02d", i+1)
		for j := range d.Sites {
			d.Sites[j].ID = fmt.Sprintf("site_%d_%d", i, j)
		}
		switch i {
		case 1:
			d.Changes = upgrading()
		case 3:
			d.Health, d.Words = status.Degraded, "Degraded"
			d.Sites[1] = badSite("site_bad", "Orlando")
		case 5:
			d.Health, d.Words = status.Degraded, "Degraded"
			d.Sites[0].App = &status.App{Health: status.Down, Words: "Does not answer", CheckedAt: before(9 * time.Second)}
			d.Sites[0].Rotation, d.Sites[1].Rotation = status.Rotation{In: true, Health: "degraded"}, status.Rotation{In: true, Health: "online"}
		case 7:
			d.Health, d.Words = status.Stale, "Stale"
			d.Sites[0] = staleSite("site_stale", "Seattle")
		case 9:
			d.Name, d.Health, d.Words = long, status.Unknown, "1 of 2 Sites up"
			d.Sites[1] = newSite("site_new", "Denver-in-the-mountains-with-a-very-long-name")
		case 12:
			d.Health, d.Words, d.Sites = status.Unknown, "No Site yet", nil
		}
		p.Board.Deployments = append(p.Board.Deployments, d)
	}
	return p
}
