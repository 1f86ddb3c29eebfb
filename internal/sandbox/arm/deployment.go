package arm

import (
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"hubwright/internal/sandbox/arm/template"
)

// deployment is one template deployment.
type deployment struct {
	ID, Name, Group string
	Parent          string // id of the deployment that this one is nested in
	Mode            string
	State           string // Running, Succeeded, Failed, Canceled
	Error           armError
	Outputs         object
	Parameters      object // without secure values
	Begun, Ended    time.Time
	Steps           []*step
	Token           string // number in operationStatuses
	Correlation     string
	Source          object // template and parameters, while it runs
}

// step is one resource of a deployment.
type step struct {
	ID, Kind, Name, TargetID string
	State                    string // "" before it began
	New                      bool   // the resource did not exist before
	Rejected                 bool   // refused at once, as opposed to failed later
	Error                    armError
	Needs                    []int
	Begun, Ended             time.Time
}

func (h *Hub) deploymentRoute(r *request) reply {
	rest := r.seg[4:]
	if lower(rest[0]) == "providers" {
		rest = rest[2:]
	}
	last := lower(rest[len(rest)-1])
	switch {
	case len(rest) == 1 && r.Method == http.MethodGet:
		return h.listDeployments(r)
	case len(rest) == 2:
		return h.oneDeployment(r, rest[1])
	case len(rest) == 3 && last == "validate" && r.Method == http.MethodPost:
		return h.validate(r, rest[1])
	case len(rest) == 3 && last == "cancel" && r.Method == http.MethodPost:
		return h.withDeployment(r, rest[1], h.cancel)
	case len(rest) == 3 && last == "operations" && r.Method == http.MethodGet:
		return h.withDeployment(r, rest[1], func(d *deployment) reply {
			return answer(http.StatusOK, object{"value": d.operations("")})
		})
	case len(rest) == 4 && lower(rest[2]) == "operations" && r.Method == http.MethodGet:
		return h.withDeployment(r, rest[1], func(d *deployment) reply {
			if found := d.operations(rest[3]); len(found) == 1 {
				return answer(http.StatusOK, found[0])
			}
			return refuse(notFound("DeploymentOperationNotFound", "Deployment operation '%s' could not be found.", rest[3]))
		})
	case len(rest) == 4 && lower(rest[2]) == "operationstatuses":
		return h.withDeployment(r, rest[1], h.deploymentStatus)
	}
	return refuse(noPath(r.URL.Path))
}

func (h *Hub) deploymentID(group, name string) string {
	return h.groupID(group) + "/providers/Microsoft.Resources/deployments/" + name
}

func (h *Hub) withDeployment(r *request, name string, do func(*deployment) reply) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[r.low[3]] == nil {
		return refuse(noGroup(r.seg[3]))
	}
	d := h.world.Deployments[lower(h.deploymentID(r.seg[3], name))]
	if d == nil {
		return refuse(notFound("DeploymentNotFound", "Deployment '%s' could not be found.", name))
	}
	return do(d)
}

func (h *Hub) oneDeployment(r *request, name string) reply {
	switch r.Method {
	case http.MethodPut:
		return h.deploy(r, name)
	case http.MethodGet:
		return h.withDeployment(r, name, func(d *deployment) reply { return answer(http.StatusOK, d.document()) })
	case http.MethodHead:
		return h.withDeployment(r, name, func(*deployment) reply { return answer(http.StatusNoContent, nil) })
	case http.MethodDelete:
		return h.withDeployment(r, name, func(d *deployment) reply {
			if d.State == stateRunning {
				return refuse(conflict("DeploymentActive", "Unable to delete deployment '%s': it is still active.", name))
			}
			delete(h.world.Deployments, lower(d.ID))
			h.world.changed()
			return answer(http.StatusNoContent, nil)
		})
	}
	return refuse(notAllowed(r.Method, "Microsoft.Resources/deployments"))
}

func (h *Hub) listDeployments(r *request) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[r.low[3]] == nil {
		return refuse(noGroup(r.seg[3]))
	}
	var found []*deployment
	for _, d := range h.world.Deployments {
		if same(d.Group, r.seg[3]) {
			found = append(found, d)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Begun.After(found[j].Begun) })
	out := []object{}
	for _, d := range found {
		out = append(out, d.document())
	}
	return answer(http.StatusOK, object{"value": out})
}

