package arm

import (
	"context"
	"net/http"
	"regexp"
	"sort"
	"strings"
)

var groupName = regexp.MustCompile(`^[-\w._()]{0,89}[-\w_()]$`)

// groupRoute answers /subscriptions/{s}/resourcegroups[/...].
func (h *Hub) groupRoute(r *request) reply {
	n := len(r.low)
	switch {
	case n == 3 && r.Method == http.MethodGet:
		return h.listGroups()
	case n == 4:
		return h.oneGroup(r)
	case n > 4 && r.low[4] == "deployments", n > 6 && r.low[4] == "providers" && r.low[5] == "microsoft.resources" && r.low[6] == "deployments":
		return h.deploymentRoute(r)
	case n == 5 && r.low[4] == "resources":
		return h.resourcesBelow(h.groupID(r.seg[3]) + "/providers/")
	case (n == 7 || n == 8) && r.low[4] == "providers" && r.low[5] == "microsoft.authorization":
		return h.authorizationRoute(r, h.groupID(r.seg[3]), r.seg[6:])
	case n > 6 && r.low[4] == "providers":
		return h.resourceRoute(r)
	}
	return refuse(noPath(r.URL.Path))
}

func (h *Hub) listGroups() reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	var names []string
	for n := range h.world.Groups {
		names = append(names, n)
	}
	sort.Strings(names)
	out := []object{}
	for _, n := range names {
		out = append(out, h.world.Groups[n])
	}
	return answer(http.StatusOK, object{"value": out})
}

func (h *Hub) oneGroup(r *request) reply {
	name := r.seg[3]
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	g := h.world.Groups[lower(name)]
	if g == nil && r.Method != http.MethodPut {
		return refuse(noGroup(name))
	}
	switch r.Method {
	case http.MethodPut:
		return h.putGroup(r, name, g)
	case http.MethodPatch:
		if tags := r.body["tags"]; tags != nil {
			g["tags"] = tags
		}
		h.world.changed()
		return answer(http.StatusOK, g)
	case http.MethodGet:
		return answer(http.StatusOK, g)
	case http.MethodHead:
		return answer(http.StatusNoContent, nil)
	case http.MethodDelete:
		return h.deleteGroup(name, g)
	}
	return refuse(notAllowed(r.Method, "Microsoft.Resources/resourceGroups"))
}

func (h *Hub) putGroup(r *request, name string, old object) reply {
	location := str(r.body["location"])
	switch {
	case !groupName.MatchString(name):
		return refuse(bad("InvalidResourceGroup", "The provided resource group name '%s' has invalid characters or ends with a period. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.", name))
	case location == "":
		return refuse(bad("LocationRequired", "The location property is required for this definition."))
	case !same(strings.ReplaceAll(location, " ", ""), h.cfg.Region):
		return refuse(bad("LocationNotAvailableForResourceGroup", "The provided location '%s' is not available for resource group. List of available regions is '%s'.", location, h.cfg.Region))
	case str(dig(old, "properties", "provisioningState")) == stateDeleting:
		return refuse(conflict("ResourceGroupBeingDeleted", "The resource group '%s' is in deprovisioning state and cannot perform this operation.", name))
	}
	status := http.StatusOK
	if old == nil {
		status = http.StatusCreated
	} else {
		name = str(old["name"])
	}
	g := object{"id": h.groupID(name), "name": name, "type": "Microsoft.Resources/resourceGroups", "location": h.cfg.Region, "properties": object{"provisioningState": stateSucceeded}}
	if tags := r.body["tags"]; tags != nil {
		g["tags"] = tags
	}
	h.world.Groups[lower(name)] = g
	h.world.changed()
	return answer(status, g)
}

func (h *Hub) deleteGroup(name string, g object) reply {
	if f := h.flights[lower(h.groupID(name))]; f != nil {
		return h.follow(answer(http.StatusAccepted, nil), f.op)
	}
	props(g)["provisioningState"] = stateDeleting
	return h.follow(answer(http.StatusAccepted, nil), h.begin(http.MethodDelete, h.groupID(name), ""))
}

// groupSeconds is what a real Hub needs to delete a group, however small.
const groupSeconds = 60

// removeGroup deletes a group and all that is in it. What is under way in it
// was broken off before.
func (h *Hub) removeGroup(ctx context.Context, op *operation, name string) armError {
	prefix := h.groupID(name)
	h.world.mu.Lock()
	gone := h.machinesBelow(prefix)
	h.world.mu.Unlock()
	h.going(ctx, gone)
	seconds := float64(groupSeconds)
	if len(gone) > 0 {
		seconds += 120
	}
	if !h.waitUntil(ctx, op.Begun, seconds) {
		return ended(ctx)
	}
	h.world.mu.Lock()
	for _, res := range h.world.below(prefix + "/") {
		h.world.drop(str(res["id"]))
	}
	delete(h.world.Groups, lower(name))
	for id := range h.world.Deployments {
		if strings.HasPrefix(id, lower(prefix)+"/") {
			delete(h.world.Deployments, id)
		}
	}
	for key := range h.world.Clusters {
		if strings.HasPrefix(key, lower(name)+"/") {
			delete(h.world.Clusters, key)
		}
	}
	h.world.changed()
	h.world.mu.Unlock()
	h.gone(ctx, gone)
	return armError{}
}
