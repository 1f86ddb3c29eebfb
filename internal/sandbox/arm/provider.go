package arm

import (
	"net/http"
	"time"
)

// providerRoute answers /subscriptions/{s}/providers/...
func (h *Hub) providerRoute(r *request) reply {
	switch {
	case r.is("subscriptions", "*", "providers"):
		out := []object{}
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		for _, n := range namespaces() {
			out = append(out, h.provider(n))
		}
		return answer(http.StatusOK, object{"value": out})
	case len(r.low) == 4:
		return h.oneProvider(r, "")
	case r.is("subscriptions", "*", "providers", "*", "register"), r.is("subscriptions", "*", "providers", "*", "unregister"):
		return h.oneProvider(r, r.low[4])
	case r.low[3] == "microsoft.authorization" && len(r.low) <= 6:
		return h.authorizationRoute(r, h.subID(), r.seg[4:])
	case r.is("subscriptions", "*", "providers", "microsoft.storage", "checknameavailability"):
		return h.accountName(r)
	case len(r.low) > 6 && r.low[4] == "locations":
		return h.locationRoute(r)
	case len(r.low) == 5 && r.Method == http.MethodGet:
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		return answer(http.StatusOK, object{"value": h.listed("", r.seg[3]+"/"+r.seg[4])})
	}
	return refuse(noPath(r.URL.Path))
}

// SetRegistered changes whether the subscription may use a provider.
func (h *Hub) SetRegistered(namespace string, registered bool) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.register(namespace, registered)
}

func (h *Hub) register(namespace string, registered bool) {
	h.world.Registered[lower(namespace)] = registered
	h.world.changed()
}

// registering is how long a registration takes.
const registering = 20

func (h *Hub) oneProvider(r *request, action string) reply {
	n, ok := namespaceOf(r.seg[3])
	want := http.MethodGet
	if action != "" {
		want = http.MethodPost
	}
	switch {
	case !ok:
		return refuse(notFound("InvalidResourceNamespace", "The resource namespace '%s' is invalid.", r.seg[3]))
	case r.Method != want:
		return refuse(notAllowed(r.Method, n.name))
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	doc := h.provider(n)
	switch {
	case action == "register" && doc["registrationState"] != "Registered":
		doc["registrationState"] = "Registering"
		h.wg.Add(1)
		begun := time.Now()
		go func() {
			defer h.wg.Done()
			if h.waitUntil(h.ctx, begun, registering) {
				h.SetRegistered(n.name, true)
			}
		}()
	case action == "unregister":
		h.register(n.name, false)
		doc["registrationState"] = "Unregistering"
	}
	return answer(http.StatusOK, doc)
}

// locationRoute answers .../providers/{ns}/locations/{l}/...
func (h *Hub) locationRoute(r *request) reply {
	if !same(r.seg[5], h.cfg.Region) {
		return refuse(bad("LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s'. List of available regions for the resource type is '%s'.", r.seg[5], r.kind(), h.cfg.Region))
	}
	if r.Method != http.MethodGet {
		return refuse(notAllowed(r.Method, r.kind()))
	}
	rest := r.seg[6:]
	switch r.low[6] {
	case "operations":
		if len(rest) == 2 {
			return h.poll(r, rest[1], r.URL.Query().Get("monitor") == "true")
		}
	case "vmsizes":
		return answer(http.StatusOK, object{"value": sizeList()})
	case "usages":
		n, _ := namespaceOf(r.seg[3])
		return h.usages(n.name)
	case "checkdnsnameavailability":
		return h.checkName(r)
	case "publishers":
		return h.marketplace(rest[1:])
	}
	return refuse(noPath(r.URL.Path))
}
