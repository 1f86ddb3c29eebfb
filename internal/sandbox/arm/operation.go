package arm

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hubwright/internal/sandbox/faults"
)

// operation is one long-running operation. It ends by itself, polled or not.
type operation struct {
	done  chan struct{}
	err   armError // Code "" is success
	begun time.Time
}

// begin starts work in the background and answers the operation's id.
func (h *Hub) begin(work func(ctx context.Context) armError) string {
	id := newGUID()
	op := &operation{done: make(chan struct{}), begun: time.Now()}
	h.opsMu.Lock()
	h.ops[id] = op
	h.opsMu.Unlock()
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		op.err = work(h.ctx)
		close(op.done)
	}()
	return id
}

// announce writes the headers by which a client follows an operation.
func (h *Hub) announce(w http.ResponseWriter, namespace, id string) {
	url := h.cfg.base() + h.subID() + "/providers/" + namespace + "/locations/" + h.cfg.Region + "/operations/" + id + "?api-version=" + newest["microsoft.compute"]
	if strings.EqualFold(namespace, "Microsoft.Network") {
		url = h.cfg.base() + h.subID() + "/providers/" + namespace + "/locations/" + h.cfg.Region + "/operations/" + id + "?api-version=" + newest["microsoft.network"]
	}
	w.Header().Set("Azure-AsyncOperation", url)
	w.Header().Set("Location", url+"&monitor=true")
	h.pace(w)
}

// pace tells clients how soon to ask again: 10 s of a real Hub.
func (h *Hub) pace(w http.ResponseWriter) {
	ms := max(int(10_000/h.cfg.Speed), 50)
	w.Header().Set("Retry-After-Ms", strconv.Itoa(ms))
	w.Header().Set("Retry-After", strconv.Itoa(max(ms/1000, 1)))
}

func (h *Hub) poll(w http.ResponseWriter, r request, id string) {
	h.opsMu.Lock()
	op := h.ops[id]
	h.opsMu.Unlock()
	if op == nil {
		writeError(w, fail(http.StatusNotFound, "OperationNotFound", "The operation '%s' was not found.", id))
		return
	}
	monitor := r.URL.Query().Get("monitor") == "true"
	select {
	case <-op.done:
	default:
		h.pace(w)
		if monitor {
			w.Header().Set("Location", h.cfg.base()+r.URL.RequestURI())
			w.WriteHeader(http.StatusAccepted)
			return
		}
		writeJSON(w, http.StatusOK, object{"status": "InProgress", "name": id, "startTime": op.begun.UTC().Format(time.RFC3339Nano)})
		return
	}
	h.ended(w, op, id, monitor)
}

func (h *Hub) ended(w http.ResponseWriter, op *operation, id string, monitor bool) {
	switch {
	case monitor && op.err.Code != "":
		e := op.err
		e.status = http.StatusConflict
		writeError(w, e)
	case monitor:
		w.WriteHeader(http.StatusNoContent)
	case op.err.Code != "":
		writeJSON(w, http.StatusOK, object{"status": "Failed", "name": id, "error": op.err})
	default:
		writeJSON(w, http.StatusOK, object{"status": "Succeeded", "name": id})
	}
}

// misfortune plays a fault on making or deleting a resource. It says what went
// wrong, if anything.
func (h *Hub) misfortune(ctx context.Context, method, kind, name string) armError {
	effect, lifted, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtOperation, Stamp: h.cfg.Region, Method: method, Type: kind, Name: name})
	if !hit {
		return armError{}
	}
	if effect.Delay > 0 {
		h.wait(ctx, effect.Delay)
	}
	if effect.Stuck {
		select {
		case <-lifted:
		case <-ctx.Done():
		}
	}
	if effect.ExitCode != 0 {
		return scriptFailed(name, effect.ExitCode)
	}
	if effect.Code != "" {
		return fail(http.StatusConflict, effect.Code, "%s", effect.Message)
	}
	return armError{}
}

// scriptFailed is what ARM says when a CustomScript extension's script ends
// with an exit code.
func scriptFailed(extension string, code int) armError {
	short := extension[strings.LastIndex(extension, "/")+1:]
	return fail(http.StatusConflict, "VMExtensionProvisioningError",
		"VM has reported a failure when processing extension '%s'. Error message: \"Enable failed: failed to execute command: command terminated with exit status=%d\n[stdout]\n\n[stderr]\n\".", short, code)
}
