package arm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/arm/template"
)

func (h *Hub) validate(r *request, name string) reply {
	ev, resources, e := h.plan(r.seg[3], name, obj(r.body["properties"]))
	if e.failed() {
		return refuse(e)
	}
	d := h.newDeployment(r, name, ev, resources)
	d.State = stateSucceeded
	return answer(http.StatusOK, d.document())
}

// deploy evaluates a template and makes its resources in the background.
func (h *Hub) deploy(r *request, name string) reply {
	source := obj(r.body["properties"])
	ev, resources, e := h.plan(r.seg[3], name, source)
	if e.failed() {
		return refuse(e)
	}
	d := h.newDeployment(r, name, ev, resources)
	d.Source = source
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	status := http.StatusCreated
	if old := h.world.Deployments[lower(d.ID)]; old != nil {
		if old.State == stateRunning {
			return refuse(conflict("DeploymentActive", "Unable to edit or replace deployment '%s': previous deployment from '%s' is still active. Please see https://aka.ms/arm-deploy for usage details.", name, stamp(old.Begun)))
		}
		status = http.StatusOK
	}
	h.world.Deployments[lower(d.ID)] = d
	h.world.changed()
	doc := d.document()
	props(doc)["provisioningState"] = "Accepted"
	rep := answer(status, doc)
	rep.header.Set("Azure-AsyncOperation", h.cfg.base()+d.ID+"/operationStatuses/"+d.Token+"?api-version="+resourceVersions[0])
	h.pace(rep)
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		h.carryOut(d, ev, resources)
	}()
	return rep
}

func (h *Hub) newDeployment(r *request, name string, ev *template.Evaluation, resources []*template.Resource) *deployment {
	now := time.Now()
	d := &deployment{ID: h.deploymentID(r.seg[3], name), Name: name, Group: r.seg[3], Mode: "Incremental", State: stateRunning, Begun: now,
		Parameters: ev.Parameters(), Token: strconv.FormatInt(now.UnixNano(), 10), Correlation: newGUID()}
	d.steps(resources)
	return d
}

// steps lists what is to be made; what an earlier life has done is kept.
func (d *deployment) steps(resources []*template.Resource) {
	before := map[string]*step{}
	for _, s := range d.Steps {
		before[lower(s.TargetID)] = s
	}
	d.Steps = nil
	for _, res := range resources {
		s := before[lower(res.ID)]
		if s == nil {
			s = &step{ID: strings.ToUpper(digest(d.ID + d.Token + res.ID)[:16]), Kind: res.Type, Name: res.Name, TargetID: res.ID, Needs: res.Needs}
		}
		d.Steps = append(d.Steps, s)
	}
}

// resumeDeployment goes on with a deployment of an earlier life. The caller
// holds mu.
func (h *Hub) resumeDeployment(d *deployment) {
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		ev, resources, e := h.plan(d.Group, d.Name, d.Source)
		if ev == nil {
			h.world.mu.Lock()
			defer h.world.mu.Unlock()
			d.State, d.Error, d.Ended, d.Source = stateFailed, e, time.Now(), nil
			h.world.changed()
			return
		}
		h.world.mu.Lock()
		d.steps(resources)
		h.world.mu.Unlock()
		h.carryOut(d, ev, resources)
	}()
}

