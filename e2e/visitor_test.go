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
	firstN, lastN     int // the first and the last that failed
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
		u.firstBad, u.firstN = time.Now(), u.requests
	}
	u.lastBad, u.lastN = time.Now(), u.requests
}

// between are the requests from the first failure to the last.
func (u *user) between() int { return u.lastN - u.firstN + 1 }

func (u *user) end() { u.stop(); <-u.done }

// resolver asks the sandbox's name server.
func (w *world) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, w.azure().DNSServer)
	}}
}

// leads counts where the name leads, as the name server says.
func (w *world) leads(name string, n int) map[string]int {
	w.t.Helper()
	r := w.resolver()
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
