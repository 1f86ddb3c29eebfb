package arm

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Resource types that need care.
const (
	typeVM        = "Microsoft.Compute/virtualMachines"
	typeExtension = "Microsoft.Compute/virtualMachines/extensions"
	typeDisk      = "Microsoft.Compute/disks"
	typeNIC       = "Microsoft.Network/networkInterfaces"
	typePublicIP  = "Microsoft.Network/publicIPAddresses"
)

// seconds is how long a real Hub takes to make a resource.
var seconds = map[string]float64{
	lower(typeVM): 200, lower(typeExtension): 320, lower(typeNIC): 15, lower(typePublicIP): 12,
	"microsoft.network/virtualnetworks": 15, "microsoft.network/networksecuritygroups": 12, "microsoft.network/loadbalancers": 20,
	"microsoft.network/routetables": 10, "microsoft.compute/availabilitysets": 6,
}

func lower(s string) string { return strings.ToLower(s) }

func duration(kind string) float64 {
	if s, ok := seconds[lower(kind)]; ok {
		return s
	}
	return 10
}

// address is a resource's place: the path below a group's providers/.
type address struct {
	id, kind, name, group, namespace string
}

// addressOf reads /subscriptions/s/resourceGroups/g/providers/NS/type/name/...
// A path with an odd number of parts behind the namespace is a collection or
// an action: ok is false.
func (h *Hub) addressOf(seg []string) (address, bool) {
	a := address{group: seg[3], namespace: seg[5]}
	rest := seg[6:]
	if len(rest)%2 != 0 || len(rest) == 0 {
		return a, false
	}
	a.kind = a.namespace
	var names []string
	for i := 0; i < len(rest); i += 2 {
		a.kind += "/" + rest[i]
		names = append(names, rest[i+1])
	}
	a.name = strings.Join(names, "/")
	a.id = h.groupID(a.group) + "/providers/" + a.namespace + "/" + strings.Join(rest, "/")
	return a, true
}

func (h *Hub) resourceRoute(w http.ResponseWriter, r request) {
	a, ok := h.addressOf(r.seg)
	switch {
	case !ok && r.Method == http.MethodGet:
		h.listInGroup(w, r)
	case !ok:
		h.action(w, r)
	case r.Method == http.MethodGet:
		h.get(w, r, a)
	case r.Method == http.MethodPut:
		h.put(w, r, a)
	case r.Method == http.MethodDelete:
		h.delete(w, a)
	default:
		writeError(w, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not supported here.", r.Method))
	}
}

func (h *Hub) listInGroup(w http.ResponseWriter, r request) {
	last := r.seg[len(r.seg)-1]
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if len(r.seg) > 7 { // a child's collection, or /instanceView of a VM
		parent, ok := h.addressOf(r.seg[:len(r.seg)-1])
		res := h.world.Resources[lower(parent.id)]
		switch {
		case !ok || res == nil:
			writeError(w, noResource(parent.kind, parent.name, parent.group))
		case lower(last) == "instanceview":
			writeJSON(w, http.StatusOK, h.instanceView(res))
		default:
			writeJSON(w, http.StatusOK, object{"value": h.children(res, last)})
		}
		return
	}
	if h.world.Groups[lower(r.seg[3])] == nil {
		writeError(w, noGroup(r.seg[3]))
		return
	}
	out := []object{}
	for _, res := range h.world.below(h.groupID(r.seg[3]) + "/providers/") {
		if strings.EqualFold(str(res["type"]), r.seg[5]+"/"+last) {
			out = append(out, res)
		}
	}
	writeJSON(w, http.StatusOK, object{"value": out})
}

// children are resources below another one, or the parts that its own document
// lists. The caller holds mu.
func (h *Hub) children(res object, collection string) []any {
	out := []any{}
	for _, c := range h.world.below(str(res["id"]) + "/" + collection + "/") {
		out = append(out, c)
	}
	return append(out, list(dig(res, "properties", collection))...)
}

func (h *Hub) find(a address) object {
	if res := h.world.Resources[lower(a.id)]; res != nil {
		return res
	}
	cut := strings.LastIndex(a.id[:strings.LastIndex(a.id, "/")], "/")
	parent := h.world.Resources[lower(a.id[:cut])]
	if parent == nil {
		return nil
	}
	parts := strings.Split(a.id[cut+1:], "/")
	for _, c := range list(dig(parent, "properties", parts[0])) {
		if strings.EqualFold(str(obj(c)["name"]), parts[1]) {
			return obj(c)
		}
	}
	return nil
}

func (h *Hub) get(w http.ResponseWriter, r request, a address) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[lower(a.group)] == nil {
		writeError(w, noGroup(a.group))
		return
	}
	res := h.find(a)
	if res == nil {
		writeError(w, noResource(a.kind, a.name, a.group))
		return
	}
	if lower(a.kind) == lower(typeVM) && strings.EqualFold(r.URL.Query().Get("$expand"), "instanceView") {
		res = clone(res)
		obj(res["properties"])["instanceView"] = h.instanceView(res)
	}
	writeJSON(w, http.StatusOK, res)
}