// preflight is ARM's own look at a template before anything is made: types,
// api-versions, registrations, quotas.
func (h *Hub) preflight(name string, resources []*template.Resource) armError {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	want := map[string]int64{}
	for _, res := range resources {
		ns, kind, _ := strings.Cut(res.Type, "/")
		n, ok := namespaceOf(ns)
		versions, known := n.versionsOf(kind)
		switch {
		case !ok:
			return notFound("InvalidResourceNamespace", "The resource namespace '%s' is invalid.", ns)
		case !known || !slices.Contains(versions, res.APIVersion):
			return bad("NoRegisteredProviderFound", "No registered resource provider found for location '%s' and API version '%s' for type '%s'. The supported api-versions are '%s'. The supported locations are '%s'.",
				h.cfg.Region, res.APIVersion, kind, joined(versions), h.cfg.Region)
		}
		if done, set := h.world.Registered[lower(ns)]; set && !done {
			return conflict("MissingSubscriptionRegistration", "The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", n.name)
		}
		body, err := res.Body(nil)
		switch {
		case errors.Is(err, template.ErrRuntime):
		case err != nil:
			return invalidTemplate(err)
		default:
			h.wants(want, res.ID, res.Type, body)
		}
	}
	e, over := h.exceeds(want)
	if !over {
		return armError{}
	}
	out := bad("InvalidTemplateDeployment", "The template deployment '%s' is not valid according to the validation procedure. The tracking id is '%s'. See inner errors for details.", name, newGUID())
	e.Code = "QuotaExceeded"
	out.Details = []armError{e}
	return out
}

// carryOut makes all resources, each as soon as those that it needs are there,
// and ends the deployment.
func (h *Hub) carryOut(d *deployment, ev *template.Evaluation, resources []*template.Resource) {
	facts := sync.OnceValue(func() *ClusterFacts { return h.clusterFacts(d.Group, ev) })
	done := make([]chan struct{}, len(resources))
	ok := make([]bool, len(resources))
	for i := range done {
		done[i] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for i, res := range resources {
		wg.Go(func() {
			defer close(done[i])
			for _, n := range res.Needs {
				<-done[n]
				if !ok[n] {
					return
				}
			}
			ok[i] = h.makeOne(d, d.Steps[i], res, facts)
		})
	}
	wg.Wait()
	if h.ctx.Err() == nil {
		h.conclude(d, ev)
	}
}

// makeOne makes one resource of a deployment. It says whether those that need
// it may be made.
func (h *Hub) makeOne(d *deployment, s *step, res *template.Resource, facts func() *ClusterFacts) bool {
	if !h.open(d, s) {
		return s.State == stateSucceeded
	}
	if res.IsDeployment() {
		return h.nested(d, s, res)
	}
	body, err := res.Body(h.reference)
	if err != nil {
		return h.close(s, bad("InvalidTemplate", "%v", err), true)
	}
	a, valid := h.addressOf(strings.Split(strings.Trim(res.ID, "/"), "/"))
	if !valid {
		return h.close(s, bad("InvalidTemplate", "The resource '%s' has no valid place.", res.Name), true)
	}
	ctx, f, e := h.claim(s, &a, body)
	if e.failed() {
		return h.close(s, e, true)
	}
	if f == nil {
		return false // the Hub is going down
	}
	defer h.land(a.id, f)
	var cluster *ClusterFacts
	if a.kind == typeExtension {
		cluster = facts()
	}
	e = h.settle(ctx, a, s.Begun, cluster)
	if h.ctx.Err() != nil {
		return false
	}
	return h.close(s, e, false)
}

// claim waits until nobody else works on a resource and places it. For a part
// of a resource, a becomes the address of the whole.
func (h *Hub) claim(s *step, a *address, body object) (context.Context, *flight, armError) {
	asked, target := *a, *a
	_, part, isPart := partOf(a.kind)
	if isPart {
		target, _ = h.addressOf(strings.Split(strings.Trim(parent(a.id), "/"), "/"))
	}
	if !h.lockFree(target.id) {
		return nil, nil, armError{}
	}
	defer h.world.mu.Unlock()
	*a = target
	s.New = s.New || h.shown(asked.id) == nil
	var e armError
	switch {
	case !isPart:
		e = h.place(target, body)
	case h.world.get(target.id) == nil:
		e = notFound("ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource '%s' not found.", target.name)
	default:
		_, e = h.changePart(target, part, lastPart(asked.name), body)
	}
	if e.failed() {
		return nil, nil, e
	}
	ctx, f := h.takeOff(target.id, "", nil)
	return ctx, f, e
}

// lockFree locks mu at a moment when nobody works on a resource. It answers
// false, without the lock, when the Hub goes down.
func (h *Hub) lockFree(id string) bool {
	for {
		h.world.mu.Lock()
		other := h.flights[lower(id)]
		if other == nil {
			return true
		}
		h.world.mu.Unlock()
		select {
		case <-other.done:
		case <-h.ctx.Done():
			return false
		}
	}
}

// open begins a step, unless it ended in an earlier life or the deployment was
// cancelled.
func (h *Hub) open(d *deployment, s *step) bool {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if s.State == stateSucceeded || s.State == stateFailed || d.State != stateRunning || h.ctx.Err() != nil {
		return false
	}
	if s.State == "" {
		s.State, s.Begun = stateRunning, time.Now()
		h.world.changed()
	}
	return true
}

// close ends a step and says whether it succeeded.
func (h *Hub) close(s *step, e armError, rejected bool) bool {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	s.State, s.Error, s.Rejected, s.Ended = stateSucceeded, e, rejected, time.Now()
	if e.failed() {
		s.State = stateFailed
	}
	h.world.changed()
	return !e.failed()
}

// nested carries a deployment out that is a resource of another one.
func (h *Hub) nested(d *deployment, s *step, res *template.Resource) bool {
	ev, err := res.Nested(h.reference)
	var resources []*template.Resource
	if err == nil {
		resources, err = ev.Resources()
	}
	if err != nil {
		return h.close(s, invalidTemplate(err), true)
	}
	h.world.mu.Lock()
	id := h.deploymentID(d.Group, res.Name)
	inner := h.world.Deployments[lower(id)]
	if inner == nil || inner.State != stateRunning {
		inner = &deployment{ID: id, Name: res.Name, Group: d.Group, Parent: d.ID, Mode: "Incremental", State: stateRunning, Begun: time.Now(),
			Parameters: object{}, Token: strconv.FormatInt(time.Now().UnixNano(), 10), Correlation: d.Correlation}
		h.world.Deployments[lower(id)] = inner
		s.New = true
	}
	inner.steps(resources)
	h.world.changed()
	h.world.mu.Unlock()
	h.carryOut(inner, ev, resources)
	if !h.waitUntil(h.ctx, s.Begun, quick) {
		return false
	}
	h.world.mu.Lock()
	e := inner.Error
	h.world.mu.Unlock()
	return h.close(s, e, false)
}

// reference answers reference() in templates. It is called without mu.
func (h *Hub) reference(id, _ string, full bool) (any, error) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	res := h.shown(id)
	if res == nil {
		return nil, notFound("ResourceNotFound", "The Resource '%s' was not found.", id)
	}
	if full {
		return res, nil
	}
	return obj(res["properties"]), nil
}

