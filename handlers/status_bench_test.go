package handlers

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/auth"
	"hubwright/internal/monitor"
	"hubwright/workflows"
)

// fill makes 20 Deployments on 40 Sites with 90 days of probes.
func (r *statusRig) fill() {
	r.t.Helper()
	for i := range 19 {
		_, sites := r.deployment(fmt.Sprintf("Application %02d", i), "Seattle", "Orlando")
		r.sites = append(r.sites, sites...)
	}
	for i, site := range r.sites {
		r.remember(i, site.ID)
		for n := range 3 {
			id := r.run(site, fmt.Sprintf("Change %d", n))
			if i > 2 || n < 2 {
				r.finish(id)
			}
		}
	}
}

// remember gives a Site the past that 90 days of a probe a minute leave, with
// faults in a third of the days, and the same to its application.
func (r *statusRig) remember(i int, siteID string) {
	r.t.Helper()
	ctx := context.Background()
	rnd := rand.New(rand.NewPCG(uint64(i), 90))
	var h monitor.History
	for at := r.now.AddDate(0, 0, -monitor.KeptDays); !at.After(r.now); {
		bad, health := 0, []monitor.Health{monitor.Degraded, monitor.Down, monitor.Planned}[rnd.IntN(3)]
		if rnd.IntN(3) == 0 {
			bad = rnd.IntN(200)
		}
		from := rnd.IntN(24*60 - bad)
		for minute := 0; minute < 24*60 && !at.After(r.now); minute, at = minute+1, at.Add(time.Minute) {
			if minute >= from && minute < from+bad {
				h.Add(at, health)
			} else {
				h.Add(at, monitor.Up)
			}
		}
	}
	past, err := h.MarshalBinary()
	r.ok(err)
	r.ok(r.db.SaveEndpoint(ctx, &workflows.Endpoint{SiteID: siteID, Address: "192.0.2.7", Port: 80, Path: "/"}))
	r.ok(r.db.SaveAppProbe(ctx, monitor.AppProbe{SiteID: siteID, At: r.now, Health: monitor.Up, Status: http.StatusOK, Took: 12 * time.Millisecond}))
	r.probeSite(i, []monitor.Health{monitor.Up, monitor.Up, monitor.Degraded}[rnd.IntN(3)])
	for _, table := range []string{"probes", "app_probes"} {
		_, err = r.db.SQL().Exec(`UPDATE `+table+` SET history = $1 WHERE site_id = $2`, past, siteID)
		r.ok(err)
	}
}

func asGzip(q *http.Request) { q.Header.Set("Accept-Encoding", "gzip") }

// Forty Sites with 90 days are a small page, and it is made once however many
// ask for it.
func TestStatusPageIsSmall(t *testing.T) {
	r := newStatusRig(t)
	r.fill()
	w := r.do(auth.RoleOperator, http.MethodGet, "/status", nil, asGzip)
	size := w.Body.Len()
	z, err := gzip.NewReader(w.Body)
	r.ok(err)
	raw, err := io.ReadAll(z)
	r.ok(err)
	t.Logf("%d bytes, %d of them transferred", len(raw), size)
	if size > 100_000 || len(raw) < 50_000 {
		t.Errorf("%d bytes are transferred, of %d", size, len(raw))
	}
	first := r.get(auth.RoleViewer, "/status", asFragment)
	r.probeSite(3, monitor.Down)
	r.later(boardFresh / 2)
	if r.get(auth.RoleOperator, "/status", asFragment) != first {
		t.Error("the page is made again for each who asks")
	}
	r.later(boardFresh)
	if now := r.get(auth.RoleViewer, "/status", asFragment); now == first || !strings.Contains(now, "Down") {
		t.Error("what is new is not on the page")
	}
}

// BenchmarkStatusPage is the page of 20 Deployments on 40 Sites with a probe a
// minute for 90 days, 2,000 times in turns with a page that reads nothing but
// the login, which tells what this machine is worth just now. In "watched" a
// thousand people ask each ten seconds, so that the store is read for each
// hundredth; in "alone" nobody looked for a while each time. The processor's
// time, cpu-ms, is the same on a busy machine.
func BenchmarkStatusPage(b *testing.B) {
	const asked = 2000
	r := newStatusRig(b)
	r.fill()
	for _, tc := range []struct {
		name string
		wait time.Duration
	}{{"watched", 10 * time.Millisecond}, {"alone", 2 * boardFresh}} {
		b.Run(tc.name, func(b *testing.B) {
			var took, base []time.Duration
			var cpu time.Duration
			size := 0
			one := func(path string, to *[]time.Duration) {
				begun := time.Now()
				w := r.do(auth.RoleViewer, http.MethodGet, path, nil, asGzip)
				*to = append(*to, time.Since(begun))
				if size = w.Body.Len(); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			for b.Loop() {
				for range asked {
					r.later(tc.wait)
					one("/help", &base)
					begun := cpuTime()
					one("/status", &took)
					cpu += cpuTime() - begun
				}
			}
			slices.Sort(took)
			slices.Sort(base)
			ms := func(all []time.Duration, of int) float64 {
				return float64(all[len(all)*of/100].Microseconds()) / 1000
			}
			b.ReportMetric(float64(size)/1000, "kB-gzip")
			b.ReportMetric(cpu.Seconds()*1000/float64(len(took)), "cpu-ms")
			b.ReportMetric(ms(took, 50), "ms-p50")
			b.ReportMetric(ms(took, 99), "ms-p99")
			b.ReportMetric(ms(base, 50), "base-ms-p50")
			b.ReportMetric(ms(base, 99), "base-ms-p99")
			b.ReportMetric(ms(took, 50)/ms(base, 50), "p50/base")
			b.ReportMetric(ms(took, 99)/ms(base, 99), "p99/base")
			b.ReportMetric(0, "ns/op")
		})
	}
}