// document is a deployment as GET shows it.
func (d *deployment) document() object {
	at := d.Begun
	if !d.Ended.IsZero() {
		at = d.Ended
	}
	p := object{"provisioningState": d.State, "mode": d.Mode, "timestamp": stamp(at), "correlationId": d.Correlation, "parameters": d.Parameters,
		"duration": elapsed(d.Begun, d.Ended), "providers": d.providers(), "dependencies": d.dependencies()}
	if d.Outputs != nil {
		p["outputs"] = d.Outputs
	}
	if d.State == stateSucceeded {
		made := []object{}
		for _, s := range d.Steps {
			made = append(made, object{"id": s.TargetID})
		}
		p["outputResources"] = made
	}
	if d.Error.failed() {
		p["error"] = d.Error
	}
	return object{"id": d.ID, "name": d.Name, "type": "Microsoft.Resources/deployments", "properties": p}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

func elapsed(from, to time.Time) string {
	if to.IsZero() {
		to = time.Now()
	}
	return "PT" + strconv.FormatFloat(to.Sub(from).Seconds(), 'f', 7, 64) + "S"
}

func (d *deployment) providers() []object {
	types := map[string][]string{}
	for _, s := range d.Steps {
		ns, kind, _ := strings.Cut(s.Kind, "/")
		if !slices.Contains(types[ns], kind) {
			types[ns] = append(types[ns], kind)
		}
	}
	out := []object{}
	for ns, kinds := range types {
		var list []object
		for _, k := range kinds {
			list = append(list, object{"resourceType": k, "locations": []any{nil}})
		}
		out = append(out, object{"namespace": ns, "resourceTypes": list})
	}
	sort.Slice(out, func(i, j int) bool { return str(out[i]["namespace"]) < str(out[j]["namespace"]) })
	return out
}

func (d *deployment) dependencies() []object {
	out := []object{}
	for _, s := range d.Steps {
		var needs []object
		for _, n := range s.Needs {
			needs = append(needs, d.Steps[n].target())
		}
		if needs != nil {
			t := s.target()
			t["dependsOn"] = needs
			out = append(out, t)
		}
	}
	return out
}

func (s *step) target() object {
	return object{"id": s.TargetID, "resourceType": s.Kind, "resourceName": s.Name}
}

// operations shows the steps that have begun, and the evaluation of outputs;
// all, or the one with an id.
func (d *deployment) operations(only string) []object {
	out := []object{}
	add := func(id string, p object) {
		if only == "" || only == id {
			out = append(out, object{"id": d.ID + "/operations/" + id, "operationId": id, "properties": p})
		}
	}
	for _, s := range d.Steps {
		if s.State != "" {
			add(s.ID, s.document())
		}
	}
	if d.Outputs != nil {
		add("08"+d.Token, object{"provisioningOperation": "EvaluateDeploymentOutput", "provisioningState": stateSucceeded, "timestamp": stamp(d.Ended), "duration": "PT0.1S", "statusCode": "OK"})
	}
	return out
}

func (s *step) document() object {
	at, code := s.Begun, "OK"
	if s.New {
		code = "Created"
	}
	if !s.Ended.IsZero() {
		at = s.Ended
	}
	p := object{"provisioningOperation": "Create", "provisioningState": s.State, "timestamp": stamp(at), "duration": elapsed(s.Begun, s.Ended), "targetResource": s.target()}
	if s.State == stateFailed {
		code = "Conflict"
		if s.Rejected {
			code = statusName(s.Error)
		}
		p["statusMessage"] = s.complaint()
	}
	p["statusCode"] = code
	return p
}

// complaint is why a step failed, in ARM's two forms.
func (s *step) complaint() object {
	if s.Rejected {
		return object{"error": s.Error}
	}
	return object{"status": stateFailed, "error": armError{Code: "ResourceDeploymentFailure", Message: "The resource operation completed with terminal provisioning state 'Failed'.", Details: []armError{s.Error}}}
}

func statusName(e armError) string {
	switch e.status {
	case http.StatusConflict:
		return "Conflict"
	case http.StatusNotFound:
		return "NotFound"
	case http.StatusForbidden:
		return "Forbidden"
	}
	return "BadRequest"
}

func (h *Hub) deploymentStatus(d *deployment) reply {
	out := object{"status": d.State}
	if d.Error.failed() {
		out["error"] = d.Error
	}
	rep := answer(http.StatusOK, out)
	h.pace(rep)
	return rep
}

func (h *Hub) cancel(d *deployment) reply {
	if d.State != stateRunning {
		return refuse(conflict("DeploymentCannotBeCancelled", "The deployment '%s' cannot be cancelled because its state is '%s'.", d.Name, d.State))
	}
	d.State = stateCanceled
	h.world.changed()
	return answer(http.StatusNoContent, nil)
}

// plan evaluates what a request wants to deploy.
func (h *Hub) plan(group, name string, source object) (*template.Evaluation, []*template.Resource, armError) {
	h.world.mu.Lock()
	g := h.world.Groups[lower(group)]
	if g == nil {
		h.world.mu.Unlock()
		return nil, nil, noGroup(group)
	}
	place := template.Place{SubscriptionID: h.cfg.SubscriptionID, SubscriptionName: str(h.subscription()["displayName"]), TenantID: h.cfg.TenantID,
		Group: str(g["name"]), Location: h.cfg.Region, GroupTags: obj(clone(g)["tags"]), Deployment: name}
	h.world.mu.Unlock()
	doc := obj(source["template"])
	if doc == nil {
		if source["templateLink"] != nil {
			return nil, nil, bad("InvalidContentLink", "Unable to download deployment content: linked templates are not supported.")
		}
		return nil, nil, bad("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'Required property 'template' not found in JSON.'.")
	}
	if mode := str(source["mode"]); !same(mode, "Incremental") {
		return nil, nil, bad("InvalidDeploymentMode", "The deployment mode '%s' is not supported. Use Incremental.", mode)
	}
	ev, err := template.New(doc, obj(source["parameters"]), place)
	if err != nil {
		return nil, nil, invalidTemplate(err)
	}
	resources, err := ev.Resources()
	if err != nil {
		return nil, nil, invalidTemplate(err)
	}
	return ev, resources, h.preflight(name, resources)
}

func invalidTemplate(err error) armError {
	return bad("InvalidTemplate", "Deployment template validation failed: '%v'.", err)
}
