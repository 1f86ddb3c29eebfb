package arm

import (
	"context"
	"net/http"
)

// groupRoute answers /subscriptions/{s}/resourcegroups[/...].
func (h *Hub) groupRoute(w http.ResponseWriter, r request) {
	if len(r.low) == 3 {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		out := []object{}
		for _, g := range h.world.Groups {
			out = append(out, g)
		}
		writeJSON(w, http.StatusOK, object{"value": out})
		return
	}
	r.group = r.seg[3]
	switch {
	case len(r.low) == 4:
		h.oneGroup(w, r)
	case r.low[4] == "deployments" || len(r.low) > 6 && r.low[4] == "providers" && r.low[5] == "microsoft.resources" && r.low[6] == "deployments":
		h.deploymentRoute(w, r)
	case r.low[4] == "resources" && len(r.low) == 5:
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		writeJSON(w, http.StatusOK, object{"value": h.world.below(h.groupID(r.group) + "/providers/")})
	case len(r.low) > 6 && r.low[4] == "providers":
		h.resourceRoute(w, r)
	default:
		writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
	}
}

func (h *Hub) oneGroup(w http.ResponseWriter, r request) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	g := h.world.Groups[lower(r.group)]
	switch r.Method {
	case http.MethodPut:
		status := http.StatusOK
		if g == nil {
			status = http.StatusCreated
		}
		g = object{"id": h.groupID(r.group), "name": r.group, "type": "Microsoft.Resources/resourceGroups", "location": h.cfg.Region, "properties": object{"provisioningState": "Succeeded"}}
		if tags := r.body["tags"]; tags != nil {
			g["tags"] = tags
		}
		h.world.Groups[lower(r.group)] = g
		h.world.changed()
		writeJSON(w, status, g)
	case http.MethodGet, http.MethodHead:
		if g == nil {
			writeError(w, noGroup(r.group))
			return
		}
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeJSON(w, http.StatusOK, g)
	case http.MethodDelete:
		h.deleteGroup(w, r, g)
	default:
		writeError(w, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not supported here.", r.Method))
	}
}

func (h *Hub) deleteGroup(w http.ResponseWriter, r request, g object) {
	if g == nil {
		writeError(w, noGroup(r.group))
		return
	}
	id := h.begin(func(ctx context.Context) armError {
		h.wait(ctx, 120)
		h.forget(ctx, h.groupID(r.group)+"/providers")
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		delete(h.world.Groups, lower(r.group))
		for did, d := range h.world.Deployments {
			if lower(d.Group) == lower(r.group) {
				delete(h.world.Deployments, did)
			}
		}
		h.world.changed()
		return armError{}
	})
	h.announce(w, "Microsoft.Resources", id)
	w.WriteHeader(http.StatusAccepted)
}