func (h *Hub) instanceView(vm object) object {
	power, words := "running", "VM running"
	if p := str(vm["~power"]); p != "" {
		power, words = p, "VM "+p
	}
	return object{
		"computerName": vm["name"], "osName": "ubuntu", "osVersion": "22.04",
		"statuses": []object{
			{"code": "ProvisioningState/" + lower(str(dig(vm, "properties", "provisioningState"))), "level": "Info", "displayStatus": "Provisioning succeeded"},
			{"code": "PowerState/" + power, "level": "Info", "displayStatus": words},
		},
	}
}

// put makes or changes one resource: quickly refused, or made in the background.
func (h *Hub) put(w http.ResponseWriter, r request, a address) {
	h.world.mu.Lock()
	_, existed := h.world.Resources[lower(a.id)]
	res, e := h.place(a, r.body)
	h.world.mu.Unlock()
	if e.Code != "" {
		writeError(w, e)
		return
	}
	id := h.begin(func(ctx context.Context) armError { return h.settle(ctx, a, nil) })
	h.announce(w, a.namespace, id)
	status := http.StatusCreated
	if existed {
		status = http.StatusOK
	}
	writeJSON(w, status, res)
}

// place checks a resource and puts it into the store as "Creating". The caller
// holds mu. What it answers is a copy.
func (h *Hub) place(a address, body object) (object, armError) {
	if h.world.Groups[lower(a.group)] == nil {
		return nil, noGroup(a.group)
	}
	if done, known := h.world.Registered[lower(a.namespace)]; known && !done {
		return nil, fail(http.StatusConflict, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", a.namespace)
	}
	want := map[string]int64{}
	h.wants(want, a.id, a.kind, body)
	if e, over := h.exceeds(want); over {
		return nil, e
	}
	if e := h.check(a, body); e.Code != "" {
		return nil, e
	}
	old := h.world.Resources[lower(a.id)]
	res := clone(body)
	if res == nil {
		res = object{}
	}
	for _, k := range []string{"dependsOn", "apiVersion", "copy", "condition", "comments"} {
		delete(res, k)
	}
	res["id"], res["name"], res["type"] = a.id, a.name, a.kind
	if res["location"] == nil {
		res["location"] = h.cfg.Region
	}
	if obj(res["properties"]) == nil {
		res["properties"] = object{}
	}
	h.enrich(a, res, old)
	obj(res["properties"])["provisioningState"] = "Creating"
	if old != nil {
		obj(res["properties"])["provisioningState"] = "Updating"
	}
	h.world.Resources[lower(a.id)] = res
	h.world.changed()
	return clone(res), armError{}
}

// check is what a resource provider refuses at once.
func (h *Hub) check(a address, body object) armError {
	switch lower(a.kind) {
	case lower(typePublicIP):
		label := str(dig(body, "properties", "dnsSettings", "domainNameLabel"))
		if owner, taken := h.labelOwner(label); taken && !strings.EqualFold(owner, a.id) {
			return fail(http.StatusBadRequest, "DnsRecordInUse", "DNS record %s.%s.cloudapp.%s is already used by another public IP.", label, h.cfg.Region, h.cfg.Domain)
		}
	case lower(typeVM):
		size := str(dig(body, "properties", "hardwareProfile", "vmSize"))
		if _, ok := sizes[size]; !ok {
			e := fail(http.StatusBadRequest, "InvalidParameter", "The value %s provided for the VM size is not valid. The valid sizes in the current region are: Standard_D2_v2, Standard_DS2_v2 and others.", size)
			e.Target = "vmSize"
			return e
		}
		return h.checkImage(body)
	}
	return armError{}
}

func (h *Hub) checkImage(body object) armError {
	ref := dig(body, "properties", "storageProfile", "imageReference")
	if ref == nil {
		return armError{}
	}
	urn := []string{str(dig(ref, "publisher")), str(dig(ref, "offer")), str(dig(ref, "sku")), str(dig(ref, "version"))}
	want := lower(fmt.Sprintf("%s/artifacttypes/vmimage/offers/%s/skus/%s/versions/", urn[0], urn[1], urn[2]))
	for _, item := range items {
		if strings.HasPrefix(lower(item), want) && (urn[3] == "latest" || strings.HasSuffix(item, "/"+urn[3])) && !h.missing(item) {
			return armError{}
		}
	}
	return fail(http.StatusBadRequest, "PlatformImageNotFound", "The platform image '%s' is not available. Verify that all fields in the storage profile are correct.", strings.Join(urn, ":"))
}

// settle lets the time pass that a resource takes and finishes it. cluster is
// set when a deployment of a cluster makes it.
func (h *Hub) settle(ctx context.Context, a address, cluster *ClusterFacts) armError {
	if e := h.misfortune(ctx, http.MethodPut, a.kind, a.name); e.Code != "" {
		h.setState(a.id, "Failed")
		return e
	}
	if !h.wait(ctx, duration(a.kind)) {
		return fail(http.StatusInternalServerError, "InternalServerError", "The Hub is going down.")
	}
	if err := h.tell(ctx, a, cluster); err != nil {
		h.setState(a.id, "Failed")
		if lower(a.kind) == lower(typeExtension) {
			return fail(http.StatusConflict, "VMExtensionProvisioningError", "VM has reported a failure when processing extension '%s'. Error message: \"%v\".", a.name, err)
		}
		return fail(http.StatusConflict, "OSProvisioningTimedOut", "OS Provisioning for VM '%s' did not finish in the allotted time. %v", a.name, err)
	}
	h.setState(a.id, "Succeeded")
	return armError{}
}

func (h *Hub) setState(id, state string) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if res := h.world.Resources[lower(id)]; res != nil {
		obj(res["properties"])["provisioningState"] = state
		h.world.changed()
	}
}

