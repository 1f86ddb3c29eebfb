package loganalytics

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"hubwright/internal/sandbox/publicazure"
)

type object = map[string]any

var (
	skus          = []string{"CapacityReservation", "Free", "LACluster", "PerGB2018", "PerNode", "Premium", "Standalone", "Standard"}
	workspaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$`)
)

// workspaces answers below providers/Microsoft.OperationalInsights.
func (s *Service) workspaces(out http.ResponseWriter, r *http.Request) {
	a := addressOf(r.URL.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.name == "" {
		list := []any{}
		for _, w := range all[workspace](s, workspaceSpace, "workspaces") {
			if w.Gone.IsZero() && (a.group == "" || strings.EqualFold(w.Group, a.group)) {
				list = append(list, s.show(w))
			}
		}
		publicazure.Answer(out, http.StatusOK, object{"value": list})
		return
	}
	id := s.idOf(a.group, workspaceSpace, "workspaces", a.name)
	var w workspace
	there := s.cfg.Azure.Store.Get(id, &w)
	switch {
	case r.Method == http.MethodPut && a.verb == "":
		s.put(out, r, a, w, there)
	case !there || !w.Gone.IsZero():
		if r.Method == http.MethodDelete {
			publicazure.Answer(out, http.StatusNoContent, nil)
			return
		}
		publicazure.Fail(out, http.StatusNotFound, "ResourceNotFound", "The Resource '%s/workspaces/%s' under resource group '%s' was not found.", workspaceSpace, a.name, a.group)
	case r.Method == http.MethodGet && a.verb == "":
		publicazure.Answer(out, http.StatusOK, s.show(w))
	case r.Method == http.MethodDelete && a.verb == "":
		s.remove(out, r, w)
	case r.Method == http.MethodPost && strings.EqualFold(a.verb, "regenerateSharedKey"):
		w.Keys = [2]string{newKey(), newKey()}
		if !s.keep(out, id, w) {
			return
		}
		fallthrough
	case r.Method == http.MethodPost && strings.EqualFold(a.verb, "sharedKeys"):
		publicazure.Answer(out, http.StatusOK, object{"primarySharedKey": w.Keys[0], "secondarySharedKey": w.Keys[1]})
	case r.Method == http.MethodGet && strings.EqualFold(a.verb, "intelligencePacks"):
		_, on := s.solutionOf(w)
		publicazure.Answer(out, http.StatusOK, []any{object{"name": "ContainerInsights", "enabled": on, "displayName": "Container Insights"}})
	default:
		notAllowed(out, r)
	}
}

func notAllowed(out http.ResponseWriter, r *http.Request) {
	publicazure.Fail(out, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported here.", r.Method)
}

// show is a workspace as ARM tells of it.
func (s *Service) show(w workspace) object {
	props := maps.Clone(w.Properties)
	if props == nil {
		props = object{}
	}
	props["customerId"], props["createdDate"] = w.CustomerID, w.Made.UTC().Format(time.RFC3339)
	props["provisioningState"] = "Succeeded"
	if s.cfg.Now().Before(w.ReadyAt) {
		props["provisioningState"] = "Creating"
	}
	return object{"id": w.ID, "name": w.Name, "type": workspaceSpace + "/workspaces", "location": w.Location, "tags": w.Tags, "properties": props}
}

// put makes a workspace, changes one, or has a deleted one back.
func (s *Service) put(out http.ResponseWriter, r *http.Request, a address, w workspace, there bool) {
	var body struct {
		Location         string
		Tags, Properties object
	}
	if !publicazure.Read(out, r, &body) || refused(out, a.name, body.Location, body.Properties) {
		return
	}
	id := s.idOf(a.group, workspaceSpace, "workspaces", a.name)
	for _, other := range all[workspace](s, workspaceSpace, "workspaces") {
		if strings.EqualFold(other.Name, a.name) && !strings.EqualFold(other.ID, id) {
			publicazure.Fail(out, http.StatusConflict, "NameUnavailable", "The workspace name '%s' is not available: it is in use, or was in use by a workspace that was deleted within the last 14 days.", a.name)
			return
		}
	}
	lives := there && w.Gone.IsZero()
	if lives && !strings.EqualFold(w.Location, body.Location) {
		publicazure.Fail(out, http.StatusConflict, "InvalidResourceLocation", "The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name cannot be created in location '%s'.", a.name, w.Location, a.group, body.Location)
		return
	}
	if !there || !lives && s.cfg.Now().Sub(w.Gone) > keptFor {
		w = workspace{ID: id, Name: a.name, Group: a.group, Made: s.cfg.Now(), CustomerID: newGUID(), Keys: [2]string{newKey(), newKey()}, Fed: map[string]bool{}}
	}
	w.Location, w.Properties, w.Tags, w.Gone = body.Location, body.Properties, body.Tags, time.Time{}
	if !lives {
		w.ReadyAt = s.after(makingTakes)
	}
	if !s.keep(out, id, w) {
		return
	}
	status := http.StatusCreated
	switch {
	case lives && !s.cfg.Now().Before(w.ReadyAt):
		publicazure.Answer(out, http.StatusOK, s.show(w))
		return
	case lives: // it is still being made
		status = http.StatusOK
	}
	s.cfg.Azure.Begin(out, r, status, publicazure.Work{Takes: makingTakes, Do: func() (any, error) { return s.show(w), nil }}, s.show(w))
}

// refused says whether a workspace may not be as it is asked for, and answers
// why.
func refused(out http.ResponseWriter, name, location string, props object) bool {
	sku := "PerGB2018"
	if m, ok := props["sku"].(object); ok {
		sku, _ = m["name"].(string)
	}
	days, has := props["retentionInDays"].(float64)
	switch {
	case !workspaceName.MatchString(name):
		publicazure.Fail(out, http.StatusBadRequest, "InvalidWorkspaceName", "The workspace name '%s' is not valid: 4 to 63 letters, digits and '-', which is neither first nor last.", name)
	case location == "":
		publicazure.Fail(out, http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	case !slices.ContainsFunc(publicazure.Regions(), func(r publicazure.Region) bool { return strings.EqualFold(r.Name, location) }):
		publicazure.Fail(out, http.StatusBadRequest, "LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s/workspaces'.", location, workspaceSpace)
	case !slices.Contains(skus, sku):
		publicazure.Fail(out, http.StatusBadRequest, "InvalidParameter", "The SKU '%s' is not known.", sku)
	case has && (days < 30 || days > 730):
		publicazure.Fail(out, http.StatusBadRequest, "InvalidParameter", "'RetentionInDays' property doesn't match the SKU limits.")
	default:
		return false
	}
	return true
}

func (s *Service) remove(out http.ResponseWriter, r *http.Request, w workspace) {
	if sol, on := s.solutionOf(w); on {
		_, _ = s.cfg.Azure.Store.Drop(sol.ID)
	}
	if r.URL.Query().Get("force") == "true" {
		_, _ = s.cfg.Azure.Store.Drop(w.ID)
	} else {
		w.Gone = s.cfg.Now()
		if !s.keep(out, w.ID, w) {
			return
		}
	}
	s.cfg.Azure.Begin(out, r, http.StatusAccepted, publicazure.Work{Takes: makingTakes, Do: func() (any, error) { return nil, nil }}, nil)
}

// solutions makes and shows ContainerInsights(<workspace>).
func (s *Service) solutions(out http.ResponseWriter, r *http.Request) {
	a := addressOf(r.URL.Path)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.idOf(a.group, solutionSpace, "solutions", a.name)
	var sol solution
	there := s.cfg.Azure.Store.Get(id, &sol)
	switch {
	case a.name == "" && r.Method == http.MethodGet:
		list := []any{}
		for _, sol := range all[solution](s, solutionSpace, "solutions") {
			list = append(list, s.showSolution(sol))
		}
		publicazure.Answer(out, http.StatusOK, object{"value": list})
	case r.Method == http.MethodPut:
		s.solve(out, r, a, sol, there)
	case !there:
		publicazure.Fail(out, http.StatusNotFound, "ResourceNotFound", "The Resource '%s/solutions/%s' under resource group '%s' was not found.", solutionSpace, a.name, a.group)
	case r.Method == http.MethodGet:
		publicazure.Answer(out, http.StatusOK, s.showSolution(sol))
	case r.Method == http.MethodDelete:
		_, _ = s.cfg.Azure.Store.Drop(id)
		publicazure.Answer(out, http.StatusOK, nil)
	default:
		notAllowed(out, r)
	}
}

func (s *Service) solutionOf(w workspace) (solution, bool) {
	for _, sol := range all[solution](s, solutionSpace, "solutions") {
		if strings.EqualFold(sol.Workspace, w.ID) {
			return sol, true
		}
	}
	return solution{}, false
}

func (s *Service) showSolution(sol solution) object {
	state := "Succeeded"
	if s.cfg.Now().Before(sol.ReadyAt) {
		state = "Creating"
	}
	return object{
		"id": sol.ID, "name": sol.Name, "type": solutionSpace + "/solutions", "location": sol.Location, "plan": sol.Plan,
		"properties": object{"workspaceResourceId": sol.Workspace, "provisioningState": state, "containedResources": []any{}, "referencedResources": []any{}},
	}
}

func (s *Service) solve(out http.ResponseWriter, r *http.Request, a address, sol solution, there bool) {
	var body struct {
		Location   string
		Plan       object
		Properties struct{ WorkspaceResourceID string }
	}
	if !publicazure.Read(out, r, &body) {
		return
	}
	var w workspace
	if !s.cfg.Azure.Store.Get(body.Properties.WorkspaceResourceID, &w) || !w.Gone.IsZero() {
		publicazure.Fail(out, http.StatusBadRequest, "WorkspaceNotFound", "The workspace '%s' was not found.", body.Properties.WorkspaceResourceID)
		return
	}
	want := "ContainerInsights(" + w.Name + ")"
	if !strings.EqualFold(a.name, want) || body.Plan["product"] != "OMSGallery/ContainerInsights" || body.Plan["publisher"] != "Microsoft" || body.Plan["name"] != a.name {
		publicazure.Fail(out, http.StatusBadRequest, "InvalidPlan", "The solution must be named '%s', with the plan of OMSGallery/ContainerInsights by Microsoft.", want)
		return
	}
	if there {
		publicazure.Answer(out, http.StatusOK, s.showSolution(sol))
		return
	}
	id := s.idOf(a.group, solutionSpace, "solutions", a.name)
	sol = solution{ID: id, Name: a.name, Location: body.Location, Workspace: w.ID, Plan: body.Plan, ReadyAt: s.after(solvingTakes)}
	if s.keep(out, id, sol) {
		s.cfg.Azure.Begin(out, r, http.StatusCreated, publicazure.Work{Takes: solvingTakes, Do: func() (any, error) { return s.showSolution(sol), nil }}, s.showSolution(sol))
	}
}

func newKey() string {
	b := make([]byte, 64)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
