package arm

import (
	"net/http"
	"strings"
)

// Provisioning states.
const (
	stateRunning   = "Running"
	stateSucceeded = "Succeeded"
	stateFailed    = "Failed"
	stateCanceled  = "Canceled"
	stateCreating  = "Creating"
	stateUpdating  = "Updating"
	stateDeleting  = "Deleting"
)

// address is a resource's place: the path below a group's providers/.
type address struct {
	id, kind, name, group, namespace string
}

// addressOf reads /subscriptions/s/resourceGroups/g/providers/NS/type/name/...
// A path with an odd number of parts behind the namespace is a collection or
// an action: ok is false.
func (h *Hub) addressOf(seg []string) (a address, ok bool) {
	if len(seg) < 8 || len(seg)%2 != 0 {
		return address{}, false
	}
	a = address{group: seg[3], namespace: seg[5], kind: seg[5]}
	if n, known := namespaceOf(a.namespace); known {
		a.namespace, a.kind = n.name, n.name
	}
	var names []string
	for i := 6; i < len(seg); i += 2 {
		a.kind += "/" + seg[i]
		names = append(names, seg[i+1])
	}
	if k, known := kindOf(a.kind); known {
		a.kind = k.name
	}
	a.name = strings.Join(names, "/")
	a.id = h.groupID(a.group) + "/providers/" + a.namespace
	types := strings.Split(a.kind, "/")[1:]
	for i, t := range types {
		a.id += "/" + t + "/" + names[i]
	}
	return a, true
}

func (h *Hub) resourceRoute(r *request) reply {
	a, ok := h.addressOf(r.seg)
	switch {
	case !ok && r.Method == http.MethodGet:
		return h.collection(r)
	case !ok && r.Method == http.MethodPost:
		return h.postAction(r)
	case !ok:
		return refuse(notAllowed(r.Method, r.kind()))
	}
	switch r.Method {
	case http.MethodGet:
		return h.get(r, a)
	case http.MethodPut:
		return h.putResource(r, a)
	case http.MethodPatch:
		return h.patch(r, a)
	case http.MethodDelete:
		return h.delete(a)
	}
	return refuse(notAllowed(r.Method, a.kind))
}

// collection lists resources of a type in a group, children of a resource, or
// a VM's instance view.
func (h *Hub) collection(r *request) reply {
	last := r.seg[len(r.seg)-1]
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[r.low[3]] == nil {
		return refuse(noGroup(r.seg[3]))
	}
	if len(r.seg) == 7 {
		return answer(http.StatusOK, object{"value": h.listed(h.groupID(r.seg[3])+"/providers/", r.seg[5]+"/"+last)})
	}
	a, _ := h.addressOf(r.seg[:len(r.seg)-1])
	res := h.world.get(a.id)
	if res == nil {
		return refuse(noResource(a))
	}
	if a.kind == typeVM && lower(last) == "instanceview" {
		return answer(http.StatusOK, h.instanceView(res))
	}
	if a.kind == typeVNet && lower(last) == "checkipaddressavailability" {
		return h.checkIP(res, r.URL.Query().Get("ipAddress"))
	}
	out := []any{}
	for _, c := range h.listed(a.id+"/"+last+"/", a.kind+"/"+last) {
		out = append(out, c)
	}
	out = append(out, list(dig(h.shown(a.id), "properties", last))...)
	return answer(http.StatusOK, object{"value": out})
}

// listed shows the resources of a type below a prefix. The caller holds mu.
func (h *Hub) listed(prefix, kind string) []object {
	out := []object{}
	for _, res := range h.world.below(prefix) {
		if same(str(res["type"]), kind) {
			out = append(out, h.shown(str(res["id"])))
		}
	}
	return out
}

func (h *Hub) resourcesBelow(prefix string) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	out := []object{}
	for _, res := range h.world.below(prefix) {
		short := object{"id": res["id"], "name": res["name"], "type": res["type"], "location": res["location"]}
		if res["tags"] != nil {
			short["tags"] = res["tags"]
		}
		out = append(out, short)
	}
	return answer(http.StatusOK, object{"value": out})
}

// shown is a copy of a resource, or of a part of one, with all that follows
// from other resources; nil when there is none. The caller holds mu.
func (h *Hub) shown(id string) object {
	if res := h.world.get(id); res != nil {
		out := clone(res)
		if k, ok := kindOf(str(res["type"])); ok && k.show != nil {
			k.show(h, out)
		}
		return out
	}
	whole := parent(id)
	if h.world.get(whole) == nil {
		return nil
	}
	rest := strings.Split(id[len(whole)+1:], "/")
	for _, p := range list(dig(h.shown(whole), "properties", rest[0])) {
		if same(str(dig(p, "name")), rest[1]) {
			return obj(p)
		}
	}
	return nil
}

func (h *Hub) get(r *request, a address) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[lower(a.group)] == nil {
		return refuse(noGroup(a.group))
	}
	res := h.shown(a.id)
	if res == nil {
		return refuse(noResource(a))
	}
	expand := r.URL.Query().Get("$expand")
	switch {
	case a.kind == typeVM && same(expand, "instanceView"):
		props(res)["instanceView"] = h.instanceView(res)
	case a.kind == typeExtension && same(expand, "instanceView"):
		props(res)["instanceView"] = extensionView(res)
	}
	return answer(http.StatusOK, res)
}

