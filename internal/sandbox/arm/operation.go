package arm

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hubwright/internal/sandbox/faults"
)

// operation is one long-running operation. It ends by itself, polled or not,
// and goes on in the next life of the sandbox.
type operation struct {
	ID, Target string
	Verb       string // PUT, DELETE, or the name of an action such as restart
	Begun      time.Time
	Ended      time.Time // zero while it is under way
	Error      armError  // with Code "", success
}

func (o *operation) under() bool { return o.Ended.IsZero() }

// flight is work under way on a resource.
type flight struct {
	op     *operation // nil when a deployment does the work
	asked  string     // digest of what was asked for
	done   chan struct{}
	cancel context.CancelCauseFunc
}

// preempted ends work whose resource is being deleted.
var preempted = conflict("OperationPreempted", "Operation execution has been preempted by a more recent operation.")

// takeOff claims a resource for some work. The caller holds mu and calls land
// without it when the work has ended.
func (h *Hub) takeOff(id, asked string, op *operation) (context.Context, *flight) {
	ctx, cancel := context.WithCancelCause(h.ctx)
	f := &flight{op: op, asked: asked, done: make(chan struct{}), cancel: cancel}
	h.flights[lower(id)] = f
	return ctx, f
}

func (h *Hub) land(id string, f *flight) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.flights[lower(id)] == f {
		delete(h.flights, lower(id))
	}
	f.cancel(nil)
	close(f.done)
}

// kick preempts what is under way on a resource and what lies below it. The
// caller holds mu; it waits for the answer's channels without it.
func (h *Hub) kick(id string) []<-chan struct{} {
	var out []<-chan struct{}
	for key, f := range h.flights {
		if key == lower(id) || strings.HasPrefix(key, lower(id)+"/") {
			f.cancel(preempted)
			out = append(out, f.done)
		}
	}
	return out
}

// begin starts an operation in the background. The caller holds mu.
func (h *Hub) begin(verb, target, asked string) *operation {
	op := &operation{ID: newGUID(), Verb: verb, Target: target, Begun: time.Now()}
	h.world.Operations[op.ID] = op
	h.start(op, asked)
	h.forgetOldOperations()
	h.world.changed()
	return op
}

// start runs an operation, new or from an earlier life. The caller holds mu.
func (h *Hub) start(op *operation, asked string) {
	var before []<-chan struct{}
	if op.Verb == http.MethodDelete {
		before = h.kick(op.Target)
	}
	ctx, f := h.takeOff(op.Target, asked, op)
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		defer h.land(op.Target, f)
		for _, done := range before {
			<-done
		}
		e := h.work(ctx, op)
		if h.ctx.Err() != nil {
			return // it goes on in the next life
		}
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		op.Ended, op.Error = time.Now(), e
		h.world.changed()
	}()
}

// work is what an operation does.
func (h *Hub) work(ctx context.Context, op *operation) armError {
	seg := strings.Split(strings.Trim(op.Target, "/"), "/")
	if len(seg) == 4 {
		return h.removeGroup(ctx, op, seg[3])
	}
	a, _ := h.addressOf(seg)
	switch op.Verb {
	case http.MethodPut:
		return h.settle(ctx, a, op.Begun, nil)
	case http.MethodDelete:
		return h.remove(ctx, a, op.Begun)
	}
	return h.act(ctx, a, op)
}

// Resume goes on with what an earlier life left under way. It is called once,
// when those whom the Hooks call are ready.
func (h *Hub) Resume() {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, op := range h.world.Operations {
		if op.under() {
			h.start(op, "")
		}
	}
	for _, d := range h.world.Deployments {
		if d.State == stateRunning && d.Parent == "" {
			h.resumeDeployment(d)
		}
	}
}

const rememberedOperations = 500

// forgetOldOperations keeps the memory small. The caller holds mu.
func (h *Hub) forgetOldOperations() {
	if len(h.world.Operations) <= rememberedOperations {
		return
	}
	limit := time.Now().Add(-time.Hour)
	for id, op := range h.world.Operations {
		if !op.under() && op.Ended.Before(limit) {
			delete(h.world.Operations, id)
		}
	}
}

