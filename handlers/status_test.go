package handlers

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"hubwright/internal/auth"
	"hubwright/internal/monitor"
	"hubwright/store"
	"hubwright/web/status"
	"hubwright/workflows"
)

func (r *statusRig) page(role auth.Role, path string) *goquery.Document {
	r.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(r.get(role, path)))
	r.ok(err)
	return doc
}

func (r *statusRig) twin(role auth.Role, path string) status.Board {
	r.t.Helper()
	var b status.Board
	r.ok(json.Unmarshal([]byte(r.get(role, path+".json")), &b))
	return b
}

// told is what the page says: the words of the Deployment and of each Site.
func told(doc *goquery.Document) map[string]string {
	out := map[string]string{"": strings.TrimSpace(doc.Find("#status .meta .pill span").Text())}
	doc.Find("#status .cols > section").Each(func(_ int, s *goquery.Selection) {
		out[strings.TrimSpace(s.Find("h2").Text())] = strings.TrimSpace(s.Find("header .pill span").Text())
	})
	return out
}

// The page and its twin say the same in every state.
func TestTwinAgreesWithThePage(t *testing.T) {
	r := newStatusRig(t)
	url := "/status/" + r.dep.ID
	var seen []string
	check := func(want status.Health, words map[string]string) {
		t.Helper()
		doc, twin := r.page(auth.RoleViewer, url), r.twin(auth.RoleViewer, url)
		if diff := cmp.Diff(words, told(doc)); diff != "" {
			t.Errorf("the page: %s", diff)
		}
		have := map[string]string{"": twin.Words}
		for _, x := range twin.Deployments[0].Sites {
			have[x.Name] = x.Words
		}
		if diff := cmp.Diff(words, have); diff != "" || twin.Health != want {
			t.Errorf("the twin says %s: %s", twin.Health, diff)
		}
		if badge := r.get(auth.RoleViewer, url+".svg"); !strings.Contains(badge, "Ratings: "+words[""]) {
			t.Errorf("the badge: %s", badge)
		}
		seen = append(seen, words[""])
		r.later(10 * time.Second)
	}
	check(status.Unknown, map[string]string{"": "Nothing to tell yet", "Seattle": "Not checked yet", "Orlando": "Not checked yet"})
	r.probe(r.sites[0], monitor.Up)
	check(status.Unknown, map[string]string{"": "1 of 2 Sites up", "Seattle": "Healthy", "Orlando": "Not checked yet"})
	r.probe(r.sites[1], monitor.Up)
	check(status.Up, map[string]string{"": "Operational", "Seattle": "Healthy", "Orlando": "Healthy"})
	r.probe(r.sites[1], monitor.Degraded)
	check(status.Degraded, map[string]string{"": "Degraded", "Seattle": "Healthy", "Orlando": "5 of 6 nodes Ready"})
	r.probe(r.sites[1], monitor.Down)
	check(status.Degraded, map[string]string{"": "Degraded", "Seattle": "Healthy", "Orlando": "Not reachable"})
	r.probe(r.sites[1], monitor.Up)
	for i, code := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		site := r.sites[i].ID
		r.ok(r.db.SaveEndpoint(t.Context(), &workflows.Endpoint{SiteID: site, Address: "192.0.2.7", Port: 80, Path: "/"}))
		r.ok(r.db.SaveAppProbe(t.Context(), monitor.AppProbe{SiteID: site, At: r.now, Health: map[int]monitor.Health{200: monitor.Up, 503: monitor.Down}[code], Status: code}))
	}
	check(status.Degraded, map[string]string{"": "Degraded", "Seattle": "Healthy", "Orlando": "Healthy"})
	for path, want := range map[string]string{url: "does not answer as it should on Orlando.", url + "?view=wall": "Application: answers 503", "/status": "Application: answers 503"} {
		if body := r.get(auth.RoleViewer, path); !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	r.later(10 * time.Second)
	r.ok(r.db.SaveAppProbe(t.Context(), monitor.AppProbe{SiteID: r.sites[0].ID, At: r.now, Health: monitor.Down}))
	check(status.Down, map[string]string{"": "Down", "Seattle": "Healthy", "Orlando": "Healthy"})
	r.probe(r.sites[1], monitor.Down)
	r.probe(r.sites[0], monitor.Down)
	check(status.Down, map[string]string{"": "Down", "Seattle": "Not reachable", "Orlando": "Not reachable"})
	r.later(time.Hour)
	check(status.Stale, map[string]string{"": "Stale", "Seattle": "Stale, was down", "Orlando": "Stale, was down"})
	if len(seen) != 9 {
		t.Errorf("saw %v", seen)
	}
}

