package sandbox

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/traffic"
)

//go:embed page/*
var pageFiles embed.FS

// shownCalls is how many of the newest calls the page shows.
const shownCalls = 200

// Page shows the emulated world to people who watch it, and lets them switch
// faults. It answers only under loopback addresses and only its own forms.
func (w *World) Page() (http.Handler, error) {
	look, err := template.New("page.html").Funcs(template.FuncMap{"clock": clock, "took": took}).ParseFS(pageFiles, "page/page.html")
	if err != nil {
		return nil, err
	}
	style, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := look.Execute(out, w.scenery()); err != nil {
			w.opts.Log.Warn("showing the page", "err", err)
		}
	})
	mux.HandleFunc("GET /page.css", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = out.Write(style)
	})
	mux.HandleFunc("POST /faults", w.switchFaults)
	return http.NewCrossOriginProtection().Handler(guarded(mux)), nil
}

// guarded refuses other names than loopback ones, so that no foreign page gets
// here by a name of its own, and forbids the page to load anything.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(out, "This page answers under a loopback address only.", http.StatusMisdirectedRequest)
			return
		}
		h := out.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(out, r)
	})
}

// switchFaults adds a ready-made fault or a list of rules, or lifts one or all.
func (w *World) switchFaults(out http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(out, r.Body, 1<<20)
	var err error
	switch action := r.PostFormValue("action"); action {
	case "add":
		rule, ok := faults.Preset(r.PostFormValue("kind"), r.PostFormValue("stamp"))
		if !ok {
			err = fmt.Errorf("there is no kind %q", r.PostFormValue("kind"))
			break
		}
		_, err = w.faults.Add(rule)
	case "load":
		err = w.faults.Load(strings.NewReader(r.PostFormValue("rules")))
	case "lift":
		w.faults.Lift(r.PostFormValue("id"))
	case "lift-all":
		w.faults.LiftAll()
	default:
		err = fmt.Errorf("unknown action %q", action)
	}
	if err != nil {
		http.Error(out, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	http.Redirect(out, r, "/", http.StatusSeeOther)
}

// scenery is what the page shows.
type scenery struct {
	Proxy   string
	Speed   float64
	Faults  []faults.Status
	Kinds   []faults.Rule
	Stamps  []stampView
	Calls   []traffic.Call
	Refused []string
	Misuse  []string
	Now     time.Time
}

type stampView struct {
	Name, Region, Endpoint, Identity string
	arm.Overview
}

func (w *World) scenery() scenery {
	s := scenery{Proxy: w.ProxyURL(), Speed: w.opts.Speed, Faults: w.faults.List(), Kinds: faults.Kinds(), Calls: w.Calls(), Misuse: w.Misuse(), Now: time.Now()}
	for _, st := range w.stamps {
		v := stampView{Name: st.name, Region: st.region, Endpoint: "https://" + st.host("management"), Identity: "Entra ID", Overview: st.hub.Overview()}
		if st.adfs {
			v.Identity = "AD FS"
		}
		s.Stamps = append(s.Stamps, v)
	}
	for target, n := range w.Refused() {
		s.Refused = append(s.Refused, fmt.Sprintf("%s (%d)", target, n))
	}
	slices.Sort(s.Refused)
	s.Calls = s.Calls[max(len(s.Calls)-shownCalls, 0):]
	slices.Reverse(s.Calls)
	return s
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// openPage serves the page on a loopback address until Close.
func (w *World) openPage() error {
	if w.opts.PageAddr == "" {
		return nil
	}
	page, err := w.Page()
	if err != nil {
		return err
	}
	l, err := loopback.Listen(w.opts.PageAddr)
	if err != nil && w.opts.PageAddr == DefaultPageAddr {
		l, err = loopback.Listen("127.0.0.1:0") // another sandbox has it
	}
	if err != nil {
		return err
	}
	w.pageURL = "http://" + l.Addr().String() + "/"
	server := &http.Server{Handler: page, ReadHeaderTimeout: 10 * time.Second}
	w.background.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			w.opts.Log.Warn("the page ended", "err", err)
		}
	})
	w.background.Go(func() {
		<-w.ctx.Done()
		server.Close()
	})
	return nil
}

// PageURL is where the page is served, "" when it is not.
func (w *World) PageURL() string { return w.pageURL }
