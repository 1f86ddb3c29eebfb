// Package traffic remembers the last requests that reached the emulated world,
// for tests and for the sandbox's own page. Bodies and headers, which carry
// secrets, are not kept.
package traffic

import (
	"net/http"
	"sync"
	"time"
)

// Call is one request and its answer.
type Call struct {
	At       time.Time     `json:"at"`
	Host     string        `json:"host"`
	Method   string        `json:"method"` // CONNECT for the door
	Path     string        `json:"path"`
	Query    string        `json:"query,omitempty"`
	Status   int           `json:"status"` // 0: cut without an answer
	Duration time.Duration `json:"duration"`
	Agent    string        `json:"agent,omitempty"`
	Error    string        `json:"error,omitempty"` // ARM error code of the answer
}

// Recorder keeps the newest calls. It is safe for concurrent use.
type Recorder struct {
	mu    sync.Mutex
	calls []Call
	start int
	size  int
	total int
}

// NewRecorder keeps at most size calls.
func NewRecorder(size int) *Recorder {
	return &Recorder{size: size}
}

// Add remembers one call.
func (r *Recorder) Add(c Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	if len(r.calls) < r.size {
		r.calls = append(r.calls, c)
		return
	}
	r.calls[r.start] = c
	r.start = (r.start + 1) % r.size
}

// Calls answers what is remembered, oldest first.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Call, 0, len(r.calls))
	out = append(out, r.calls[r.start:]...)
	return append(out, r.calls[:r.start]...)
}

// Total counts all calls ever added.
func (r *Recorder) Total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// Watch wraps a handler so that its calls are remembered under host.
func (r *Recorder) Watch(host string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		rec := &recorder{ResponseWriter: w}
		c := Call{At: time.Now(), Host: host, Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery, Agent: req.UserAgent()}
		defer func() {
			c.Status, c.Duration, c.Error = rec.status, time.Since(c.At), w.Header().Get("x-ms-error-code")
			r.Add(c)
		}()
		h.ServeHTTP(rec, req)
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
