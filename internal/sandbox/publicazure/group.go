package publicazure

import (
	"net/http"
	"regexp"
	"sort"
	"strings"
	"time"
)

var groupName = regexp.MustCompile(`^[-\w._()]{0,89}[-\w_()]$`)

type resourceGroup struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties struct {
		State string `json:"provisioningState"`
	} `json:"properties"`
}

// GroupID is the id of a resource group.
func (a *Azure) GroupID(name string) string {
	return "/subscriptions/" + a.cfg.SubscriptionID + "/resourceGroups/" + name
}

func (a *Azure) groupExists(name string) bool {
	var g resourceGroup
	return a.Store.Get(a.GroupID(name), &g)
}

func (a *Azure) route(w http.ResponseWriter, r *http.Request, p path) {
	sub := "/subscriptions/" + a.cfg.SubscriptionID
	subscription := map[string]any{"id": sub, "subscriptionId": a.cfg.SubscriptionID, "tenantId": a.cfg.TenantID, "displayName": "Contoso", "state": "Enabled", "authorizationSource": "RoleBased"}
	switch {
	case p.is("subscriptions"):
		Answer(w, http.StatusOK, map[string]any{"value": []any{subscription}})
	case p.is("subscriptions", "*"):
		Answer(w, http.StatusOK, subscription)
	case p.is("subscriptions", "*", "locations"):
		Answer(w, http.StatusOK, map[string]any{"value": a.locations()})
	case p.is("subscriptions", "*", "resourceGroups"):
		Answer(w, http.StatusOK, map[string]any{"value": a.groups()})
	case p.is("subscriptions", "*", "resourceGroups", "*"):
		a.oneGroup(w, r, p[3])
	case p.is("subscriptions", "*", "operationresults", "*"):
		a.poll(w, r, p[3], true)
	case p.has("subscriptions", "*", "providers", "*", "locations", "*", "operations", "*"):
		a.poll(w, r, p[7], r.URL.Query().Get("monitor") == "true")
	case p.is("subscriptions", "*", "providers", "*"), p.is("subscriptions", "*", "providers", "*", "register"):
		a.oneProvider(w, p[3])
	case strings.EqualFold(p.namespace(), "Microsoft.Authorization") && strings.EqualFold(p.first(), "permissions"):
		Answer(w, http.StatusOK, map[string]any{"value": []any{map[string]any{"actions": []string{"*"}, "notActions": []string{
			"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}}}})
	default:
		a.lead(w, r, p)
	}
}

// lead hands a request to the provider that has its type.
func (a *Azure) lead(w http.ResponseWriter, r *http.Request, p path) {
	for _, pr := range a.mounted(p.namespace()) {
		for t := range pr.Versions {
			if strings.EqualFold(t, p.first()) {
				pr.Handler.ServeHTTP(w, r)
				return
			}
		}
	}
	Fail(w, http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path)
}

func (a *Azure) locations() []any {
	out := []any{}
	for _, l := range Regions() {
		out = append(out, map[string]any{"id": "/subscriptions/" + a.cfg.SubscriptionID + "/locations/" + l.Name, "name": l.Name, "displayName": l.Title})
	}
	return out
}

func (a *Azure) oneProvider(w http.ResponseWriter, namespace string) {
	types := []any{}
	name := ""
	for _, pr := range a.mounted(namespace) {
		name = pr.Namespace
		for t, versions := range pr.Versions {
			types = append(types, map[string]any{"resourceType": t, "apiVersions": versions, "locations": []string{"global"}})
		}
	}
	if name == "" {
		Fail(w, http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", namespace)
		return
	}
	Answer(w, http.StatusOK, map[string]any{"id": "/subscriptions/" + a.cfg.SubscriptionID + "/providers/" + name, "namespace": name, "registrationState": "Registered", "resourceTypes": types})
}

func (a *Azure) groups() []resourceGroup {
	out := []resourceGroup{}
	prefix := a.GroupID("")
	for _, id := range a.Store.Below(prefix) {
		var g resourceGroup
		if !strings.Contains(id[len(prefix):], "/") && a.Store.Get(id, &g) {
			out = append(out, g)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (a *Azure) oneGroup(w http.ResponseWriter, r *http.Request, name string) {
	var g resourceGroup
	exists := a.Store.Get(a.GroupID(name), &g)
	switch {
	case r.Method == http.MethodPut:
		a.putGroup(w, r, name, exists)
	case r.Method == http.MethodHead && !exists:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNoContent)
	case !exists:
		Fail(w, http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", name)
	case r.Method == http.MethodGet:
		Answer(w, http.StatusOK, g)
	case r.Method == http.MethodDelete:
		g.Properties.State = "Deleting"
		_ = a.Store.Put(g.ID, g)
		a.Begin(w, r, http.StatusAccepted, Work{Takes: time.Minute, Do: func() (any, error) { return nil, a.removeGroup(g.ID) }}, nil)
	default:
		Fail(w, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at scope 'Microsoft.Resources/resourceGroups'.", r.Method)
	}
}

func (a *Azure) putGroup(w http.ResponseWriter, r *http.Request, name string, exists bool) {
	var g resourceGroup
	if !Read(w, r, &g) {
		return
	}
	switch {
	case !groupName.MatchString(name):
		Fail(w, http.StatusBadRequest, "InvalidResourceGroup", "The provided resource group name '%s' has these invalid characters or ends with a period.", name)
		return
	case g.Location == "":
		Fail(w, http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
		return
	case !KnownRegion(g.Location):
		Fail(w, http.StatusBadRequest, "LocationNotAvailableForResourceGroup", "The provided location '%s' is not available for resource group.", g.Location)
		return
	}
	g.ID, g.Name, g.Type, g.Properties.State = a.GroupID(name), name, "Microsoft.Resources/resourceGroups", "Succeeded"
	if err := a.Store.Put(g.ID, g); err != nil {
		Fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
		return
	}
	status := http.StatusCreated
	if exists {
		status = http.StatusOK
	}
	Answer(w, status, g)
}

// removeGroup deletes a group with all that is in it.
func (a *Azure) removeGroup(id string) error {
	for _, doc := range a.Store.Below(id + "/") {
		for _, pr := range a.mounted(split(doc).namespace()) {
			if pr.Gone != nil {
				pr.Gone(doc)
			}
		}
	}
	_, err := a.Store.Drop(id)
	return err
}

// EnsureGroup makes a resource group that is not there.
func (a *Azure) EnsureGroup(name, location string) error {
	if a.groupExists(name) {
		return nil
	}
	g := resourceGroup{ID: a.GroupID(name), Name: name, Type: "Microsoft.Resources/resourceGroups", Location: location}
	g.Properties.State = "Succeeded"
	return a.Store.Put(g.ID, g)
}
