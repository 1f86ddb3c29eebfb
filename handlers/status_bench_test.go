package handlers

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"hubwright/internal/auth"
	"hubwright/internal/monitor"
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

// remember stores a probe each three days, with faults here and there.
func (r *statusRig) remember(i int, siteID string) {
	r.t.Helper()
	at := r.now.AddDate(0, 0, -monitor.KeptDays)
	for n := 0; !at.After(r.now); n, at = n+1, at.Add(3*24*time.Hour) {
		p := monitor.Probe{SiteID: siteID, ClusterID: "clu_" + siteID, At: at, Health: monitor.Up, Ready: 6, Want: 6, Version: "1.33.10", CertificateEnds: r.now.AddDate(0, i, 0)}
		if (n+7*i)%11 == 0 {
			p.Health, p.Ready, p.Sick = monitor.Degraded, 5, []string{"kube-scheduler-k8s-master-1234-0"}
		}
		if (n+i)%17 == 0 {
			p = monitor.Probe{SiteID: siteID, ClusterID: p.ClusterID, At: at, Health: monitor.Down, Problem: "The API server refused the connection"}
		}
		r.ok(r.db.SaveProbe(context.Background(), p))
	}
}

func asGzip(q *http.Request) { q.Header.Set("Accept-Encoding", "gzip") }

// Forty Sites with 90 days are a small page.
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
}

// BenchmarkStatusPage is the page of 20 Deployments on 40 Sites with 90 days,
// when nobody looked for a while and when many look, who ask for the part that
// changes each 10 seconds.
func BenchmarkStatusPage(b *testing.B) {
	r := newStatusRig(b)
	r.fill()
	for _, tc := range []struct {
		name   string
		later  time.Duration
		change []func(*http.Request)
	}{{"first", 2 * boardFresh, []func(*http.Request){asGzip}}, {"shared", 0, []func(*http.Request){asGzip, asFragment}}} {
		b.Run(tc.name, func(b *testing.B) {
			var took []time.Duration
			size := 0
			for b.Loop() {
				r.later(tc.later)
				begun := time.Now()
				w := r.do(auth.RoleViewer, http.MethodGet, "/status", nil, tc.change...)
				took = append(took, time.Since(begun))
				if size = w.Body.Len(); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(size)/1000, "kB-gzip")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
			if tc.later == 0 {
				b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N), "cores-for-1000-viewers")
			}
		})
	}
}
