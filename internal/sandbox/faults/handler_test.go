package faults_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"hubwright/internal/sandbox/faults"
)

func TestHandlerPlaysRequestFaults(t *testing.T) {
	var set faults.Set
	h := faults.Handler(&set, "seattle", "login.test", 1000, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	get := func() (rec *httptest.ResponseRecorder, cut bool) {
		defer func() { cut = recover() != nil }()
		rec = httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("POST", "https://login.test/t/oauth2/v2.0/token", nil))
		return rec, false
	}
	if rec, _ := get(); rec.Code != 204 {
		t.Errorf("without a rule: %d", rec.Code)
	}
	rule, _ := faults.Preset("secret-wrong", "seattle")
	id, err := set.Add(rule)
	if err != nil {
		t.Fatal(err)
	}
	if rec, _ := get(); rec.Code != 401 || rec.Header().Get("Content-Type") == "" {
		t.Errorf("secret-wrong: %d %v", rec.Code, rec.Header())
	}
	set.Lift(id)
	for _, e := range []faults.Effect{{Delay: 1}, {Status: 503, Message: "busy", RetryAfter: 2, Delay: 1}, {Unreachable: true}} {
		id, err := set.Add(faults.Rule{Match: faults.Match{At: faults.AtRequest, Host: "login.test"}, Effect: e})
		if err != nil {
			t.Fatal(err)
		}
		rec, cut := get()
		switch {
		case cut != e.Unreachable:
			t.Errorf("%+v: cut %v", e, cut)
		case cut:
		case e.Status == 0 && rec.Code != 204:
			t.Errorf("%+v: %d", e, rec.Code)
		case e.Status != 0 && (rec.Code != e.Status || rec.Body.String() != "busy\n" || rec.Header().Get("Retry-After") != "2"):
			t.Errorf("%+v: %d %q %v", e, rec.Code, rec.Body, rec.Header())
		}
		set.Lift(id)
	}
}
