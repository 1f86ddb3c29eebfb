package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hubwright/workflows"
)

// published is a stand-in for what a Site publishes, at a public address of
// its stamp.
type published struct {
	public string
	broken atomic.Bool
}

const publishedPort = "8099"

// publish answers on the loopback address that stands behind a public one.
func (w *world) publish(stamp int) *published {
	w.t.Helper()
	block, _, _ := strings.Cut(strings.TrimPrefix(w.azure().DNSServer, "127."), ".")
	p := &published{public: fmt.Sprintf("25.%s.%d.200", block, stamp)}
	ln, err := net.Listen("tcp4", fmt.Sprintf("127.%s.%d.200:%s", block, stamp, publishedPort))
	if err != nil {
		w.t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		if p.broken.Load() {
			http.Error(out, "broken", http.StatusServiceUnavailable)
		}
	})}
	go srv.Serve(ln)
	w.t.Cleanup(func() { srv.Close() })
	return p
}

type azureSeed struct{ Kind, HTTPSProxy, DNSServer string }

func (w *world) azure() azureSeed {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, "seed.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var seed struct{ Connections []azureSeed }
	if err := json.Unmarshal(raw, &seed); err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(seed.Connections, func(c azureSeed) bool { return c.Kind == string(workflows.ConnectionAzure) })
	if i < 0 {
		w.t.Fatal("the seed has no Connection to Azure")
	}
	return seed.Connections[i]
}

// user visits a page again and again, without any code of the product.
type user struct {
	mu                sync.Mutex
	requests, failed  int
	firstBad, lastBad time.Time
	stop              context.CancelFunc
	done              chan struct{}
}

func (w *world) visitor(link string) *user {
	w.t.Helper()
	proxy, err := url.Parse(w.azure().HTTPSProxy)
	if err != nil {
		w.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}, Timeout: 5 * time.Second}
	ctx, stop := context.WithCancel(w.t.Context())
	u := &user{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			resp, err := client.Get(link)
			good := err == nil && resp.StatusCode == http.StatusOK
			if err == nil {
				resp.Body.Close()
			}
			u.note(good)
		}
	}()
	return u
}

func (u *user) note(good bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.requests++
	if good {
		return
	}
	if u.failed++; u.failed == 1 {
		u.firstBad = time.Now()
	}
	u.lastBad = time.Now()
}

func (u *user) end() { u.stop(); <-u.done }

// leads counts where the name leads, as the name server says.
func (w *world) leads(name string, n int) map[string]int {
	w.t.Helper()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, w.azure().DNSServer)
	}}
	out := map[string]int{}
	for range n {
		addresses, err := r.LookupHost(w.t.Context(), name+".")
		if err != nil || len(addresses) != 1 {
			w.t.Fatalf("%s leads to %v, %v", name, addresses, err)
		}
		out[addresses[0]]++
	}
	return out
}

func (w *world) report(run string) (r workflows.DrillReport) {
	w.t.Helper()
	a := w.get("/runs/" + run + "/drill.json")
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		w.t.Fatalf("report: %v\n%s", err, a.body)
	}
	return r
}

// TestOneNameOverTheSites joins two Sites, drills their failover twice, once
// for real, and compares the report with an independent client.
func TestOneNameOverTheSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "60")
	w.setUp()
	all := site{deployment: w.sites()["Seattle"].deployment}
	seattle, orlando := w.publish(1), w.publish(2)
	const name = "ratings-tmep.trafficmanager.net"
	answers := func() url.Values {
		return url.Values{
			"ttl": {"2"}, "port": {publishedPort}, "tolerated": {"9"}, "interval": {"30"},
			"sites.0.target": {seattle.public}, "sites.0.weight": {"1"}, "sites.1.target": {orlando.public}, "sites.1.weight": {"20"},
		}
	}
	w.refuses(all, answers())

	run := w.begin(w.walk("traffic-manager", all, answers()))
	w.finish(run)
	if got := w.leads(name, 400); got[seattle.public]+got[orlando.public] != 400 || got[orlando.public] < 340 {
		t.Errorf("400 answers with weights 1 and 20: %v", got)
	}
	again := w.begin(w.walk("traffic-manager", all, url.Values{}))
	w.finish(again)
	if page := text(w.parse(w.get("/runs/" + again))); !strings.Contains(page, "Nothing had to be changed") {
		t.Errorf("the second run changed something:\n%s", page)
	}
	if board := text(w.parse(w.get("/deployments/" + all.deployment))); !strings.Contains(board, name) {
		t.Errorf("the guide does not show the name:\n%s", board)
	}

	w.drillByHand(all, orlando, name)
	w.drillCancelled(all, orlando, name)
}

