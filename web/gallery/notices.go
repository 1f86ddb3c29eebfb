package gallery

import (
	"time"

	"hubwright/internal/expiry"
	"hubwright/web/announcements"
	"hubwright/web/calendar"
	"hubwright/web/layout"
	"hubwright/web/notifications"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func calendarPages() []Page {
	p := calendar.Props{Role: ui.RoleOperator, Now: now, Items: []expiry.Item{
		{ID: "s1", What: "Support of Kubernetes 1.33", Of: "Ratings / Orlando", Ends: before(148 * 24 * time.Hour), Fix: "Upgrade: the Kubernetes project publishes no patches for 1.33 after that.", URL: "/clusters/c2", Support: true},
		{ID: "t1", What: "Personal access token", Of: "Connection Contoso DevOps", Ends: before(30 * time.Hour), Fix: "Make a new one and give it to the Connection.", URL: "/connections/k1"},
		{ID: "i1", What: "Ingress certificate", Of: long + " / Seattle", Ends: now.Add(7 * time.Hour), Fix: "Give the ingress a new certificate.", URL: "/status/dep_1"},
		{ID: "p1", What: "Cluster's certificates", Of: "Ratings / Seattle", Ends: now.AddDate(0, 0, 24), Fix: "Rotate the certificates: the workflow of that name does it.", URL: "/clusters/c1"},
		{ID: "l1", What: "Shared link", Of: "Screen in the hall", Ends: now.AddDate(0, 0, 60), Fix: "Make a new link for whoever uses it.", URL: "/status"},
		{ID: "c1", What: "Principal's certificate", Of: "Stack Orlando", Ends: now.AddDate(2, 0, 0), Fix: "Make a new one in the identity system and give it to the Stack.", URL: "/stacks/s2"},
	}, Unknown: []expiry.Item{{ID: "c2", What: "Client secret", Of: "Stack Seattle", URL: "/stacks/s1"}}}
	return []Page{
		page("calendar", "What ends when", layout.NavStatus, calendar.Page(p)),
		page("calendar.empty", "What ends when", layout.NavStatus, calendar.Page(calendar.Props{Now: now}), as(ui.RoleViewer)),
	}
}

func announcementPages() []Page {
	p := announcements.Props{Role: ui.RoleOperator, Now: now, Form: announcements.Form{Kind: "notice"},
		Open: []announcements.Item{
			{ID: "ann_1", Maintenance: true, Title: "Update of Orlando's Hub", Text: "The stamp is patched.\nThe application is served from Seattle.", Concerns: "Ratings / Orlando", From: before(time.Hour), To: now.Add(3 * time.Hour), Going: true, By: "ana"},
			{ID: "ann_2", Title: "Change freeze", From: now.AddDate(0, 0, 27), By: "ben"},
		},
		Archive:     []announcements.Item{{ID: "ann_3", Title: long, Text: "It is over.", Concerns: "Ratings", From: before(200 * time.Hour), To: before(190 * time.Hour), By: "ana", EndedBy: "ben"}},
		Deployments: []ui.Choice{{Value: "dep_1", Label: "Ratings"}, {Value: "dep_2", Label: long}},
		Sites:       []announcements.Site{{ID: "site_1", Deployment: "Ratings", Name: "Seattle"}, {ID: "site_2", Deployment: "Ratings", Name: "Orlando"}},
	}
	bad := p
	bad.Form = announcements.Form{ID: "ann_1", Version: 2, Kind: "maintenance", Deployment: "dep_1", Sites: []string{"site_2"}, From: "2026-11-23T10:00"}
	bad.Errors = []workflows.FieldError{{Field: "title", Message: "Give it a title."}, {Field: "to", Message: "Say when the maintenance ends: until then an outage is not called one."}}
	viewer := announcements.Props{Role: ui.RoleViewer, Now: now}
	return []Page{
		page("announcements", "Announcements", layout.NavStatus, announcements.Page(p)),
		page("announcements.errors", "Announcements", layout.NavStatus, announcements.Page(bad)),
		page("announcements.viewer", "Announcements", layout.NavStatus, announcements.Page(viewer), as(ui.RoleViewer)),
	}
}

func notificationPages() []Page {
	kinds := []notifications.Kind{{ID: "run.ended", Title: "A run ended", Help: "Succeeded, failed or cancelled."}, {ID: "approval.wanted", Title: "Somebody has to approve", Help: "A run waits until a person says yes."},
		{ID: "health.changed", Title: "The health of a Deployment changed", Help: "Once the new health has lasted; not during scheduled maintenance."}, {ID: "expiry.near", Title: "Something ends soon", Help: "A credential or certificate, 30, 14, 7 and 1 days before its end, and at its end."}}
	sent := notifications.Delivery{ID: 3, Title: "Upgrade to 1.34.4 succeeded", At: before(time.Hour), SentAt: before(time.Hour), Tries: 1}
	waits := notifications.Delivery{ID: 4, Title: "Ratings: Degraded", At: before(9 * time.Minute), NextAt: now.Add(6 * time.Minute), Tries: 3, Error: "hooks.slack.com did not answer in time"}
	gone := notifications.Delivery{ID: 2, Title: long, At: before(30 * time.Hour), Tries: 9, Error: "hooks.slack.com answered 404 (no_service)"}
	deployments := []ui.Choice{{Value: "dep_1", Label: "Ratings"}, {Value: "dep_2", Label: "Billing"}}
	slack := notifications.Item{ID: "chn_1", Name: "Operations", Kind: "Slack", Target: "hooks.slack.com", Events: 3, Deployments: 1, Deliveries: []notifications.Delivery{waits, sent, gone}}
	mine := notifications.Form{ID: "chn_3", Version: 1, Kind: "email", Address: "ana@example.com", Events: []string{"run.ended"}, Deployments: []string{"dep_1"}}
	p := notifications.Props{Role: ui.RoleAdmin, Now: now, Kinds: kinds, Deployments: deployments, HasMail: true, Mine: mine, MineState: notifications.Item{ID: "chn_3", Deliveries: []notifications.Delivery{sent}},
		Channels: []notifications.Item{slack, {ID: "chn_2", Name: long, Kind: "Webhook", Target: "events.example.com", Events: 1, Paused: true}},
		Mail:     notifications.MailForm{Host: "mail.example.com", Port: "587", Security: "starttls", User: "hubwright", From: "hubwright@example.com", HasPassword: true}}
	bad := p
	bad.Channels, bad.HasMail = nil, false
	bad.MailErrors = []workflows.FieldError{{Field: "security", Message: "A password is not sent without encryption: choose STARTTLS or TLS, or leave the login empty."}}
	viewer := notifications.Props{Role: ui.RoleViewer, Now: now, Kinds: kinds, Mine: notifications.Form{Kind: "email"}}
	channel := notifications.ChannelProps{Role: ui.RoleAdmin, Now: now, Kinds: kinds, Deployments: deployments, KindTitle: "Slack", Item: slack,
		Form: notifications.Form{ID: "chn_1", Version: 2, Kind: "slack", Name: "Operations", Address: "hooks.slack.com", HasURL: true, Events: []string{"run.ended", "health.changed"}, Deployments: []string{"dep_1"}}}
	fresh := notifications.ChannelProps{Role: ui.RoleAdmin, Now: now, Kinds: kinds, KindTitle: "Webhook", Form: notifications.Form{Kind: "webhook"},
		Errors: []workflows.FieldError{{Field: "url", Message: "Give the whole URL, beginning with https://."}}}
	made := channel
	made.KindTitle, made.Form.Kind, made.Saved, made.Made, made.Item.Deliveries = "Webhook", "webhook", true, "6f6e6c7920666f72207468652067616c6c6572792c206f70656e73206e6f7468696e67", nil
	operator := channel
	operator.Role = ui.RoleOperator
	admin := as(ui.RoleAdmin)
	return []Page{
		page("notifications", "Notifications", layout.NavNotifications, notifications.Page(p), admin),
		page("notifications.errors", "Notifications", layout.NavNotifications, notifications.Page(bad), admin),
		page("notifications.viewer", "Notifications", layout.NavNotifications, notifications.Page(viewer), as(ui.RoleViewer)),
		page("channel", "Operations", layout.NavNotifications, notifications.Channel(channel), admin),
		page("channel.new", "New channel", layout.NavNotifications, notifications.Channel(fresh), admin),
		page("channel.made", "Operations", layout.NavNotifications, notifications.Channel(made), admin),
		page("channel.operator", "Operations", layout.NavNotifications, notifications.Channel(operator)),
	}
}
