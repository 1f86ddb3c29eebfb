package handlers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/auth"
	"hubwright/internal/live"
	"hubwright/internal/monitor"
)

// statusFrame is what somebody who watches the status page gets.
type statusFrame struct {
	Version string            `json:"version"`
	Title   string            `json:"title"`
	Whole   string            `json:"whole"`
	Parts   map[string]string `json:"parts"`
	Checked map[string]int64  `json:"checked"`
	Ping    int               `json:"ping"`
}

func (f statusFrame) String() string {
	return fmt.Sprintf("version %s, %d letters of the whole, parts %q", f.Version, len(f.Whole), slices.Collect(maps.Keys(f.Parts)))
}

// serve lets sockets in, at a pace for tests.
func (r *statusRig) serve() *httptest.Server {
	r.handler.pace = pace{ping: 50 * time.Millisecond, write: patience, again: time.Hour, status: time.Millisecond, ages: time.Hour}
	server := httptest.NewServer(r.handler)
	r.t.Cleanup(func() {
		r.handler.Close()
		server.Close()
	})
	return server
}

func (r *statusRig) watch(server *httptest.Server, role auth.Role, path string) *websocket.Conn {
	r.t.Helper()
	h := http.Header{}
	if c := r.cookies[role]; c != "" {
		h.Set("Cookie", c)
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+path, h)
	r.ok(err)
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return conn
}

// change reads until the page changed.
func (r *statusRig) change(conn *websocket.Conn) statusFrame {
	r.t.Helper()
	for {
		var f statusFrame
		if err := conn.ReadJSON(&f); err != nil {
			r.t.Fatal(err)
		}
		if f.Version != "" {
			return f
		}
	}
}

// Who watches gets the parts that changed, and nothing of the others.
func TestStatusIsPushedInParts(t *testing.T) {
	r := newStatusRig(t)
	other, sites := r.deployment("Billing", "Denver")
	server := r.serve()
	version := r.page(auth.RoleViewer, "/status").Find("#status").AttrOr("data-version", "")
	conn := r.watch(server, auth.RoleViewer, "/status/socket?version="+url.QueryEscape(version))
	late := r.watch(server, auth.RoleViewer, "/status/socket")
	if f := r.change(late); f.Version != version || !strings.Contains(f.Whole, "Billing") || !strings.Contains(f.Whole, "Ratings") {
		t.Errorf("who comes without a version gets %s", f)
	}
	// What is found is stored before the clock goes on: whoever reads from then
	// on, at whatever moment, sees it.
	well := monitor.Probe{SiteID: sites[0].ID, ClusterID: "clu_" + sites[0].ID, At: r.now, Health: monitor.Up, Ready: 6, Want: 6, Version: "1.33.10"}
	r.ok(r.db.SaveProbe(t.Context(), well))
	r.later(2 * boardFresh)
	r.news.Notify(live.Status)
	f := r.change(conn)
	if len(f.Parts) != 1 || !strings.Contains(f.Parts["part-"+other.ID], "Healthy") || f.Whole != "" {
		t.Errorf("one Site became healthy, and what comes is %s", f)
	}
	if g := r.change(late); g.Version != f.Version || len(g.Parts) != 1 {
		t.Errorf("the other one gets %s", g)
	}
	// A probe that finds the same changes no part.
	well.At = r.now
	r.ok(r.db.SaveProbe(t.Context(), well))
	r.later(2 * boardFresh)
	r.news.Notify(live.Status)
	r.probe(r.sites[0], monitor.Down)
	r.later(2 * boardFresh)
	r.news.Notify(live.Status)
	if f := r.change(conn); len(f.Parts) != 1 || !strings.Contains(f.Parts["part-"+r.dep.ID], "Not reachable") {
		t.Errorf("then the other: %s", f)
	}
	r.deployment("Third")
	r.later(2 * boardFresh)
	r.news.Notify(live.Status)
	if f := r.change(conn); !strings.Contains(f.Whole, "Third") {
		t.Errorf("a new Deployment: %s", f)
	}
}