// refuses sees the wizard say what is wrong with targets, at the field.
func (w *world) refuses(all site, answers url.Values) {
	w.t.Helper()
	answers.Set("sites.0.target", "127.0.0.1")
	answers.Set("sites.1.target", "10.1.2.3")
	a := w.post("/drafts", url.Values{"workflow": {"traffic-manager"}, "deployment": {all.deployment}, "site": {""}, "stack": {""}})
	for range 6 {
		form := fields(w.parse(a).Find(`form:has(button[name="action"][value="next"])`).First())
		for k, v := range answers {
			if form.Has(k) {
				form[k] = v
			}
		}
		form.Set("action", "next")
		at := a.path
		if a = w.post(at, form); strings.HasSuffix(at, "/pages/sites") {
			break
		}
	}
	page := text(w.parse(a))
	for _, want := range []string{"127.0.0.1 is a loopback address", "10.1.2.3 is a private address", "choose your own load balancer"} {
		if !strings.Contains(page, want) {
			w.t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	w.post("/drafts/"+draftPath.FindStringSubmatch(a.path)[1]+"/delete", url.Values{})
}

// drillByHand breaks a Site for real.
func (w *world) drillByHand(all site, orlando *published, name string) {
	t := w.t
	t.Helper()
	orlandoID := w.sites()["Orlando"].site
	run := w.begin(w.walk("drill", all, url.Values{"site": {orlandoID}, "how": {"outage"}, "interval": {"1"}, "minutes": {"3"}}))
	eventually(t, time.Minute, "the run asks for the outage", func() bool { return w.printed(run, "Break Orlando now") })
	u := w.visitor("http://" + name + ":" + publishedPort + "/")
	orlando.broken.Store(true)
	eventually(t, 2*time.Minute, "users have left the Site", func() bool { return w.printed(run, "Users have left Orlando") })
	u.end()
	orlando.broken.Store(false)
	w.finish(run)
	r := w.report(run)
	broken := u.lastBad.Sub(u.firstBad)
	t.Logf("the report has %d of %d failed over %s, the user %d of %d over %s", r.Failed, r.Requests, r.Broken, u.failed, u.requests, broken)
	if r.Failed == 0 || u.failed == 0 {
		t.Fatal("an outage that nobody noticed")
	}
	// A look each second: the report's first and last failure are up to a look
	// away from the user's, and a look may take its time on a busy machine.
	if diff := (r.Broken - broken).Abs(); diff > 4*time.Second {
		t.Errorf("the report says that requests failed over %s, a user had %s", r.Broken, broken)
	}
	if looks := int(broken / time.Second); r.Failed > looks+4 || r.Failed < looks/2-2 {
		t.Errorf("%d failed looks in %s of failures", r.Failed, broken)
	}
	page := text(w.parse(w.get("/runs/" + run + "/drill")))
	for _, want := range []string{fmt.Sprintf("%d of %d requests failed", r.Failed, r.Requests), "Orlando is found degraded", "Break Orlando now"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report's page does not say %q:\n%s", want, page)
		}
	}
}

// drillCancelled takes a Site out and cancels: it is put back.
func (w *world) drillCancelled(all site, orlando *published, name string) {
	t := w.t
	t.Helper()
	eventually(t, time.Minute, "Orlando is in the answers again", func() bool { return w.leads(name, 20)[orlando.public] > 0 })
	draft := w.walk("drill", all, url.Values{"site": {w.sites()["Orlando"].site}, "how": {"take-out"}, "interval": {"1"}})
	w.settled(draft)
	u := w.visitor("http://" + name + ":" + publishedPort + "/")
	run := w.begin(draft)
	eventually(t, time.Minute, "the Site is taken out", func() bool { return w.printed(run, "Orlando was taken out of rotation") })
	if got := w.leads(name, 40); got[orlando.public] > 0 {
		t.Errorf("out of rotation, the name still leads there: %v", got)
	}
	w.post("/runs/"+run+"/cancel", url.Values{})
	eventually(t, time.Minute, "the run ends", func() bool { return w.ended(run) })
	u.end()
	if u.failed > 0 {
		t.Errorf("%d of %d requests failed while a Site was only taken out", u.failed, u.requests)
	}
	if r := w.report(run); r.Failed > 0 || len(r.Events) < 2 {
		t.Errorf("the report of the cancelled drill: %d failed, %v", r.Failed, r.Events)
	}
	if got := w.leads(name, 60); got[orlando.public] == 0 {
		t.Errorf("after the cancelled drill the name leads to %v", got)
	}
}
