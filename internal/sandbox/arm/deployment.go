package arm

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/arm/template"
)

// deployment is one template deployment.
type deployment struct {
	ID, Name, Group string
	Mode            string
	State           string // Running, Succeeded, Failed, Canceled
	Error           armError
	Outputs         object
	Parameters      object
	Begun, Ended    time.Time
	Operations      []*step
	Status          string // number in operationStatuses
}

// step is one resource of a deployment.
type step struct {
	ID, Kind, Name, TargetID string
	State                    string // "" before it began
	Error                    armError
	Begun, Ended             time.Time
}

func (h *Hub) deploymentRoute(w http.ResponseWriter, r request) {
	rest := r.seg[4:]
	if lower(rest[0]) == "providers" {
		rest = rest[2:]
	}
	switch {
	case len(rest) == 1:
		h.listDeployments(w, r)
	case len(rest) == 2 && r.Method == http.MethodPut:
		h.deploy(w, r, rest[1])
	case len(rest) == 2 && r.Method == http.MethodGet:
		h.withDeployment(w, r, rest[1], func(d *deployment) { writeJSON(w, http.StatusOK, d.document()) })
	case len(rest) == 3 && lower(rest[2]) == "operations":
		h.withDeployment(w, r, rest[1], func(d *deployment) { writeJSON(w, http.StatusOK, object{"value": d.operations()}) })
	case len(rest) == 3 && lower(rest[2]) == "validate":
		writeJSON(w, http.StatusOK, object{"properties": object{"provisioningState": "Succeeded"}})
	case len(rest) == 4 && lower(rest[2]) == "operationstatuses":
		h.withDeployment(w, r, rest[1], func(d *deployment) { h.deploymentStatus(w, d) })
	default:
		writeError(w, fail(http.StatusNotFound, "NotFound", "The path '%s' was not found.", r.URL.Path))
	}
}

func (h *Hub) deploymentID(group, name string) string {
	return h.groupID(group) + "/providers/Microsoft.Resources/deployments/" + name
}

func (h *Hub) withDeployment(w http.ResponseWriter, r request, name string, do func(*deployment)) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	d := h.world.Deployments[lower(h.deploymentID(r.group, name))]
	if d == nil {
		writeError(w, fail(http.StatusNotFound, "DeploymentNotFound", "Deployment '%s' could not be found.", name))
		return
	}
	do(d)
}

func (h *Hub) listDeployments(w http.ResponseWriter, r request) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if h.world.Groups[lower(r.group)] == nil {
		writeError(w, noGroup(r.group))
		return
	}
	out := []object{}
	for _, d := range h.world.Deployments {
		if lower(d.Group) == lower(r.group) {
			out = append(out, d.document())
		}
	}
	writeJSON(w, http.StatusOK, object{"value": out})
}

func (d *deployment) document() object {
	p := object{"provisioningState": d.State, "mode": d.Mode, "timestamp": d.Begun.UTC().Format(time.RFC3339Nano), "correlationId": d.Status, "parameters": d.Parameters}
	if d.Outputs != nil {
		p["outputs"] = d.Outputs
	}
	if d.Error.Code != "" {
		p["error"] = d.Error
	}
	return object{"id": d.ID, "name": d.Name, "type": "Microsoft.Resources/deployments", "properties": p}
}

func (d *deployment) operations() []object {
	out := []object{}
	for _, s := range d.Operations {
		if s.State == "" {
			continue
		}
		p := object{"provisioningOperation": "Create", "provisioningState": s.State, "timestamp": s.Begun.UTC().Format(time.RFC3339Nano),
			"targetResource": object{"id": s.TargetID, "resourceType": s.Kind, "resourceName": s.Name}}
		if s.State == "Succeeded" {
			p["statusCode"], p["timestamp"] = "Created", s.Ended.UTC().Format(time.RFC3339Nano)
		}
		if s.State == "Failed" {
			p["statusCode"], p["timestamp"], p["statusMessage"] = "Conflict", s.Ended.UTC().Format(time.RFC3339Nano), object{"status": "Failed", "error": s.Error}
		}
		out = append(out, object{"id": d.ID + "/operations/" + s.ID, "operationId": s.ID, "properties": p})
	}
	return out
}