// Nobody hears of changes for whom nothing is shown.
func TestStatusSocketsAreForThoseWhoMaySee(t *testing.T) {
	r := newStatusRig(t)
	server := r.serve()
	path := r.share(url.Values{"deployment": {r.dep.ID}, "name": {"Wall"}, "days": {"7"}})
	for p, want := range map[string]int{"/status/socket": http.StatusUnauthorized, "/status/" + r.dep.ID + "/socket": http.StatusUnauthorized,
		sharedPrefix + strings.Repeat("A", 43) + "/socket": http.StatusNotFound} {
		_, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+p, nil)
		if err == nil || res == nil || res.StatusCode != want {
			t.Errorf("%s: %v %v", p, res, err)
		}
	}
	r.probe(r.sites[0], monitor.Down)
	going := r.run(r.sites[1], "Upgrade")
	r.later(2 * boardFresh)
	f := r.change(r.watch(server, "", path+"/socket"))
	if !strings.Contains(f.Whole, "Upgrade") {
		t.Error("the run is not there: this test sees nothing")
	}
	for _, inside := range []string{"person-", "secret", going, "/clusters", "/runs", strings.TrimPrefix(path, sharedPrefix)} {
		if strings.Contains(f.Whole, inside) {
			t.Errorf("through a link comes %q", inside)
		}
	}
}

// barred reads until the server ends the socket because its reader may not
// read any more.
func barred(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	for {
		_, _, err := conn.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			if closed.Code != closeNotAllowed {
				t.Errorf("it ended with %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A revoked link, one that has ended, a logout and a person who was locked out
// end the sockets that they opened, and no other.
func TestSocketsEndWithTheRight(t *testing.T) {
	r := newStatusRig(t)
	r.join(auth.RoleAdmin)
	server := r.serve()
	share := func(days string) (string, string) {
		path := r.share(url.Values{"name": {"Wall"}, "days": {days}})
		s, err := r.db.ShareByToken(t.Context(), shareHash(strings.TrimPrefix(path, sharedPrefix)))
		r.ok(err)
		return path, s.ID
	}
	revoked, id := share("30")
	ends, _ := share("1")
	runID := r.run(r.sites[0], "Upgrade")
	a, b := r.watch(server, "", revoked+"/socket"), r.watch(server, "", ends+"/socket")
	viewer, log := r.watch(server, auth.RoleViewer, "/status/socket"), r.watch(server, auth.RoleViewer, "/runs/"+runID+"/socket")
	locked, stays := r.watch(server, auth.RoleAdmin, "/status/"+r.dep.ID+"/socket"), r.watch(server, auth.RoleOperator, "/status/socket")
	r.change(stays)
	if w := r.do(auth.RoleOperator, http.MethodPost, "/status/shares/"+id+"/revoke", url.Values{}); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code)
	}
	barred(t, a)
	if w := r.do(auth.RoleViewer, http.MethodPost, "/logout", url.Values{}); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code)
	}
	barred(t, viewer)
	barred(t, log)
	r.ok(r.people.CreateUser(context.Background(), "chief", auth.RoleAdmin, password))
	r.ok(r.people.Disable(context.Background(), "person-admin", true))
	barred(t, locked)
	r.later(25 * time.Hour)
	barred(t, b)
	// A session lasts less than a day without a request, so who stays is gone too.
	barred(t, stays)
}

// The frames of a change are made once, however many watch.
func TestWatchersShareTheirFrames(t *testing.T) {
	r := newStatusRig(t)
	r.handler.pace = usualPace
	v, leave := r.handler.view(look{}, func(ctx context.Context) (livePage, error) {
		p, err := r.handler.statusProps(ctx, look{})
		return statusLive(p), err
	})
	defer leave()
	v.refresh(t.Context())
	one, at, _, err := v.next(t.Context(), "")
	r.ok(err)
	two, again, _, err := v.next(t.Context(), "")
	if err != nil || one == nil || one != two || at != again {
		t.Errorf("two who are at the same place get %p and %p, %v", one, two, err)
	}
	if m, _, _, err := v.next(t.Context(), at); m != nil || err != nil {
		t.Errorf("who has the newest gets %v %v", m, err)
	}
}

func TestVersionOfPageAndFeedAgree(t *testing.T) {
	r := newStatusRig(t)
	for _, p := range []string{"/status", "/status?view=wall", "/status/" + r.dep.ID} {
		first := r.page(auth.RoleViewer, p).Find("#status")
		if first.AttrOr("data-version", "") == "" || first.Find("#status-parts").Length() != 1 {
			t.Errorf("%s has no version", p)
		}
		doc := r.page(auth.RoleViewer, p)
		parts, err := r.handler.statusProps(t.Context(), look{deploymentID: strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(p, "?view=wall"), "/status"), "/"), wall: strings.HasSuffix(p, "wall")})
		r.ok(err)
		for _, x := range parts.Pieces() {
			if doc.Find("#"+x.ID).Length() != 1 {
				t.Errorf("%s: the part %s is not on the page", p, x.ID)
			}
		}
	}
}
