package traffic_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"hubwright/internal/sandbox/traffic"
)

func TestKeepsTheNewest(t *testing.T) {
	r := traffic.NewRecorder(3)
	h := r.Watch("management.seattle.azurestack.test", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		code, _ := strconv.Atoi(req.URL.Query().Get("code"))
		if code >= 400 {
			w.Header().Set("x-ms-error-code", "ResourceNotFound")
		}
		if code != 0 {
			w.WriteHeader(code)
		}
		w.Write([]byte("x"))
	}))
	for _, code := range []string{"200", "201", "404", ""} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/p?code="+code, nil))
	}
	got := r.Calls()
	if len(got) != 3 || r.Total() != 4 {
		t.Fatalf("%d calls of %d, want 3 of 4", len(got), r.Total())
	}
	for i, want := range []int{201, 404, 200} {
		if got[i].Status != want || got[i].Path != "/p" {
			t.Errorf("call %d: %+v, want status %d", i, got[i], want)
		}
	}
	if got[1].Error != "ResourceNotFound" || got[0].Error != "" {
		t.Errorf("error codes: %q %q", got[1].Error, got[0].Error)
	}
}

func TestACutConnectionCounts(t *testing.T) {
	r := traffic.NewRecorder(3)
	h := r.Watch("x", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not pass through")
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}()
	if got := r.Calls(); len(got) != 1 || got[0].Status != 0 {
		t.Errorf("got %+v, want one call with status 0", got)
	}
}