// follow is the answer that lets a client follow an operation.
func (h *Hub) follow(rep reply, op *operation) reply {
	ns := "Microsoft.Resources"
	if _, rest, ok := strings.Cut(op.Target, "/providers/"); ok {
		ns, _, _ = strings.Cut(rest, "/")
	}
	if ns == "Microsoft.Resources" {
		rep.header.Set("Location", h.cfg.base()+h.subID()+"/operationresults/"+op.ID+"?api-version="+resourceVersions[0])
		h.pace(rep)
		return rep
	}
	version := computeVersions[0]
	if n, ok := namespaceOf(ns); ok {
		version = n.versions[0]
	}
	url := fmt.Sprintf("%s%s/providers/%s/locations/%s/operations/%s?api-version=%s", h.cfg.base(), h.subID(), ns, h.cfg.Region, op.ID, version)
	rep.header.Set("Azure-AsyncOperation", url)
	rep.header.Set("Location", url+"&monitor=true")
	h.pace(rep)
	return rep
}

// pace tells clients how soon to ask again: 10 s of a real Hub.
func (h *Hub) pace(rep reply) {
	ms := max(int(10_000/h.cfg.Speed), 50)
	rep.header.Set("Retry-After-Ms", strconv.Itoa(ms))
	rep.header.Set("Retry-After", strconv.Itoa(max((ms+999)/1000, 1)))
}

// poll answers how an operation stands: as a document, or for those who follow
// Location (monitor) as a status code.
func (h *Hub) poll(r *request, id string, monitor bool) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	op := h.world.Operations[id]
	if op == nil {
		return refuse(notFound("OperationNotFound", "The operation '%s' was not found.", id))
	}
	doc := object{"id": r.URL.Path, "name": id, "startTime": op.Begun.UTC().Format(time.RFC3339Nano)}
	switch {
	case op.under() && monitor:
		rep := answer(http.StatusAccepted, nil)
		rep.header.Set("Location", h.cfg.base()+r.URL.RequestURI())
		h.pace(rep)
		return rep
	case op.under():
		doc["status"] = "InProgress"
		rep := answer(http.StatusOK, doc)
		h.pace(rep)
		return rep
	case monitor && op.Error.failed():
		e := op.Error
		e.status = http.StatusConflict
		return refuse(e)
	case monitor && op.Verb == http.MethodPut:
		return answer(http.StatusOK, h.shown(op.Target))
	case monitor && strings.Contains(op.Target, "/providers/"):
		return answer(http.StatusNoContent, nil)
	case monitor:
		return answer(http.StatusOK, nil)
	}
	doc["endTime"], doc["status"] = op.Ended.UTC().Format(time.RFC3339Nano), "Succeeded"
	if op.Error.failed() {
		doc["status"], doc["error"] = "Failed", op.Error
	}
	return answer(http.StatusOK, doc)
}

// misfortune plays a fault on making or deleting a resource. It says what went
// wrong, if anything.
func (h *Hub) misfortune(ctx context.Context, method string, a address) armError {
	effect, lifted, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtOperation, Stamp: h.cfg.Region, Method: method, Type: a.kind, Name: a.name})
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
		return scriptFailed(a.name, effect.ExitCode)
	}
	if effect.Code != "" {
		return conflict(effect.Code, "%s", effect.Message)
	}
	return armError{}
}

// scriptFailed is what ARM says when a CustomScript extension's script ends
// with an exit code.
func scriptFailed(extension string, code int) armError {
	return conflict("VMExtensionProvisioningError",
		"VM has reported a failure when processing extension '%s'. Error message: \"Enable failed: failed to execute command: command terminated with exit status=%d\n[stdout]\n\n[stderr]\n\".", lastPart(extension), code)
}

// ended says why work was broken off.
func ended(ctx context.Context) armError {
	if e, ok := context.Cause(ctx).(armError); ok {
		return e
	}
	return goingDown()
}