// conclude ends a deployment.
func (h *Hub) conclude(d *deployment, ev *template.Evaluation) {
	h.world.mu.Lock()
	var inner []armError
	for _, s := range d.Steps {
		if s.State == stateFailed {
			text, _ := json.MarshalIndent(s.complaint(), "", "  ")
			code := "Conflict"
			if s.Rejected {
				code = statusName(s.Error)
			}
			inner = append(inner, armError{Code: code, Message: string(text)})
		}
	}
	cancelled := d.State == stateCanceled
	h.world.mu.Unlock()
	var outputs object
	var err error
	if inner == nil && !cancelled {
		outputs, err = ev.Outputs(h.reference)
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	d.Ended, d.Source = time.Now(), nil
	switch {
	case cancelled:
		d.Error = armError{Code: "DeploymentCanceled", Message: "The deployment '" + d.Name + "' was canceled."}
	case err != nil:
		d.State, d.Error = stateFailed, armError{Code: "DeploymentOutputEvaluationFailed", Message: "Unable to evaluate template outputs. Please see error details and deployment operations. " + err.Error()}
	case inner != nil:
		d.State = stateFailed
		d.Error = armError{Code: "DeploymentFailed", Message: "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-debug for usage details.", Details: inner}
	default:
		d.State = stateSucceeded
		if len(outputs) > 0 {
			d.Outputs = outputs
		}
	}
	h.world.changed()
}
