package publicazure

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Work is what a long-running operation does.
type Work struct {
	Takes time.Duration // in the real Azure; divided by the speed here
	// Do is called when that time has passed. Its document is what a client
	// that follows Location gets at the end; nil is no content. An *Error is
	// the operation's own; another error an internal one.
	Do func() (any, error)
}

// Error is why an operation failed, in ARM's words.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

type operation struct {
	begun time.Time
	ended time.Time // zero while it is under way
	doc   any
	err   error
}

// Begin starts work in the background, and answers with status and document
// and with the headers that let a client follow it.
func (a *Azure) Begin(w http.ResponseWriter, r *http.Request, status int, work Work, doc any) {
	id, op := newGUID(), &operation{begun: time.Now()}
	a.mu.Lock()
	a.running[id] = op
	a.mu.Unlock()
	a.wg.Go(func() {
		select {
		case <-time.After(a.Real(work.Takes)):
		case <-a.ctx.Done():
			return
		}
		doc, err := work.Do()
		a.mu.Lock()
		defer a.mu.Unlock()
		op.ended, op.doc, op.err = time.Now(), doc, err
	})
	ns := split(r.URL.Path).namespace()
	sub := "https://" + Host + "/subscriptions/" + a.cfg.SubscriptionID
	version := "?api-version=" + r.URL.Query().Get("api-version")
	if ns == "" {
		w.Header().Set("Location", sub+"/operationresults/"+id+version)
	} else {
		url := fmt.Sprintf("%s/providers/%s/locations/global/operations/%s%s", sub, ns, id, version)
		w.Header().Set("Azure-AsyncOperation", url)
		w.Header().Set("Location", url+"&monitor=true")
	}
	a.pace(w)
	Answer(w, status, doc)
}

// pace tells clients how soon to ask again: 10 s of the real Azure.
func (a *Azure) pace(w http.ResponseWriter) {
	ms := max(int(a.Real(10*time.Second).Milliseconds()), 50)
	w.Header().Set("Retry-After-Ms", strconv.Itoa(ms))
	w.Header().Set("Retry-After", strconv.Itoa(max((ms+999)/1000, 1)))
}

// poll answers how an operation stands: as a document, or for those who follow
// Location (monitor) as a status code.
func (a *Azure) poll(w http.ResponseWriter, r *http.Request, id string, monitor bool) {
	a.mu.Lock()
	found := a.running[id]
	var op operation
	if found != nil {
		op = *found
	}
	a.mu.Unlock()
	doc := map[string]any{"id": r.URL.Path, "name": id, "startTime": op.begun.UTC().Format(time.RFC3339Nano), "status": "InProgress"}
	code, text := "InternalServerError", ""
	if op.err != nil {
		text = op.err.Error()
		var own *Error
		if errors.As(op.err, &own) {
			code, text = own.Code, own.Message
		}
	}
	switch {
	case found == nil:
		Fail(w, http.StatusNotFound, "OperationNotFound", "The operation '%s' was not found.", id)
	case op.ended.IsZero() && monitor:
		w.Header().Set("Location", "https://"+Host+r.URL.RequestURI())
		a.pace(w)
		Answer(w, http.StatusAccepted, nil)
	case op.ended.IsZero():
		a.pace(w)
		Answer(w, http.StatusOK, doc)
	case monitor && op.err != nil:
		Fail(w, http.StatusConflict, code, "%s", text)
	case monitor && op.doc == nil:
		Answer(w, http.StatusOK, nil)
	case monitor:
		Answer(w, http.StatusOK, op.doc)
	default:
		doc["status"], doc["endTime"] = "Succeeded", op.ended.UTC().Format(time.RFC3339Nano)
		if op.err != nil {
			doc["status"], doc["error"] = "Failed", failure{Code: code, Message: text}
		}
		Answer(w, http.StatusOK, doc)
	}
}