// tell passes on what a finished resource means for the world outside of ARM.
func (h *Hub) tell(ctx context.Context, a address, cluster *ClusterFacts) error {
	vmID := a.id
	if lower(a.kind) == lower(typeExtension) {
		vmID = a.id[:strings.LastIndex(lower(a.id), "/extensions/")]
	} else if lower(a.kind) != lower(typeVM) {
		return nil
	}
	h.world.mu.Lock()
	vm := h.world.Resources[lower(vmID)]
	if vm == nil {
		h.world.mu.Unlock()
		return nil
	}
	m := h.machine(vm)
	h.world.mu.Unlock()
	extension := vmID != a.id
	switch {
	case !extension && !m.IsNode() && h.cfg.Hooks.VMUp != nil:
		return h.cfg.Hooks.VMUp(ctx, m)
	case extension && m.IsNode() && cluster != nil && h.cfg.Hooks.NodeJoins != nil:
		return h.cfg.Hooks.NodeJoins(ctx, m, *cluster)
	}
	return nil
}

func (h *Hub) delete(w http.ResponseWriter, a address) {
	h.world.mu.Lock()
	res := h.world.Resources[lower(a.id)]
	h.world.mu.Unlock()
	if res == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	id := h.begin(func(ctx context.Context) armError {
		if e := h.misfortune(ctx, http.MethodDelete, a.kind, a.name); e.Code != "" {
			return e
		}
		h.wait(ctx, duration(a.kind)/4)
		h.forget(ctx, a.id)
		return armError{}
	})
	h.announce(w, a.namespace, id)
	w.WriteHeader(http.StatusAccepted)
}

// forget removes a resource with what lies below it.
func (h *Hub) forget(ctx context.Context, id string) {
	h.world.mu.Lock()
	var gone []Machine
	for _, res := range append(h.world.below(id+"/"), h.world.Resources[lower(id)]) {
		if res == nil {
			continue
		}
		if strings.EqualFold(str(res["type"]), typeVM) {
			gone = append(gone, h.machine(res))
		}
		delete(h.world.Resources, lower(str(res["id"])))
	}
	h.world.changed()
	h.world.mu.Unlock()
	for _, m := range gone {
		if h.cfg.Hooks.VMGone != nil {
			h.cfg.Hooks.VMGone(ctx, m)
		}
	}
}

// action answers POST on a VM: start, restart, powerOff, deallocate.
func (h *Hub) action(w http.ResponseWriter, r request) {
	a, ok := h.addressOf(r.seg[:len(r.seg)-1])
	verb := r.low[len(r.low)-1]
	power := map[string]string{"start": "running", "restart": "running", "poweroff": "stopped", "deallocate": "deallocated"}[verb]
	h.world.mu.Lock()
	res := h.world.Resources[lower(a.id)]
	h.world.mu.Unlock()
	if !ok || res == nil || power == "" || r.Method != http.MethodPost || lower(a.kind) != lower(typeVM) {
		writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
		return
	}
	id := h.begin(func(ctx context.Context) armError {
		h.wait(ctx, 30)
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		res["~power"] = power
		h.world.changed()
		return armError{}
	})
	h.announce(w, a.namespace, id)
	w.WriteHeader(http.StatusAccepted)
}
