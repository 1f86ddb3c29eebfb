package arm

import (
	"net/http"
	"slices"

	"hubwright/internal/sandbox/faults"
)

func (h *Hub) subID() string { return "/subscriptions/" + h.cfg.SubscriptionID }

func (h *Hub) groupID(group string) string { return h.subID() + "/resourceGroups/" + group }

func (h *Hub) subscription() object {
	state := "Enabled"
	if s, bad := h.disabled(); bad {
		state = s
	}
	return object{"id": h.subID(), "subscriptionId": h.cfg.SubscriptionID, "displayName": "Hubwright on " + h.cfg.Region, "state": state,
		"subscriptionPolicies": object{"locationPlacementId": "AzureStack_" + h.cfg.Region, "quotaId": "Internal_2014-09-01"}, "authorizationSource": "RoleBased", "tenantId": h.cfg.TenantID}
}

// disabled says whether a fault has disabled the subscription, and its state.
func (h *Hub) disabled() (state string, is bool) {
	effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtSubscription, Stamp: h.cfg.Region, Name: h.cfg.SubscriptionID})
	return effect.State, hit && effect.State != ""
}

// readOnly refuses to write into a disabled subscription.
func (h *Hub) readOnly(r *request) armError {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return armError{}
	}
	if _, is := h.disabled(); is {
		return conflict("ReadOnlyDisabledSubscription", "The subscription '%s' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.", h.cfg.SubscriptionID)
	}
	return armError{}
}

// subscriptions are those in which the principal may do anything at all.
func (h *Hub) subscriptions(r *request) reply {
	out := []object{}
	if h.may(r.who.ObjectID, "Microsoft.Resources/subscriptions/read", h.subID()) {
		out = append(out, h.subscription())
	}
	return answer(http.StatusOK, object{"value": out})
}

// Versions of the metadata document, by its form.
var (
	singleMetadata = []string{"1.0", "2015-01-01", "2022-09-01"}
	listMetadata   = []string{"2018-05-01", "2019-05-01", "2019-10-01", "2020-06-01"}
)

// metadata is how a Hub describes itself to those who haven't signed in.
func (h *Hub) metadata(r *request) reply {
	version := r.version()
	graph := "https://graph.windows.net/"
	if h.cfg.ADFS {
		graph = "https://" + h.cfg.host("graph") + "/"
	}
	login := object{"loginEndpoint": h.cfg.Identity.LoginEndpoint(), "audiences": []string{h.cfg.Audience}}
	portal, gallery := "https://"+h.cfg.host("portal")+"/", "https://"+h.cfg.host("portal")+":30015/"
	switch {
	case r.Method != http.MethodGet:
		return refuse(notAllowed(r.Method, "metadata/endpoints"))
	case slices.Contains(singleMetadata[:2], version):
		return answer(http.StatusOK, object{"galleryEndpoint": gallery, "graphEndpoint": graph, "portalEndpoint": portal, "authentication": login})
	case !slices.Contains(singleMetadata, version) && !slices.Contains(listMetadata, version):
		return refuse(bad("InvalidApiVersionParameter", "The api-version '%s' is invalid. The supported versions are '%s'.", version, joined(append(slices.Clone(singleMetadata), listMetadata...))))
	}
	login["tenant"], login["identityProvider"] = h.cfg.TenantID, "AAD"
	if h.cfg.ADFS {
		login["tenant"], login["identityProvider"] = "adfs", "ADFS"
	}
	doc := object{
		"name": "AzureStack-" + h.cfg.Region, "portal": portal, "gallery": gallery, "graph": graph, "graphAudience": graph,
		"resourceManager": h.cfg.base() + "/", "authentication": login,
		"suffixes": object{"storage": h.cfg.Region + "." + h.cfg.Domain, "keyVaultDns": "vault." + h.cfg.Region + "." + h.cfg.Domain},
	}
	if slices.Contains(listMetadata, version) {
		return answer(http.StatusOK, []object{doc})
	}
	return answer(http.StatusOK, doc)
}