func (h *Hub) deploymentStatus(w http.ResponseWriter, d *deployment) {
	h.pace(w)
	out := object{"status": d.State}
	if d.Error.Code != "" {
		out["error"] = d.Error
	}
	writeJSON(w, http.StatusOK, out)
}

// deploy evaluates a template and makes its resources in the background.
func (h *Hub) deploy(w http.ResponseWriter, r request, name string) {
	raw, _ := json.Marshal(r.body["properties"])
	decoded, err := template.Decode(raw)
	props := obj(decoded)
	if err != nil || obj(props["template"]) == nil {
		writeError(w, fail(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid: a template is required."))
		return
	}
	h.world.mu.Lock()
	group := h.world.Groups[lower(r.group)]
	h.world.mu.Unlock()
	if group == nil {
		writeError(w, noGroup(r.group))
		return
	}
	place := template.Place{SubscriptionID: h.cfg.SubscriptionID, TenantID: h.cfg.TenantID, Group: r.group, Location: h.cfg.Region, Deployment: name}
	ev, err := template.New(obj(props["template"]), obj(props["parameters"]), place)
	var resources []*template.Resource
	if err == nil {
		resources, err = ev.Resources()
	}
	if err != nil {
		writeError(w, fail(http.StatusBadRequest, "InvalidTemplate", "Deployment template validation failed: '%v'.", err))
		return
	}
	if e := h.preflight(name, resources); e.Code != "" {
		writeError(w, e)
		return
	}
	h.run(w, r, name, str(props["mode"]), ev, resources)
}

// preflight is ARM's own look at the quotas before anything is made.
func (h *Hub) preflight(name string, resources []*template.Resource) armError {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	want := map[string]int64{}
	for _, res := range resources {
		body, err := res.Body(nil)
		if err == nil {
			h.wants(want, res.ID, res.Type, body)
		}
	}
	e, over := h.exceeds(want)
	if !over {
		return armError{}
	}
	out := fail(http.StatusBadRequest, "InvalidTemplateDeployment", "The template deployment '%s' is not valid according to the validation procedure. The tracking id is '%s'. See inner errors for details.", name, newGUID())
	e.Code = "QuotaExceeded"
	out.Details = []armError{e}
	return out
}

func (h *Hub) run(w http.ResponseWriter, r request, name, mode string, ev *template.Evaluation, resources []*template.Resource) {
	d := &deployment{ID: h.deploymentID(r.group, name), Name: name, Group: r.group, Mode: mode, State: "Running", Begun: time.Now(), Parameters: ev.Parameters(), Status: strconv.FormatInt(time.Now().UnixNano(), 10)}
	for _, res := range resources {
		d.Operations = append(d.Operations, &step{ID: strings.ToUpper(strings.ReplaceAll(newGUID(), "-", ""))[:16], Kind: res.Type, Name: res.Name, TargetID: res.ID})
	}
	h.world.mu.Lock()
	h.world.Deployments[lower(d.ID)] = d
	h.world.changed()
	doc := d.document()
	h.world.mu.Unlock()
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		h.make(d, ev, resources)
	}()
	w.Header().Set("Azure-AsyncOperation", h.cfg.base()+h.subID()+"/resourcegroups/"+r.group+"/providers/Microsoft.Resources/deployments/"+name+"/operationStatuses/"+d.Status+"?api-version=2019-10-01")
	h.pace(w)
	writeJSON(w, http.StatusCreated, doc)
}

// make makes all resources, each as soon as those that it needs are there.
func (h *Hub) make(d *deployment, ev *template.Evaluation, resources []*template.Resource) {
	done := make([]chan bool, len(resources))
	for i := range done {
		done[i] = make(chan bool)
	}
	facts := sync.OnceValue(func() *ClusterFacts { return h.clusterFacts(d.Group, ev) })
	var wg sync.WaitGroup
	ok := make([]bool, len(resources))
	for i, res := range resources {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer close(done[i])
			for _, n := range res.Needs {
				<-done[n]
				if !ok[n] {
					return
				}
			}
			ok[i] = h.makeOne(d, d.Operations[i], res, facts)
		}()
	}
	wg.Wait()
	h.conclude(d, ev)
}

