package arm

import (
	"net/http"
	"strings"

	"hubwright/internal/sandbox/faults"
)

var namespaces = []string{"Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage", "Microsoft.Resources", "Microsoft.Authorization", "Microsoft.KeyVault"}

// providerRoute answers /subscriptions/{s}/providers/...
func (h *Hub) providerRoute(w http.ResponseWriter, r request) {
	switch {
	case r.is("subscriptions", "*", "providers"):
		var out []object
		for _, n := range namespaces {
			out = append(out, h.provider(n))
		}
		writeJSON(w, http.StatusOK, object{"value": out})
	case len(r.low) == 4 || r.is("subscriptions", "*", "providers", "*", "register"):
		h.oneProvider(w, r)
	case r.is("subscriptions", "*", "providers", "microsoft.authorization", "permissions"):
		writeJSON(w, http.StatusOK, object{"value": []object{{"actions": []string{"*"}, "notActions": []string{
			"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}}}})
	case len(r.low) > 6 && r.low[4] == "locations":
		h.locationRoute(w, r)
	case len(r.low) == 5:
		h.listAll(w, r.seg[3]+"/"+r.seg[4])
	default:
		writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
	}
}

func (h *Hub) provider(namespace string) object {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	state := "Registered"
	if done, known := h.world.Registered[strings.ToLower(namespace)]; known && !done {
		state = "NotRegistered"
	}
	return object{"id": h.subID() + "/providers/" + namespace, "namespace": namespace, "registrationState": state, "resourceTypes": []any{}}
}

// SetRegistered changes whether the subscription may use a provider.
func (h *Hub) SetRegistered(namespace string, registered bool) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.Registered[strings.ToLower(namespace)] = registered
	h.world.changed()
}

func (h *Hub) oneProvider(w http.ResponseWriter, r request) {
	for _, n := range namespaces {
		if strings.EqualFold(n, r.seg[3]) {
			if len(r.low) == 5 {
				h.SetRegistered(n, true)
			}
			writeJSON(w, http.StatusOK, h.provider(n))
			return
		}
	}
	writeError(w, fail(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", r.seg[3]))
}

func (h *Hub) listAll(w http.ResponseWriter, kind string) {
	h.world.mu.Lock()
	out := h.world.ofType(kind)
	h.world.mu.Unlock()
	if out == nil {
		out = []object{}
	}
	writeJSON(w, http.StatusOK, object{"value": out})
}

// locationRoute answers .../providers/{ns}/locations/{l}/...
func (h *Hub) locationRoute(w http.ResponseWriter, r request) {
	rest := r.seg[6:]
	switch r.low[6] {
	case "operations":
		if len(rest) == 2 {
			h.poll(w, r, rest[1])
			return
		}
	case "vmsizes":
		writeJSON(w, http.StatusOK, object{"value": sizeList()})
		return
	case "usages":
		h.usages(w, r.low[3])
		return
	case "checkdnsnameavailability":
		h.world.mu.Lock()
		_, taken := h.labelOwner(r.URL.Query().Get("domainNameLabel"))
		h.world.mu.Unlock()
		writeJSON(w, http.StatusOK, object{"available": !taken})
		return
	case "publishers":
		h.marketplace(w, rest[1:])
		return
	}
	writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
}

// items is the marketplace: paths below publishers/.
var items = []string{
	"Canonical/artifacttypes/vmimage/offers/0001-com-ubuntu-server-jammy/skus/22_04-lts/versions/22.04.202605120",
	"microsoft-aks/artifacttypes/vmimage/offers/aks/skus/aks-engine-azurestack-ubuntu-2204/versions/2025.337.1",
	"microsoft-aks/artifacttypes/vmimage/offers/aks/skus/aks-engine-azurestack-ubuntu-2204/versions/2026.139.1",
	"Microsoft.Azure.Extensions/artifacttypes/vmextension/types/CustomScript/versions/2.0.6",
}

// missing says whether a fault took the item out of the marketplace.
func (h *Hub) missing(path string) bool {
	p := strings.Split(path, "/")
	name := p[0]
	for i := 4; i < len(p); i += 2 {
		name += ":" + p[i]
	}
	effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtArtifact, Stamp: h.cfg.Region, Name: name})
	return hit && effect.Missing
}

// marketplace lists what follows a path of the marketplace, as a bare array,
// or answers one version.
func (h *Hub) marketplace(w http.ResponseWriter, path []string) {
	prefix := strings.Join(path, "/")
	if len(path) > 0 {
		prefix += "/"
	}
	var names []string
	whole := ""
	for _, item := range items {
		if h.missing(item) {
			continue
		}
		if strings.EqualFold(item, strings.TrimSuffix(prefix, "/")) {
			whole = item
		}
		if len(item) > len(prefix) && strings.EqualFold(item[:len(prefix)], prefix) {
			next, _, _ := strings.Cut(item[len(prefix):], "/")
			if len(names) == 0 || names[len(names)-1] != next {
				names = append(names, next)
			}
		}
	}
	id := h.subID() + "/Providers/Microsoft.Compute/Locations/" + h.cfg.Region + "/Publishers/" + strings.TrimSuffix(prefix, "/")
	switch {
	case whole != "":
		writeJSON(w, http.StatusOK, object{"id": id, "name": path[len(path)-1], "location": h.cfg.Region, "properties": object{"osDiskImage": object{"operatingSystem": "Linux"}, "dataDiskImages": []any{}}})
	case len(names) > 0:
		out := []object{}
		for _, n := range names {
			out = append(out, object{"id": id + "/" + n, "name": n, "location": h.cfg.Region})
		}
		writeJSON(w, http.StatusOK, out)
	default:
		what := "VMImage"
		if strings.Contains(strings.ToLower(prefix), "/vmextension/") {
			what = "VMExtension"
		}
		writeError(w, fail(http.StatusNotFound, "NotFound", "Artifact: %s was not found.", what))
	}
}
