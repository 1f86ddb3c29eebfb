package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/monitor"
	"hubwright/internal/notify"
	"hubwright/store"
	"hubwright/web/status"
	"hubwright/workflows"
)

// fakeSender notes what is sent at once.
type fakeSender struct {
	sent  []string
	err   error
	woken int
}

func (f *fakeSender) Send(_ context.Context, c notify.Channel, e notify.Event) error {
	f.sent = append(f.sent, c.Name+": "+e.Title)
	return f.err
}

func (f *fakeSender) Wake() { f.woken++ }

func noticesRig(t *testing.T) (*statusRig, *fakeSender) {
	r, _ := connectionRig(t)
	s := &fakeSender{}
	r.handler.Sender = s
	return r, s
}

func allKinds(form url.Values) url.Values {
	for _, k := range notify.Kinds() {
		form.Add("events", string(k.Kind))
	}
	return form
}

// A channel's URL and keys are sealed, never shown again, and who may not
// change it does not.
func TestChannelIsMadeTestedChangedAndDropped(t *testing.T) {
	r, sender := noticesRig(t)
	form := allKinds(url.Values{"kind": {"webhook"}, "name": {"Operations"}, "url": {"https://events.example.com/in/T0KEN-OF-THE-URL"}, "deployments": {r.dep.ID}})
	if n := r.do(auth.RoleOperator, http.MethodPost, "/notifications/channels", form).Code; n != http.StatusForbidden {
		t.Errorf("an operator may make a channel: %d", n)
	}
	w := r.do(auth.RoleAdmin, http.MethodPost, "/notifications/channels", form)
	if w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	all, err := r.db.Channels(t.Context())
	r.ok(err)
	c := all[0]
	key, err := r.handler.Vault.Open(t.Context(), c.SigningKey)
	r.ok(err)
	if len(key) != 64 || !strings.Contains(w.Body.String(), string(key)) || c.Address != "events.example.com" || strings.Contains(w.Body.String(), "T0KEN") {
		t.Errorf("made: %+v, key of %d letters", c, len(key))
	}
	at := "/notifications/channels/" + c.ID
	for _, role := range []auth.Role{auth.RoleAdmin, auth.RoleOperator} {
		for _, p := range []string{at, "/notifications"} {
			if body := r.get(role, p); strings.Contains(body, "T0KEN") || strings.Contains(body, string(key)) || !strings.Contains(body, "events.example.com") {
				t.Errorf("%s as %s shows a secret, or not the host", p, role)
			}
		}
	}
	if n := r.do(auth.RoleViewer, http.MethodGet, at, nil).Code; n != http.StatusNotFound {
		t.Errorf("a viewer sees a channel of the team: %d", n)
	}
	if w := r.do(auth.RoleOperator, http.MethodPost, at+"/test", url.Values{}); w.Code != http.StatusSeeOther || len(sender.sent) != 1 || sender.sent[0] != "Operations: Test of the channel Operations" {
		t.Errorf("test: %d %v", w.Code, sender.sent)
	}
	r.do(auth.RoleOperator, http.MethodPost, at+"/test", url.Values{})
	if len(sender.sent) != 1 {
		t.Error("two tests within a second")
	}
	r.later(testEvery)
	sender.err = errors.New("events.example.com answered 500")
	w = r.do(auth.RoleAdmin, http.MethodPost, at+"/test", url.Values{})
	if cookie := w.Header().Get("Set-Cookie"); !strings.Contains(cookie, "answered+500") {
		t.Errorf("a failed test says %q", cookie)
	}
	change := allKinds(url.Values{"version": {"1"}, "name": {"Operations"}, "url": {""}, "paused": {"yes"}})
	if n := r.do(auth.RoleOperator, http.MethodPost, at, change).Code; n != http.StatusForbidden {
		t.Errorf("an operator may change it: %d", n)
	}
	if n := r.do(auth.RoleAdmin, http.MethodPost, at, change).Code; n != http.StatusSeeOther {
		t.Fatal(n)
	}
	d, err := r.db.Channel(t.Context(), c.ID)
	r.ok(err)
	if d.URL != c.URL || d.SigningKey != c.SigningKey || !d.Paused || d.Deployments != nil {
		t.Errorf("changed: %+v", d)
	}
	if n := r.do(auth.RoleAdmin, http.MethodPost, at, change).Code; n != http.StatusConflict {
		t.Errorf("an old version is saved: %d", n)
	}
	r.do(auth.RoleAdmin, http.MethodPost, at+"/delete", url.Values{})
	if _, err := r.handler.Vault.Open(t.Context(), c.URL); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("the secret stays: %v", err)
	}
	events, err := r.db.AuditEvents(t.Context(), store.AuditFilter{Action: "channel."})
	r.ok(err)
	var have []string
	for _, e := range events {
		have = append(have, e.Actor+" "+e.Action)
		if strings.Contains(e.Object+e.Detail["to"], "T0KEN") {
			t.Errorf("the record holds a secret: %+v", e)
		}
	}
	want := []string{"person-admin " + audit.ChannelDrop, "person-admin " + audit.ChannelSave, "person-admin " + audit.ChannelTest, "person-operator " + audit.ChannelTest, "person-admin " + audit.ChannelSave}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestChannelFormRefuses(t *testing.T) {
	r, _ := noticesRig(t)
	good := func() url.Values {
		return allKinds(url.Values{"kind": {"slack"}, "name": {"Operations"}, "url": {"https://hooks.slack.com/services/x"}})
	}
	for name, tc := range map[string]struct {
		field, value string
		code         int
	}{
		"no name": {"name", "", 422}, "no URL": {"url", "", 422}, "plain": {"url", "http://hooks.slack.com/x", 422}, "login": {"url", "https://a:b@hooks.slack.com/x", 422},
		"no events": {"events", "", 422}, "another kind": {"kind", "pager", 400}, "proxy": {"proxy", "ftp://x", 422},
	} {
		form := good()
		form.Set(tc.field, tc.value)
		if w := r.do(auth.RoleAdmin, http.MethodPost, "/notifications/channels", form); w.Code != tc.code || strings.Contains(w.Body.String(), "services/x") {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	mail := allKinds(url.Values{"kind": {"email"}, "name": {"Mail"}, "address": {"ana@example.com, not an address"}})
	if n := r.do(auth.RoleAdmin, http.MethodPost, "/notifications/channels", mail).Code; n != http.StatusUnprocessableEntity {
		t.Errorf("a wrong address: %d", n)
	}
	if n := r.do(auth.RoleAdmin, http.MethodGet, "/notifications/new?kind=pager", nil).Code; n != http.StatusNotFound {
		t.Errorf("a kind that is none: %d", n)
	}
	if all, err := r.db.Channels(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("made all the same: %+v %v", all, err)
	}
}

// Everybody has an e-mail of the own, which nobody else sees.
func TestOwnMailIsOnesOwn(t *testing.T) {
	r, sender := noticesRig(t)
	if n := r.do(auth.RoleViewer, http.MethodPost, "/notifications/mine", url.Values{"address": {"vi@example.com, other@example.com"}, "events": {"run.ended"}}).Code; n != http.StatusUnprocessableEntity {
		t.Errorf("two addresses: %d", n)
	}
	if n := r.do(auth.RoleViewer, http.MethodPost, "/notifications/mine", url.Values{"address": {"vi@example.com"}, "events": {"run.ended", "made.up"}}).Code; n != http.StatusSeeOther {
		t.Fatal(n)
	}
	all, err := r.db.Channels(t.Context())
	r.ok(err)
	c := all[0]
	if c.Owner != "person-viewer" || !slices.Equal(c.Events, []notify.Kind{notify.RunEnded}) || c.Kind != notify.Email {
		t.Errorf("%+v", c)
	}
	at := "/notifications/channels/" + c.ID
	for _, role := range []auth.Role{auth.RoleOperator, auth.RoleAdmin} {
		if strings.Contains(r.get(role, "/notifications"), "vi@example.com") {
			t.Errorf("%s sees it", role)
		}
		for _, action := range []string{"", "/test", "/delete"} {
			if n := r.do(role, http.MethodPost, at+action, url.Values{"version": {"1"}}).Code; n != http.StatusNotFound && n != http.StatusForbidden {
				t.Errorf("%s may POST %s: %d", role, action, n)
			}
		}
	}
	if n := r.do(auth.RoleViewer, http.MethodPost, at+"/test", url.Values{}).Code; n != http.StatusSeeOther || len(sender.sent) != 1 {
		t.Errorf("the own test: %d %v", n, sender.sent)
	}
	if n := r.do(auth.RoleViewer, http.MethodPost, at+"/delete", url.Values{}).Code; n != http.StatusSeeOther {
		t.Errorf("the own channel stays: %d", n)
	}
}

func TestMailServerIsSealed(t *testing.T) {
	r, _ := noticesRig(t)
	form := func() url.Values {
		return url.Values{"host": {"mail.example.com"}, "port": {"587"}, "security": {"starttls"}, "user": {"hub"}, "password": {"pa55-of-the-mail"}, "from": {"hub@example.com"}}
	}
	for name, change := range map[string][2]string{"no host": {"host", ""}, "a URL": {"host", "smtp://x"}, "port": {"port", "0"}, "plain login": {"security", "none"}, "no password": {"password", ""}, "sender": {"from", "Hub <x>"}} {
		f := form()
		f.Set(change[0], change[1])
		if w := r.do(auth.RoleAdmin, http.MethodPost, "/notifications/mail", f); w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "pa55") {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if n := r.do(auth.RoleAdmin, http.MethodPost, "/notifications/mail", form()).Code; n != http.StatusSeeOther {
		t.Fatal(n)
	}
	m, err := r.db.MailServer(t.Context())
	r.ok(err)
	if plain, err := r.handler.Vault.Open(t.Context(), m.Password); err != nil || string(plain) != "pa55-of-the-mail" || m.Security != notify.StartTLS {
		t.Errorf("%+v %v", m, err)
	}
	if body := r.get(auth.RoleAdmin, "/notifications"); strings.Contains(body, "pa55") || !strings.Contains(body, "mail.example.com") {
		t.Error("the page shows the password, or not the server")
	}
	again := form()
	again.Set("password", "")
	again.Set("port", "465")
	if n := r.do(auth.RoleAdmin, http.MethodPost, "/notifications/mail", again).Code; n != http.StatusSeeOther {
		t.Errorf("without a new password: %d", n)
	}
	if b, err := r.db.MailServer(t.Context()); err != nil || b.Password != m.Password || b.Port != 465 {
		t.Errorf("%+v %v", b, err)
	}
}

// An announcement is on the page, the wall, the twin and behind a link, there
// without its author; maintenance keeps an outage from being called one.
func TestAnnouncementsAndMaintenance(t *testing.T) {
	r, sender := noticesRig(t)
	r.ok(r.db.SaveChannel(t.Context(), &notify.Channel{Name: "x", Kind: notify.Slack, Events: []notify.Kind{notify.Announced}}))
	link := r.share(url.Values{"deployment": {r.dep.ID}, "name": {"Wall"}, "days": {"7"}})
	r.probe(r.sites[0], monitor.Up)
	r.probe(r.sites[1], monitor.Down)
	form := url.Values{"kind": {"maintenance"}, "title": {"Update of the Hub"}, "text": {"It is patched."}, "sites": {r.sites[1].ID}, "from": {"2026-11-23T09:00"}, "to": {"2026-11-23T12:00"}}
	if n := r.do(auth.RoleViewer, http.MethodPost, "/announcements", form).Code; n != http.StatusForbidden {
		t.Errorf("a viewer announces: %d", n)
	}
	if w := r.do(auth.RoleOperator, http.MethodPost, "/announcements", form); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if due, err := r.db.DueDeliveries(t.Context(), 9); err != nil || len(due) != 1 || due[0].Event.Title != "Scheduled maintenance: Update of the Hub" || sender.woken != 1 {
		t.Errorf("told: %+v %v", due, err)
	}
	r.later(2 * boardFresh)
	b := r.twin(auth.RoleViewer, "/status/"+r.dep.ID)
	if d := b.Deployments[0]; d.Health != status.Maintenance || d.Sites[1].Health != status.Maintenance || d.Sites[1].Words != "Maintenance until 12:00 UTC" || d.Sites[0].Health != status.Up || b.Health != status.Maintenance {
		t.Errorf("in its time: %s %s %+v", b.Health, d.Health, d.Sites[1].Words)
	}
	if len(b.Announcements) != 1 || b.Announcements[0].Concerns != "Ratings / Orlando" || !b.Announcements[0].Going || b.Announcements[0].By != "person-operator" {
		t.Errorf("the twin: %+v", b.Announcements)
	}
	for _, p := range []string{"/status", "/status?view=wall", "/status/" + r.dep.ID, link, link + "?view=wall", link + ".json"} {
		body := r.get(auth.RoleViewer, p)
		if !strings.Contains(body, "Update of the Hub") || strings.HasPrefix(p, link) && strings.Contains(body, "person-") {
			t.Errorf("%s: not there, or with its author", p)
		}
	}
	a, err := r.db.Announcements(t.Context(), 9)
	r.ok(err)
	if n := r.do(auth.RoleOperator, http.MethodPost, "/announcements/"+a[0].ID+"/end", url.Values{}).Code; n != http.StatusSeeOther {
		t.Error(n)
	}
	r.later(2 * boardFresh)
	if b := r.twin(auth.RoleViewer, "/status"); len(b.Announcements) > 0 || b.Deployments[0].Sites[1].Health != status.Down {
		t.Errorf("after its end: %+v", b.Deployments[0].Sites[1])
	}
	if body := r.get(auth.RoleViewer, "/announcements"); !strings.Contains(body, "ended by person-operator") || strings.Contains(body, "<form class=\"body") {
		t.Error("the archive does not say who ended it, or a viewer gets the form")
	}
	if n := r.do(auth.RoleOperator, http.MethodPost, "/announcements/"+a[0].ID, form).Code; n != http.StatusConflict {
		t.Errorf("what is over is changed: %d", n)
	}
}

func TestAnnouncementFormRefuses(t *testing.T) {
	r, _ := noticesRig(t)
	_, others := r.deployment("Billing", "Denver")
	for name, change := range map[string]url.Values{
		"no title":          {"title": {""}},
		"no kind":           {"kind": {"party"}},
		"no end":            {"to": {""}},
		"ends before":       {"to": {"2026-11-23T08:00"}},
		"no time":           {"from": {"soon"}},
		"two Deployments":   {"sites": {r.sites[0].ID, others[0].ID}},
		"another's Site":    {"sites": {others[0].ID}, "deployment": {r.dep.ID}},
		"a title of lines":  {"title": {"a\u202eb"}},
		"a very long title": {"title": {strings.Repeat("x", 121)}},
	} {
		form := url.Values{"kind": {"maintenance"}, "title": {"x"}, "from": {"2026-11-23T09:00"}, "to": {"2026-11-23T12:00"}}
		for k, v := range change {
			form[k] = v
		}
		if n := r.do(auth.RoleOperator, http.MethodPost, "/announcements", form).Code; n != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, n)
		}
	}
	if all, err := r.db.Announcements(t.Context(), 9); err != nil || len(all) > 0 {
		t.Errorf("made all the same: %+v %v", all, err)
	}
}

// The calendar has all that ends, by when it does, and what nobody knows of.
func TestCalendarHasAllThatEnds(t *testing.T) {
	r, vault := connectionRig(t)
	ctx := t.Context()
	stacks, err := r.db.Stacks(ctx)
	r.ok(err)
	st := stacks[0]
	st.Credential = workflows.Credential{Method: workflows.AuthSecret, EndsAt: r.now.AddDate(0, 0, 5)}
	r.ok(r.db.SaveStack(ctx, &st))
	st = stacks[1]
	ref, err := vault.Seal(ctx, "stack.certificate", []byte("pem"))
	r.ok(err)
	st.Credential = workflows.Credential{Method: workflows.AuthCertificate, Certificate: ref}
	r.ok(r.db.SaveStack(ctx, &st))
	r.handler.Hubs = datedHubs{ends: r.now.AddDate(0, 0, 70)}
	r.ok(r.db.SaveConnection(ctx, &workflows.Connection{Name: "Contoso", Credential: workflows.Credential{Method: workflows.AuthToken}, ExpiresAt: r.now.AddDate(0, 0, -2)}))
	r.ok(r.db.SaveConnection(ctx, &workflows.Connection{Name: "Azure", Credential: workflows.Credential{Method: workflows.AuthSecret}}))
	r.probe(r.sites[0], monitor.Up)
	r.ok(r.db.SaveAppProbe(ctx, monitor.AppProbe{SiteID: r.sites[0].ID, At: r.now, Health: monitor.Up, Status: 200, CertificateEnds: r.now.AddDate(0, 0, 20)}))
	r.share(url.Values{"name": {"Screen"}, "days": {"30"}})
	items, err := r.handler.Expiries(ctx)
	r.ok(err)
	var have []string
	for _, i := range items {
		have = append(have, i.What+" of "+i.Of)
	}
	want := []string{"Support of Kubernetes 1.33 of Ratings / Orlando", "Support of Kubernetes 1.33 of Ratings / Seattle", "Personal access token of Connection Contoso", "Client secret of Stack " + stacks[0].Name,
		"Ingress certificate of Ratings / Seattle", "Shared link of Screen", "Cluster's certificates of Ratings / Seattle", "Principal's certificate of Stack " + stacks[1].Name}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	page := r.get(auth.RoleViewer, "/calendar")
	for _, words := range []string{"Ended 2 days ago", "5 days left", "Not known", "Connection Azure", "No longer supported"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	w := r.do(auth.RoleViewer, http.MethodGet, "/calendar.ics", nil)
	if ics := w.Body.String(); w.Header().Get("Content-Type") != "text/calendar; charset=utf-8" || strings.Count(ics, "BEGIN:VEVENT") != len(want) || !strings.Contains(ics, "URL:https://hub.example.com/stacks/"+stacks[0].ID) {
		t.Errorf("%s", ics)
	}
	if n := r.do("", http.MethodGet, "/calendar.ics", nil).Code; n == http.StatusOK {
		t.Error("anybody reads the calendar")
	}
}

type datedHubs struct {
	Hubs
	ends time.Time
}

func (d datedHubs) ReadBundle(string) ([]Certificate, error) {
	return []Certificate{{NotAfter: d.ends}}, nil
}

// How an application answers is on the page of its Deployment.
func TestApplicationsAreOnThePage(t *testing.T) {
	r := newStatusRig(t)
	r.probe(r.sites[0], monitor.Up)
	for i, p := range []monitor.AppProbe{{Health: monitor.Up, Status: 200, Took: 12 * time.Millisecond}, {Health: monitor.Down, Status: 503, Problem: "secret.host.test answered 503"}} {
		r.ok(r.db.SaveEndpoint(t.Context(), &workflows.Endpoint{SiteID: r.sites[i].ID, Address: "10.0.0.1", Port: 443, TLS: true, Path: "/"}))
		p.SiteID, p.At = r.sites[i].ID, r.now
		r.ok(r.db.SaveAppProbe(t.Context(), p))
	}
	at := "/status/" + r.dep.ID
	doc := r.page(auth.RoleViewer, at)
	for i, want := range []string{"Answers in 12 ms", "Answers 503"} {
		app := doc.Find("#part-" + r.sites[i].ID + " .app-health")
		if got := strings.TrimSpace(app.Find(".pill span").Text()); got != want {
			t.Errorf("the page says %q, want %q", got, want)
		}
		if label := app.Find("svg.strip").AttrOr("aria-label", ""); !strings.HasPrefix(label, "Application, 90 days: ") {
			t.Errorf("the strip is called %q", label)
		}
	}
	link := r.share(url.Values{"deployment": {r.dep.ID}, "name": {"x"}, "days": {"7"}})
	if body := r.get("", link+".json"); strings.Contains(body, "secret") || !strings.Contains(body, "Answers 503") {
		t.Error("the link tells why, or nothing")
	}
	r.later(time.Hour)
	if a := r.twin(auth.RoleViewer, at).Deployments[0].Sites[0].App; a.Health != status.Stale {
		t.Errorf("an hour later: %+v", a)
	}
}

// How the Sites stand behind the one name is on the page while it is fresh;
// the name itself is nobody's business who has only a link.
func TestRotationIsOnThePage(t *testing.T) {
	r := newStatusRig(t)
	r.handler.Rotations = &monitor.Rotations{}
	r.ok(r.db.SaveTrafficProfile(t.Context(), &workflows.TrafficProfile{DeploymentID: r.dep.ID, FQDN: "secret.trafficmanager.net"}))
	r.handler.Rotations.Put(r.dep.ID, monitor.RotationLook{At: r.now, Sites: map[string]workflows.SiteRotation{
		r.sites[0].ID: {SiteID: r.sites[0].ID, InRotation: true, Health: workflows.SiteOnline}, r.sites[1].ID: {SiteID: r.sites[1].ID, Health: workflows.SiteDegraded}}})
	at := "/status/" + r.dep.ID
	body := r.get(auth.RoleViewer, at)
	for _, words := range []string{"secret.trafficmanager.net", ">In rotation<", ">Out of rotation<"} {
		if !strings.Contains(body, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	link := r.share(url.Values{"deployment": {r.dep.ID}, "name": {"x"}, "days": {"7"}})
	for _, twin := range []string{"", ".json"} {
		if body := r.get("", link+twin); strings.Contains(body, "secret") || !strings.Contains(strings.ToLower(body), "rotation") {
			t.Errorf("the link with %q tells the name, or nothing", twin)
		}
	}
	r.later(time.Hour)
	if d := r.twin(auth.RoleViewer, at).Deployments[0]; d.Sites[0].Rotation.In || d.Traffic.Why == "" {
		t.Errorf("an hour later: %+v %+v", d.Traffic, d.Sites[0].Rotation)
	}
}

// What is large is compressed for those who take it, once; the rest is not.
func TestLargeAnswersAreCompressed(t *testing.T) {
	r := newStatusRig(t)
	for path, want := range map[string]string{"/status": "gzip", "/status.json": "gzip", "/healthz": "", "/calendar": "gzip"} {
		w := r.do(auth.RoleViewer, http.MethodGet, path, nil, asGzip)
		if have := w.Header().Get("Content-Encoding"); have != want || w.Code != http.StatusOK {
			t.Errorf("%s: %d, %q", path, w.Code, have)
		}
		if w := r.do(auth.RoleViewer, http.MethodGet, path, nil); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s is compressed for who did not ask", path)
		}
	}
}