func (h *Hub) makeOne(d *deployment, s *step, res *template.Resource, facts func() *ClusterFacts) bool {
	h.note(s, "Running", armError{})
	if res.IsDeployment() {
		h.wait(h.ctx, 5)
		h.note(s, "Succeeded", armError{})
		return true
	}
	body, err := res.Body(h.reference)
	if err != nil {
		h.note(s, "Failed", fail(http.StatusBadRequest, "InvalidTemplate", "%v", err))
		return false
	}
	a, _ := h.addressOf(strings.Split(strings.Trim(res.ID, "/"), "/"))
	h.world.mu.Lock()
	_, e := h.place(a, body)
	h.world.mu.Unlock()
	if e.Code == "" {
		var cluster *ClusterFacts
		if lower(a.kind) == lower(typeExtension) {
			cluster = facts()
		}
		e = h.settle(h.ctx, a, cluster)
	}
	if e.Code != "" {
		h.note(s, "Failed", e)
		return false
	}
	h.note(s, "Succeeded", armError{})
	return true
}

func (h *Hub) note(s *step, state string, e armError) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	s.State, s.Error = state, e
	if state == "Running" {
		s.Begun = time.Now()
	} else {
		s.Ended = time.Now()
	}
	h.world.changed()
}

// reference answers reference() in templates. It is called without mu.
func (h *Hub) reference(id, _ string, full bool) (any, error) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	res := h.world.Resources[lower(id)]
	if res == nil {
		return nil, fail(http.StatusNotFound, "ResourceNotFound", "The Resource '%s' was not found.", id)
	}
	if full {
		return clone(res), nil
	}
	return clone(obj(res["properties"])), nil
}

func (h *Hub) conclude(d *deployment, ev *template.Evaluation) {
	var inner []armError
	h.world.mu.Lock()
	for _, s := range d.Operations {
		if s.State == "Failed" {
			text, _ := json.MarshalIndent(object{"status": "Failed", "error": object{"code": "ResourceDeploymentFailure", "message": "The resource operation completed with terminal provisioning state 'Failed'.", "details": []armError{s.Error}}}, "", "  ")
			inner = append(inner, armError{Code: "Conflict", Message: string(text)})
		}
	}
	h.world.mu.Unlock()
	outputs, err := object(nil), error(nil)
	if inner == nil {
		outputs, err = ev.Outputs(h.reference)
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	d.State, d.Ended, d.Outputs = "Succeeded", time.Now(), outputs
	if err != nil {
		inner = append(inner, armError{Code: "DeploymentOutputEvaluationFailed", Message: err.Error()})
	}
	if inner != nil {
		d.State = "Failed"
		d.Error = armError{Code: "DeploymentFailed", Message: "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-debug for usage details.", Details: inner}
	}
	h.world.changed()
}

// clusterFacts reads from an AKS Engine template what cluster it makes.
func (h *Hub) clusterFacts(group string, ev *template.Evaluation) *ClusterFacts {
	c := &ClusterFacts{Group: group, PEM: map[string][]byte{}}
	for _, name := range []string{"caCertificate", "caPrivateKey", "apiServerCertificate", "apiServerPrivateKey", "clientCertificate", "clientPrivateKey",
		"etcdServerCertificate", "etcdServerPrivateKey", "etcdClientCertificate", "etcdClientPrivateKey"} {
		v, _ := ev.Parameter(name)
		if raw, err := base64.StdEncoding.DecodeString(str(v)); err == nil {
			c.PEM[lower(name)] = raw
		}
	}
	suffix, _ := ev.Parameter("nameSuffix")
	c.Suffix = str(suffix)
	if tag, err := ev.Variable("orchestratorNameVersionTag"); err == nil {
		_, c.Version, _ = strings.Cut(str(tag), ":")
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	c.IP, c.FQDN = h.masterAddress(group, c.Suffix)
	return c
}
