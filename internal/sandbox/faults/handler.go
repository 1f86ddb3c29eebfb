package faults

import (
	"net/http"
	"strconv"
	"time"
)

// Handler plays request faults in front of a site that has no words of its own
// for them. Delays are divided by speed.
func Handler(set *Set, stamp, host string, speed float64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		effect, _, hit := set.Strike(Event{At: AtRequest, Stamp: stamp, Host: host, Method: r.Method, Path: r.URL.Path})
		if hit && effect.Delay > 0 {
			t := time.NewTimer(time.Duration(effect.Delay / speed * float64(time.Second)))
			defer t.Stop()
			select {
			case <-t.C:
			case <-r.Context().Done():
				return
			}
		}
		if hit && effect.Unreachable {
			panic(http.ErrAbortHandler)
		}
		if hit && effect.Damaged {
			w = &spoiler{ResponseWriter: w}
		}
		if !hit || effect.Status == 0 {
			next.ServeHTTP(w, r)
			return
		}
		for k, v := range effect.Header {
			w.Header().Set(k, v)
		}
		if effect.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(effect.RetryAfter))
		}
		body := []byte(effect.Body)
		if len(body) > 0 {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		} else {
			body = []byte(effect.Message + "\n")
		}
		w.WriteHeader(effect.Status)
		_, _ = w.Write(body)
	})
}

// spoiler turns the bytes of a body over, as a bad line or a meddling proxy
// would; their number stays.
type spoiler struct{ http.ResponseWriter }

func (s *spoiler) Write(p []byte) (int, error) {
	bad := make([]byte, len(p))
	for i, b := range p {
		bad[i] = ^b
	}
	return s.ResponseWriter.Write(bad)
}
