package arm

import (
	"net/http"
	"slices"
	"strings"
)

// putPart makes or changes a part of a resource that ARM also offers as a
// resource of its own: a subnet, a security rule, a route. The caller holds mu.
func (h *Hub) putPart(r *request, a address, part string) reply {
	whole, _ := h.addressOf(strings.Split(strings.Trim(parent(a.id), "/"), "/"))
	res := h.world.get(whole.id)
	switch {
	case h.world.Groups[lower(a.group)] == nil:
		return refuse(noGroup(a.group))
	case res == nil:
		return refuse(notFound("ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource '%s' not found.", whole.name))
	case h.flights[lower(whole.id)] != nil:
		return refuse(busy(whole))
	}
	existed, e := h.changePart(whole, part, lastPart(a.name), r.body)
	if e.failed() {
		return refuse(e)
	}
	status := http.StatusCreated
	if existed {
		status = http.StatusOK
	}
	rep := answer(status, h.shown(a.id))
	return h.follow(rep, h.begin(http.MethodPut, whole.id, ""))
}

// changePart puts a new body of a part, nil to take it away, into the whole
// and checks that. The caller holds mu.
func (h *Hub) changePart(whole address, part, name string, body object) (existed bool, e armError) {
	res := h.world.get(whole.id)
	changed := clone(res)
	items := list(dig(changed, "properties", part))
	i := slices.IndexFunc(items, func(v any) bool { return same(str(dig(v, "name")), name) })
	existed = i >= 0
	switch {
	case body == nil:
		items = slices.Delete(items, i, i+1)
	case existed:
		items[i] = object{"name": name, "properties": dig(body, "properties")}
	default:
		items = append(items, object{"name": name, "properties": dig(body, "properties")})
	}
	props(changed)[part] = items
	k, _ := kindOf(whole.kind)
	if k.check != nil {
		if e := k.check(h, whole, changed, res); e.failed() {
			return existed, e
		}
	}
	if k.fill != nil {
		k.fill(h, whole, changed, res)
	}
	props(changed)["provisioningState"] = stateUpdating
	secret := h.world.secret(whole.id)
	secret.Asked, secret.Same = "", true
	h.world.put(whole.id, changed)
	return existed, armError{}
}

func (h *Hub) deletePart(a address, k kind, part string) reply {
	whole, _ := h.addressOf(strings.Split(strings.Trim(parent(a.id), "/"), "/"))
	if h.shown(a.id) == nil {
		return answer(http.StatusNoContent, nil)
	}
	if h.flights[lower(whole.id)] != nil {
		return refuse(busy(whole))
	}
	if k.name == typeVNet {
		if e := h.subnetFree(a.id); e.failed() {
			return refuse(e)
		}
	}
	if _, e := h.changePart(whole, part, lastPart(a.name), nil); e.failed() {
		return refuse(e)
	}
	return h.follow(answer(http.StatusAccepted, nil), h.begin(http.MethodPut, whole.id, ""))
}
