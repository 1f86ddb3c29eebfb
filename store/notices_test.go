package store

import (
	"errors"
	"testing"
	"time"

	"hubwright/internal/monitor"
	"hubwright/internal/notify"
	"hubwright/workflows"
)

func lookAtNotices(t *testing.T, d *DB) {
	ctx := t.Context()
	c, err := d.Channel(ctx, "chn_old")
	if err != nil || c.Kind != notify.Slack || !c.Wants(notify.Event{Kind: notify.RunEnded, DeploymentID: "dep_old"}) {
		t.Errorf("channel %+v %v", c, err)
	}
	due, err := d.DueDeliveries(ctx, 10)
	if err != nil || len(due) != 1 || due[0].Event.Title != "Scale failed" || due[0].Tries != 2 {
		t.Errorf("outbox %+v %v", due, err)
	}
	a, err := d.Announcement(ctx, "ann_old")
	if err != nil || !a.Going(then) || !a.Concerns("dep_old", "site_old") || a.Concerns("dep_old", "other") {
		t.Errorf("announcement %+v %v", a, err)
	}
	apps, err := d.AppHealths(ctx)
	if h := apps["site_old"]; err != nil || h.Health != monitor.Up || h.Took != 12*time.Millisecond {
		t.Errorf("application %+v %v", apps, err)
	}
}

func happening(key string, kind notify.Kind, dep string) notify.Event {
	return notify.Event{Key: key, Kind: kind, DeploymentID: dep, Title: key}
}

// An event goes to the channels that want it, once each, and stays until it
// was sent.
func TestOutbox(t *testing.T) {
	d, c := openWithClock(t)
	ctx := t.Context()
	all := notify.Channel{Name: "All", Kind: notify.Webhook, Events: []notify.Kind{notify.RunEnded, notify.HealthChanged}}
	some := notify.Channel{Name: "Ratings", Kind: notify.Slack, Events: []notify.Kind{notify.RunEnded}, Deployments: []string{"dep_1"}}
	quiet := notify.Channel{Name: "Quiet", Kind: notify.Teams, Events: []notify.Kind{notify.RunEnded}, Paused: true}
	for _, x := range []*notify.Channel{&all, &some, &quiet} {
		ok(t, d.SaveChannel(ctx, x))
	}
	again := notify.Channel{Name: "all", Kind: notify.Slack}
	var taken workflows.FieldError
	if err := d.SaveChannel(ctx, &again); !errors.As(err, &taken) || taken.Field != "name" {
		t.Errorf("a name that is taken: %v", err)
	}
	got(t, int64(3))(d.Post(ctx, happening("a", notify.RunEnded, "dep_1"), happening("b", notify.HealthChanged, "dep_2"), happening("c", notify.ExpiryNear, "")))
	got(t, int64(1))(d.Post(ctx, happening("a", notify.RunEnded, "dep_1"), happening("d", notify.RunEnded, "dep_2")))
	due, err := d.DueDeliveries(ctx, 10)
	ok(t, err)
	if len(due) != 4 {
		t.Fatalf("due: %+v", due)
	}
	first := due[0]
	first.Tries, first.NextAt, first.Error = 1, c.Now().Add(time.Minute).UTC(), "it answered 500"
	ok(t, d.SaveDelivery(ctx, first))
	due, err = d.DueDeliveries(ctx, 10)
	ok(t, err)
	for _, x := range due {
		if x.ChannelID == first.ChannelID {
			t.Errorf("the channel of a failure is not let alone: %+v", x)
		}
	}
	c.Add(time.Minute)
	due, err = d.DueDeliveries(ctx, 10)
	if err != nil || len(due) != 4 {
		t.Fatalf("a minute later: %+v %v", due, err)
	}
	sent := due[0]
	sent.NextAt, sent.SentAt = time.Time{}, c.Now().UTC()
	ok(t, d.SaveDelivery(ctx, sent))
	if err := d.RetryDelivery(ctx, sent.ChannelID, sent.ID); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("what was sent can be sent again: %v", err)
	}
	newest, err := d.Deliveries(ctx, 1)
	if err != nil || len(newest[all.ID]) != 1 || newest[all.ID][0].Event.Key != "d" {
		t.Errorf("newest: %+v %v", newest, err)
	}
	c.Add(91 * 24 * time.Hour)
	ok(t, d.PruneDeliveries(ctx))
	kept, err := d.Deliveries(ctx, 10)
	if err != nil || len(kept[all.ID])+len(kept[some.ID]) != 3 {
		t.Errorf("what waits is forgotten, or what was sent is not: %+v %v", kept, err)
	}
	ok(t, d.DeleteChannel(ctx, all.ID))
	got(t, 0)(one(ctx, d.db, "deliveries", value[int], `SELECT count(*) FROM deliveries WHERE channel_id = $1`, all.ID))
}

func TestMailServer(t *testing.T) {
	d := open(t)
	fails[notify.MailServer](t, workflows.ErrNotFound)(d.MailServer(t.Context()))
	m := notify.MailServer{Host: "mail.example.com", Port: 587, Security: notify.StartTLS, User: "hub", Password: "sec_1", From: "hub@example.com"}
	ok(t, d.SetMailServer(t.Context(), m))
	got(t, m)(d.MailServer(t.Context()))
}

// What is not well in scheduled maintenance is counted, but not as an outage.
func TestMaintenanceIsNoOutage(t *testing.T) {
	d, c := openWithClock(t)
	ctx := t.Context()
	dep := workflows.Deployment{Name: "Ratings"}
	site, other := siteIn(t, d, "Seattle", &dep), siteIn(t, d, "Orlando", &dep)
	a := Announcement{Kind: Maintenance, Title: "Update", DeploymentID: dep.ID, Sites: []string{site.ID}, From: c.Now().Add(time.Minute).UTC(), To: c.Now().Add(3 * time.Minute).UTC(), CreatedBy: "ana"}
	ok(t, d.SaveAnnouncement(ctx, &a))
	for range 5 {
		for _, s := range []workflows.Site{site, other} {
			ok(t, d.SaveProbe(ctx, monitor.Probe{SiteID: s.ID, At: c.Now(), Health: monitor.Down}))
			ok(t, d.SaveAppProbe(ctx, monitor.AppProbe{SiteID: s.ID, At: c.Now(), Health: monitor.Up, Status: 200}))
		}
		c.Add(time.Minute)
	}
	all, err := d.SiteHealths(ctx)
	ok(t, err)
	last := monitor.KeptDays - 1
	got(t, monitor.Counts{Down: 3, Planned: 2})(all[site.ID].History.Days(c.Now())[last], nil)
	got(t, monitor.Counts{Down: 5})(all[other.ID].History.Days(c.Now())[last], nil)
	apps, err := d.AppHealths(ctx)
	ok(t, err)
	got(t, monitor.Counts{Up: 5})(apps[site.ID].History.Days(c.Now())[last], nil)
	got(t, []Announcement(nil))(d.OpenAnnouncements(ctx))
	got(t, []Announcement{a})(d.Announcements(ctx, 10))
	a.EndedAt, a.EndedBy = a.From.Add(time.Second), "ben"
	ok(t, d.SaveAnnouncement(ctx, &a))
	got(t, a)(d.Announcement(ctx, a.ID))
	if a.Going(a.From.Add(time.Minute)) || !a.Over(a.From.Add(time.Minute)) {
		t.Error("ended, and it still goes on")
	}
}
