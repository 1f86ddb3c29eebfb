package arm

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// quick is how long it takes a provider to see that nothing has changed.
const quick = 4

// settle lets the time pass that a resource takes, tells the world, and ends
// as Succeeded or Failed. cluster is set when a cluster's deployment makes it.
func (h *Hub) settle(ctx context.Context, a address, begun time.Time, cluster *ClusterFacts) armError {
	h.world.mu.Lock()
	res := h.world.get(a.id)
	unchanged := h.world.secret(a.id).Same
	k, _ := kindOf(a.kind)
	seconds := k.seconds * jitter(a.name)
	if k.longer != nil && res != nil {
		seconds += k.longer(res) * jitter(a.name)
	}
	h.world.mu.Unlock()
	if unchanged {
		seconds = quick
	}
	e := armError{}
	if !unchanged {
		since := time.Now()
		e = h.misfortune(ctx, http.MethodPut, a)
		begun = begun.Add(time.Since(since))
	}
	if !e.failed() && !k.instant && !h.waitUntil(ctx, begun, seconds) {
		e = ended(ctx)
	}
	if !e.failed() && !unchanged {
		e = h.tell(ctx, a, cluster)
	}
	if h.ctx.Err() != nil {
		return goingDown()
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if e.failed() {
		h.setState(a.id, stateFailed)
		return e
	}
	h.setState(a.id, stateSucceeded)
	if secret := h.world.secret(a.id); a.kind == typeVM && secret.Power == "" {
		secret.Power = powerRunning
		h.assignAddresses(a.id)
	}
	return armError{}
}

// tell passes on what a finished resource means for the world outside of ARM.
func (h *Hub) tell(ctx context.Context, a address, cluster *ClusterFacts) armError {
	vmID := a.id
	switch a.kind {
	case typeVM:
	case typeExtension:
		vmID = parent(a.id)
	default:
		return armError{}
	}
	h.world.mu.Lock()
	vm := h.world.get(vmID)
	if vm == nil {
		h.world.mu.Unlock()
		return armError{}
	}
	if a.kind == typeVM {
		h.assignAddresses(vmID)
	}
	m := h.machine(vm)
	joined := h.world.secret(vmID).Joined
	h.world.mu.Unlock()
	switch {
	case a.kind == typeVM && !m.IsNode() && h.cfg.Hooks.VMUp != nil:
		if err := h.cfg.Hooks.VMUp(ctx, m); err != nil {
			return conflict("OSProvisioningTimedOut", "OS Provisioning for VM '%s' did not finish in the allotted time. The VM may still finish provisioning successfully. Please check provisioning state later. (%v)", m.Name, err)
		}
	case a.kind == typeExtension && m.IsNode() && cluster != nil && !joined:
		return h.join(ctx, a, m, *cluster)
	}
	return armError{}
}

// join runs a node's set-up script. A node that knows another CA than the
// cluster's can't reach the API server: that is how a second deployment with
// new certificates fails.
func (h *Hub) join(ctx context.Context, a address, m Machine, c ClusterFacts) armError {
	key, ca := lower(c.Group+"/"+c.Suffix), digest(string(c.PEM["cacertificate"]))
	h.world.mu.Lock()
	known := h.world.Clusters[key]
	if known == "" || !h.anyJoined(c.Group, c.Suffix) {
		h.world.Clusters[key], known = ca, ca
	}
	h.world.mu.Unlock()
	if known != ca {
		return scriptFailed(a.name, exitNoAPIServer)
	}
	if h.cfg.Hooks.NodeJoins != nil {
		if err := h.cfg.Hooks.NodeJoins(ctx, m, c); err != nil {
			return conflict("VMExtensionProvisioningError", "VM has reported a failure when processing extension '%s'. Error message: \"Enable failed: %v\".", lastPart(a.name), err)
		}
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.get(m.ID) != nil {
		h.world.secret(m.ID).Joined = true
	}
	h.world.changed()
	return armError{}
}

// exitNoAPIServer is the set-up script's exit code for an API server that it
// can't reach.
const exitNoAPIServer = 51

func (h *Hub) anyJoined(group, suffix string) bool {
	for _, vm := range h.world.below(h.groupID(group) + "/providers/" + typeVM + "/") {
		if str(dig(vm, "tags", "resourceNameSuffix")) == suffix && h.world.secret(str(vm["id"])).Joined {
			return true
		}
	}
	return false
}

// remove deletes a resource with what lies below it.
func (h *Hub) remove(ctx context.Context, a address, begun time.Time) armError {
	if e := h.misfortune(ctx, http.MethodDelete, a); e.failed() {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		h.setState(a.id, stateFailed)
		return e
	}
	h.world.mu.Lock()
	k, _ := kindOf(a.kind)
	gone := h.machinesBelow(a.id)
	h.world.mu.Unlock()
	h.going(ctx, gone)
	if !h.waitUntil(ctx, begun, k.seconds/4*jitter(a.name)) {
		return ended(ctx)
	}
	h.world.mu.Lock()
	for _, res := range h.world.below(a.id + "/") {
		h.world.drop(str(res["id"]))
	}
	h.world.drop(a.id)
	h.world.mu.Unlock()
	h.gone(ctx, gone)
	return armError{}
}

// machinesBelow are the VM of that id, or the VMs of that group. The caller
// holds mu.
func (h *Hub) machinesBelow(id string) []Machine {
	var out []Machine
	for _, res := range h.world.ofType(typeVM) {
		if strings.HasPrefix(lower(str(res["id"]))+"/", lower(id)+"/") {
			out = append(out, h.machine(res))
		}
	}
	return out
}

func (h *Hub) going(ctx context.Context, vms []Machine) {
	for _, m := range vms {
		if h.cfg.Hooks.VMGoing != nil {
			h.cfg.Hooks.VMGoing(ctx, m)
		}
	}
}

func (h *Hub) gone(ctx context.Context, vms []Machine) {
	for _, m := range vms {
		if h.cfg.Hooks.VMGone != nil {
			h.cfg.Hooks.VMGone(ctx, m)
		}
	}
}