func TestStaleIsNeverGreen(t *testing.T) {
	r := newStatusRig(t)
	for _, site := range r.sites {
		r.probe(site, monitor.Up)
	}
	green := func(path string) int {
		return r.page(auth.RoleViewer, path).Find("#status .meta .pill.ok, #status header > .pill.ok, #status .aging .pill.ok, .wall-tile.ok, .wall-board .pill.ok").Length()
	}
	all := []string{"/status", "/status/" + r.dep.ID, "/status?view=wall", "/status/" + r.dep.ID + "?view=wall"}
	for _, path := range all {
		if green(path) < 2 {
			t.Errorf("%s is not green while it is fresh", path)
		}
	}
	r.later(minStale + time.Second)
	for _, path := range all {
		if n := green(path); n > 0 {
			t.Errorf("%s has %d green words, and all it knows is old", path, n)
		}
	}
	if body := r.get(auth.RoleViewer, "/status.svg"); strings.Contains(body, status.Up.BadgeColour()) || !strings.Contains(body, "1 of 1 stale") {
		t.Errorf("the badge is green: %s", body)
	}
	if b := r.twin(auth.RoleViewer, "/status"); b.Health != status.Stale || b.Deployments[0].Sites[0].Health != status.Stale {
		t.Errorf("the twin: %+v", b)
	}
}