// putResource makes or changes one resource: refused at once, or made in the
// background.
func (h *Hub) putResource(r *request, a address) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if _, part, ok := partOf(a.kind); ok {
		return h.putPart(r, a, part)
	}
	k, ok := kindOf(a.kind)
	if !ok {
		return refuse(bad("ResourceTypeNotSupported", "The Hub does not make resources of the type '%s'.", a.kind))
	}
	asked := digest(r.body)
	if f := h.flights[lower(a.id)]; f != nil {
		if f.op != nil && f.op.Verb == http.MethodPut && f.asked == asked {
			return h.follow(answer(http.StatusOK, h.shown(a.id)), f.op)
		}
		return refuse(busy(a))
	}
	existed := h.world.get(a.id) != nil
	if e := h.place(a, r.body); e.failed() {
		return refuse(e)
	}
	status := http.StatusCreated
	if existed || a.kind == typeSet {
		status = http.StatusOK
	}
	if k.instant {
		h.setState(a.id, stateSucceeded)
		return answer(status, h.shown(a.id))
	}
	rep := answer(status, h.shown(a.id))
	return h.follow(rep, h.begin(http.MethodPut, a.id, asked))
}

func busy(a address) armError {
	if same(a.namespace, "Microsoft.Network") {
		return conflict("AnotherOperationInProgress", "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: %s", a.id)
	}
	return conflict("Conflict", "The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.")
}

// place checks a resource and puts it into the store as Creating or Updating.
// The caller holds mu and sees that the resource is not in flight.
func (h *Hub) place(a address, body object) armError {
	k, ok := kindOf(a.kind)
	if !ok {
		return bad("ResourceTypeNotSupported", "The Hub does not make resources of the type '%s'.", a.kind)
	}
	old := h.world.get(a.id)
	if e := h.acceptable(a, body, old); e.failed() {
		return e
	}
	body = clone(body)
	if k.check != nil {
		if e := k.check(h, a, body, old); e.failed() {
			return e
		}
	}
	asked := digest(body)
	secret := h.world.secret(a.id)
	secret.Same = old != nil && secret.Asked == asked && str(dig(old, "properties", "provisioningState")) == stateSucceeded
	secret.Asked = asked
	if secret.Same {
		props(old)["provisioningState"] = stateUpdating
		h.world.changed()
		return armError{}
	}
	res := body
	for _, key := range []string{"dependsOn", "apiVersion", "copy", "condition", "comments", "etag"} {
		delete(res, key)
	}
	res["id"], res["name"], res["type"] = a.id, lastPart(a.name), a.kind
	if str(res["location"]) == "" {
		res["location"] = h.cfg.Region
	}
	p := props(res)
	for _, key := range []string{"provisioningState", "instanceView"} {
		delete(p, key)
	}
	if k.fill != nil {
		k.fill(h, a, res, old)
	}
	p["provisioningState"] = stateCreating
	if old != nil {
		p["provisioningState"] = stateUpdating
	}
	h.world.put(a.id, res)
	return armError{}
}

// acceptable are the checks that ARM itself makes before it asks a provider.
// The caller holds mu.
func (h *Hub) acceptable(a address, body, old object) armError {
	group := h.world.Groups[lower(a.group)]
	if group == nil {
		return noGroup(a.group)
	}
	if str(dig(group, "properties", "provisioningState")) == stateDeleting {
		return conflict("ResourceGroupBeingDeleted", "The resource group '%s' is in deprovisioning state and cannot perform this operation.", a.group)
	}
	if done, known := h.world.Registered[lower(a.namespace)]; known && !done {
		return conflict("MissingSubscriptionRegistration", "The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", a.namespace)
	}
	location := str(dig(body, "location"))
	if location == "" && a.kind != typeExtension {
		return bad("LocationRequired", "The location property is required for this definition.")
	}
	if location != "" && !same(strings.ReplaceAll(location, " ", ""), h.cfg.Region) {
		return bad("LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s'. List of available regions for the resource type is '%s'.", location, a.kind, h.cfg.Region)
	}
	if old != nil {
		return armError{}
	}
	want := map[string]int64{}
	h.wants(want, a.id, a.kind, body)
	e, _ := h.exceeds(want)
	return e
}

func (h *Hub) setState(id, state string) {
	if res := h.world.get(id); res != nil {
		props(res)["provisioningState"] = state
		h.world.changed()
	}
}

// patch replaces tags; nothing else of a resource can be changed that way.
func (h *Hub) patch(r *request, a address) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	res := h.world.get(a.id)
	switch {
	case h.world.Groups[lower(a.group)] == nil:
		return refuse(noGroup(a.group))
	case res == nil:
		return refuse(noResource(a))
	case h.flights[lower(a.id)] != nil:
		return refuse(busy(a))
	case len(r.body) > 1 || r.body["tags"] == nil:
		return refuse(conflict("OperationNotAllowed", "Only the tags of '%s' can be changed with PATCH.", a.name))
	}
	res["tags"] = r.body["tags"]
	h.world.changed()
	return answer(http.StatusOK, h.shown(a.id))
}

func (h *Hub) delete(a address) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[lower(a.group)] == nil {
		return refuse(noGroup(a.group))
	}
	if whole, part, ok := partOf(a.kind); ok {
		return h.deletePart(a, whole, part)
	}
	res := h.world.get(a.id)
	if res == nil {
		return answer(http.StatusNoContent, nil)
	}
	if f := h.flights[lower(a.id)]; f != nil && f.op != nil && f.op.Verb == http.MethodDelete {
		return h.follow(answer(http.StatusAccepted, nil), f.op)
	}
	k, _ := kindOf(a.kind)
	if k.keep != nil {
		if e := k.keep(h, a, res); e.failed() {
			return refuse(e)
		}
	}
	if k.instant {
		h.world.drop(a.id)
		return answer(http.StatusOK, nil)
	}
	op := h.begin(http.MethodDelete, a.id, "")
	h.setState(a.id, stateDeleting)
	return h.follow(answer(http.StatusAccepted, nil), op)
}