func TestPageTellsOfVersionsCertificatesAndTheRun(t *testing.T) {
	r := newStatusRig(t)
	r.probe(r.sites[0], monitor.Up)
	id := r.run(r.sites[0], "Upgrade to 1.34.4")
	url := "/status/" + r.dep.ID
	text := r.page(auth.RoleViewer, url).Find("#status").Text()
	for _, want := range []string{"1.33.10", "1.35.0 is possible", "40 days left", "6 of 6", "Upgrade to 1.34.4 on Seattle", "Step 2 of 3: Part 2", "Running 62 %", "by person-operator",
		"Autoscaler secret-web", "97 % of 80 % CPU", "4 replicas of 1 to 10", "What ends next", "Seattle, 2 Jan 2027", "Orlando, Seattle, 28 Jun 2026", "Support of Kubernetes 1.33"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	label := r.page(auth.RoleViewer, url).Find("svg.strip").First().AttrOr("aria-label", "")
	if want := "90 days: 100 % up of 1 probe. No data for 89 of 90 days."; label != want {
		t.Errorf("the strip is called %q", label)
	}
	r.finish(id)
	r.later(time.Minute)
	b := r.twin(auth.RoleViewer, url)
	if d := b.Deployments[0]; len(d.Ends) != 2 || d.Ends[1].Days != 39 || len(d.Sites[0].Scaling) != 1 || d.Sites[0].Scaling[0].Current != 97 {
		t.Errorf("the twin's ends %+v, autoscalers %+v", d.Ends, d.Sites[0].Scaling)
	}
	if d := b.Deployments[0]; len(d.Changes) != 0 || len(d.Past) != 1 || d.Past[0].State != "failed" {
		t.Errorf("after the run: %+v %+v", d.Changes, d.Past)
	}
	if n := r.do(auth.RoleViewer, "GET", "/status/dep_none", nil).Code; n != http.StatusNotFound {
		t.Errorf("a Deployment that is not there: %d", n)
	}
	if n := r.do(auth.RoleViewer, "GET", url+".exe", nil).Code; n != http.StatusNotFound {
		t.Errorf("another twin: %d", n)
	}
}

// share makes a link and returns its path.
func (r *statusRig) share(form url.Values) string {
	r.t.Helper()
	w := r.do(auth.RoleOperator, http.MethodPost, "/status/shares", form)
	doc, err := goquery.NewDocumentFromReader(w.Body)
	r.ok(err)
	link := doc.Find("#shares .cmd code").Text()
	path, ok := strings.CutPrefix(link, "https://hub.example.com")
	if w.Code != http.StatusCreated || !ok {
		r.t.Fatalf("%d, link %q", w.Code, link)
	}
	return path
}

func TestShareLinkLivesAndDies(t *testing.T) {
	r := newStatusRig(t)
	path := r.share(url.Values{"deployment": {r.dep.ID}, "name": {"Wall"}, "days": {"7"}})
	token := strings.TrimPrefix(path, sharedPrefix)
	raw, err := r.db.ShareByToken(t.Context(), shareHash(token))
	r.ok(err)
	if len(token) != 43 || strings.Contains(string(raw.TokenHash), token) || raw.DeploymentID != r.dep.ID {
		t.Errorf("token of %d letters, stored as %+v", len(token), raw)
	}
	for _, twin := range []string{"", ".json", ".svg", "?view=wall"} {
		if body := r.get("", path+twin); !strings.Contains(body, "Ratings") {
			t.Errorf("the link with %q does not show the Deployment", twin)
		}
	}
	code := func(p string) int { return r.do("", http.MethodGet, p, nil).Code }
	for _, wrong := range []string{token[:42], token + "A", strings.Repeat("A", 43), raw.ID, "x", strings.ToUpper(token)} {
		if n := code(sharedPrefix + wrong); n != http.StatusNotFound {
			t.Errorf("token %q: %d", wrong, n)
		}
	}
	if body := r.get(auth.RoleOperator, "/status/"+r.dep.ID); strings.Contains(body, token) || !strings.Contains(body, "/status/shares/"+raw.ID+"/revoke") {
		t.Error("the page shows the token again, or cannot revoke it")
	}
	r.later(7*24*time.Hour - time.Second)
	if n := code(path); n != http.StatusOK {
		t.Errorf("just before its end: %d", n)
	}
	r.later(time.Second)
	if n := code(path); n != http.StatusNotFound {
		t.Errorf("at its end: %d", n)
	}
}

func TestRevokedLinkOpensNothing(t *testing.T) {
	r := newStatusRig(t)
	path := r.share(url.Values{"name": {"Everything"}, "days": {"30"}})
	share, err := r.db.ShareByToken(t.Context(), shareHash(strings.TrimPrefix(path, sharedPrefix)))
	r.ok(err)
	revoke := "/status/shares/" + share.ID + "/revoke"
	for _, who := range []auth.Role{auth.RoleViewer, ""} {
		for _, p := range []string{"/status/shares", revoke} {
			if n := r.do(who, http.MethodPost, p, url.Values{"name": {"x"}, "days": {"7"}}).Code; n != http.StatusForbidden && n != http.StatusUnauthorized {
				t.Errorf("%q may POST %s: %d", who, p, n)
			}
		}
	}
	r.get("", path)
	if w := r.do(auth.RoleOperator, http.MethodPost, revoke, url.Values{}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/status" {
		t.Errorf("revoking: %d to %s", w.Code, w.Header().Get("Location"))
	}
	for _, twin := range []string{"", ".json", ".svg"} {
		if n := r.do("", http.MethodGet, path+twin, nil).Code; n != http.StatusNotFound {
			t.Errorf("revoked, %q answers %d", twin, n)
		}
	}
	events, err := r.db.AuditEvents(t.Context(), store.AuditFilter{Action: "share."})
	r.ok(err)
	var have []string
	for _, e := range events {
		have = append(have, e.Actor+" "+e.Action+" "+e.Object)
	}
	if diff := cmp.Diff([]string{"person-operator share.revoke link Everything", "person-operator share.create link Everything"}, have); diff != "" {
		t.Error(diff)
	}
}

// A guesser learns nothing from how a link is refused: one that never was, one
// that has ended, one that was revoked and one that is cut off look the same.
// A token has 256 bits, and no two are alike.
func TestClosedLinksLookTheSame(t *testing.T) {
	r := newStatusRig(t)
	seen := map[string]bool{}
	for range 30 {
		path := r.share(url.Values{"name": {"Wall"}, "days": {"1"}})
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(path, sharedPrefix))
		if err != nil || len(raw) != 32 || seen[string(raw[:8])] || seen[string(raw[24:])] {
			t.Fatalf("token %s: %v", path, err)
		}
		seen[string(raw[:8])], seen[string(raw[24:])] = true, true
	}
	ended := r.share(url.Values{"name": {"Ended"}, "days": {"1"}})
	revoked := r.share(url.Values{"name": {"Revoked"}, "days": {"30"}})
	share, err := r.db.ShareByToken(t.Context(), shareHash(strings.TrimPrefix(revoked, sharedPrefix)))
	r.ok(err)
	r.do(auth.RoleOperator, http.MethodPost, "/status/shares/"+share.ID+"/revoke", url.Values{})
	r.later(25 * time.Hour)
	answer := func(path string) string {
		w := r.do("", http.MethodGet, path, nil)
		id := w.Header().Get("X-Request-Id")
		return strings.NewReplacer(path, "path", id, "id").Replace(fmt.Sprint(w.Code, w.Header(), w.Body))
	}
	never := answer(sharedPrefix + strings.Repeat("A", 43))
	for name, path := range map[string]string{"ended": ended, "revoked": revoked, "cut off": revoked[:len(revoked)-1], "no token": sharedPrefix + "x"} {
		if diff := cmp.Diff(never, answer(path)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestShareFormRefuses(t *testing.T) {
	r := newStatusRig(t)
	for _, form := range []url.Values{{"name": {""}, "days": {"7"}}, {"name": {"x"}, "days": {"366"}}, {"name": {"x"}, "days": {"0"}}, {"name": {"x"}, "days": {"ever"}}} {
		if n := r.do(auth.RoleOperator, http.MethodPost, "/status/shares", form).Code; n != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, n)
		}
	}
	if n := r.do(auth.RoleOperator, http.MethodPost, "/status/shares", url.Values{"deployment": {"dep_none"}, "name": {"x"}, "days": {"7"}}).Code; n != http.StatusNotFound {
		t.Errorf("no such Deployment: %d", n)
	}
	if list, err := r.db.Shares(t.Context(), ""); err != nil || len(list) > 0 {
		t.Errorf("made all the same: %+v %v", list, err)
	}
}

// Who guesses has to wait, and nobody else.
func TestGuessingIsSlow(t *testing.T) {
	r := newStatusRig(t)
	path := r.share(url.Values{"name": {"Wall"}, "days": {"7"}})
	from := func(addr string) func(*http.Request) {
		return func(q *http.Request) { q.RemoteAddr = addr + ":1234" }
	}
	try := func(p, addr string) int { return r.do("", http.MethodGet, p, nil, from(addr)).Code }
	for range maxMisses {
		if n := try(sharedPrefix+strings.Repeat("B", 43), "10.0.0.1"); n != http.StatusNotFound {
			t.Fatalf("a guess: %d", n)
		}
	}
	if a, b := try(path, "10.0.0.1"), try(path, "10.0.0.2"); a != http.StatusTooManyRequests || b != http.StatusOK {
		t.Errorf("who guessed: %d, another one: %d", a, b)
	}
	r.later(missWindow)
	if n := try(path, "10.0.0.1"); n != http.StatusOK {
		t.Errorf("a minute later: %d", n)
	}
}

// What a link shows names no person, no host, no run, no cluster, and leads
// nowhere but to itself; also when somebody who is logged in opens it.
func TestSharedPageShowsNothingInside(t *testing.T) {
	r := newStatusRig(t)
	other, _ := r.deployment("Hidden", "Denver")
	r.probe(r.sites[0], monitor.Degraded)
	r.probe(r.sites[1], monitor.Down)
	r.finish(r.run(r.sites[0], "Scale"))
	going := r.run(r.sites[1], "Upgrade")
	for _, site := range r.sites {
		r.ok(r.db.SaveEndpoint(t.Context(), &workflows.Endpoint{SiteID: site.ID, Address: "secret-address", DNSName: "secret.cloudapp.test", Port: 80, Path: "/secret"}))
		r.ok(r.db.SaveAppProbe(t.Context(), monitor.AppProbe{SiteID: site.ID, At: r.now, Health: monitor.Down, Problem: "secret-address cut the connection", CertificateEnds: r.now.AddDate(0, 0, 3)}))
	}
	r.ok(r.db.SaveTrafficProfile(t.Context(), &workflows.TrafficProfile{DeploymentID: r.dep.ID, Kind: workflows.TrafficOwn, FQDN: "secret.trafficmanager.test", Endpoints: []workflows.TrafficEndpoint{{SiteID: r.sites[0].ID, Target: "secret-target"}}}))
	for id, title := range map[string]string{r.dep.ID: "A word to all", other.ID: "Hidden news", "": "For everybody"} {
		r.ok(r.db.SaveAnnouncement(t.Context(), &store.Announcement{Kind: store.Notice, Title: title, DeploymentID: id, From: r.now, CreatedAt: r.now, CreatedBy: "person-operator"}))
	}
	path := r.share(url.Values{"deployment": {r.dep.ID}, "name": {"Wall"}, "days": {"7"}})
	r.later(time.Minute)
	inside := []string{"person-", "secret", "/calendar", "/announcements", "certificates", going, "clu_", "/runs", "/clusters", "/deployments", other.ID, "Hidden", "Denver", "/logout", "/status"}
	for _, role := range []auth.Role{"", auth.RoleOperator} {
		for name, body := range map[string]string{
			"page": r.get(role, path), "wall": r.get(role, path+"?view=wall"), "twin": r.get(role, path+".json"),
			"badge": r.get(role, path+".svg"), "fragment": r.get(role, path, asFragment),
		} {
			for _, word := range inside {
				if strings.Contains(body, word) {
					t.Errorf("%s as %q holds %q", name, role, word)
				}
			}
			if name == "page" && (!strings.Contains(body, "A word to all") || !strings.Contains(body, "For everybody") || !strings.Contains(body, "Does not answer") || !strings.Contains(body, "Upgrade") || !strings.Contains(body, "97 % of 80 % CPU")) {
				t.Error("the run is not there: this test sees nothing")
			}
		}
	}
	if body := r.get(auth.RoleViewer, "/status/"+r.dep.ID); !strings.Contains(body, "secret.trafficmanager.test") || !strings.Contains(body, "secret-address cut") || !strings.Contains(body, "What ends next") || !strings.Contains(body, "secret.host.test refused") || !strings.Contains(body, "/runs/"+going) {
		t.Error("who is logged in is not told why")
	}
	if n := r.do("", http.MethodGet, "/status", nil).Code; n != http.StatusSeeOther {
		t.Errorf("without a login /status answers %d", n)
	}
}

// A failure must not write the token to the log.
func TestTokenIsNotLogged(t *testing.T) {
	r := newStatusRig(t)
	path := r.share(url.Values{"name": {"Wall"}, "days": {"7"}})
	r.ok(r.db.Close())
	if n := r.do("", http.MethodGet, path, nil).Code; n != http.StatusInternalServerError {
		t.Fatalf("without a database: %d", n)
	}
	if log := r.log.String(); strings.Contains(log, strings.TrimPrefix(path, sharedPrefix)) || !strings.Contains(log, "/shared/:token") {
		t.Errorf("the log: %s", log)
	}
}

// A cluster that was replaced is not judged by what the old one said.
func TestNewClusterIsNotCheckedYet(t *testing.T) {
	r := newStatusRig(t)
	r.probe(r.sites[0], monitor.Up)
	r.later(time.Minute)
	r.ok(r.db.SaveCluster(t.Context(), &workflows.Cluster{SiteID: r.sites[0].ID, Name: "next", Version: "1.35.0", Kubeconfig: "sec_2"}))
	site := r.twin(auth.RoleViewer, "/status/"+r.dep.ID).Deployments[0].Sites[0]
	if site.Health != status.Unknown || site.Words != "Not checked yet" || site.Version != "1.35.0" || site.Newest != "" || site.Days.Probes != 1 {
		t.Errorf("%+v", site)
	}
}
