package template

import (
	"slices"
	"strings"
	"sync"
)

// Place is where a template is deployed.
type Place struct {
	SubscriptionID   string
	SubscriptionName string
	TenantID         string
	Group, Location  string
	GroupTags        map[string]any
	Deployment       string
}

func (p Place) subscription() map[string]any {
	return map[string]any{"id": "/subscriptions/" + p.SubscriptionID, "subscriptionId": p.SubscriptionID,
		"tenantId": p.TenantID, "displayName": p.SubscriptionName}
}

func (p Place) group() map[string]any {
	tags := p.GroupTags
	if tags == nil {
		tags = map[string]any{}
	}
	return map[string]any{"id": "/subscriptions/" + p.SubscriptionID + "/resourceGroups/" + p.Group, "name": p.Group,
		"location": p.Location, "tags": tags, "properties": map[string]any{"provisioningState": "Succeeded"}}
}

// Evaluation is a template with its parameters at its place. Its methods may
// be called from several goroutines.
type Evaluation struct {
	where Place
	doc   map[string]any
	outer *Evaluation // of a nested template that is evaluated in its parent's scope

	mu      sync.Mutex
	params  map[string]any // lower-case name
	exprs   map[string]node
	vars    map[string]any
	pending map[string]bool // variables under evaluation, to find circles
}

// topLevel are the members that a template may have.
var topLevel = []string{"$schema", "contentVersion", "apiProfile", "metadata", "parameters", "variables", "functions", "resources", "outputs"}

// New binds a template to parameters, which have the form {"name":{"value":…}}.
// Errors are *Error, with ARM's words.
func New(doc, parameters map[string]any, where Place) (*Evaluation, error) {
	for k := range doc {
		if !slices.ContainsFunc(topLevel, func(t string) bool { return strings.EqualFold(t, k) }) {
			return nil, errorf("Could not find member '%s' on object of type 'Template'.", k)
		}
	}
	for _, k := range []string{"$schema", "contentVersion", "resources"} {
		if _, ok := lookup(doc, k); !ok {
			return nil, errorf("Required property '%s' not found in JSON of the template.", k)
		}
	}
	if f := list(doc, "functions"); len(f) > 0 {
		return nil, errorf("User-defined functions in templates are not supported.")
	}
	ev := &Evaluation{where: where, doc: doc, params: map[string]any{}, exprs: map[string]node{}, vars: map[string]any{}, pending: map[string]bool{}}
	return ev, ev.bind(parameters)
}

// Nested is a template inside of this one that shares its parameters and
// variables, as ARM's outer scope does.
func (ev *Evaluation) Nested(doc map[string]any, deployment string) *Evaluation {
	where := ev.where
	where.Deployment = deployment
	return &Evaluation{where: where, doc: doc, outer: ev, params: map[string]any{}, exprs: map[string]node{}, vars: map[string]any{}, pending: map[string]bool{}}
}

// Parameter answers a parameter's value, given or default.
func (ev *Evaluation) Parameter(name string) (any, bool) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	v, ok := ev.params[strings.ToLower(name)]
	return v, ok
}

// Variable answers a variable's value.
func (ev *Evaluation) Variable(name string) (any, error) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	return ev.variable(name)
}

// Parameters answers the types and values of all parameters by declared name;
// secure ones have no value.
func (ev *Evaluation) Parameters() map[string]any {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	out := map[string]any{}
	for name, d := range object(ev.doc, "parameters") {
		decl, _ := d.(map[string]any)
		typ := text(decl, "type")
		p := map[string]any{"type": typ}
		if !strings.HasPrefix(strings.ToLower(typ), "secure") {
			p["value"] = ev.params[strings.ToLower(name)]
		}
		out[name] = p
	}
	return out
}

// ID makes a full resource id of one, or of "Namespace/type/name".
func (ev *Evaluation) ID(idOrName string) string {
	if strings.HasPrefix(idOrName, "/") {
		return idOrName
	}
	return "/subscriptions/" + ev.where.SubscriptionID + "/resourceGroups/" + ev.where.Group + "/providers/" + idOrName
}

func (ev *Evaluation) parsed(expr string) (node, error) {
	if n, ok := ev.exprs[expr]; ok {
		return n, nil
	}
	n, err := parse(expr[1 : len(expr)-1])
	if err == nil {
		ev.exprs[expr] = n
	}
	return n, err
}

func (ev *Evaluation) parameter(name string) (any, error) {
	if v, ok := ev.params[strings.ToLower(name)]; ok {
		return v, nil
	}
	if ev.outer != nil {
		ev.outer.mu.Lock()
		defer ev.outer.mu.Unlock()
		return ev.outer.parameter(name)
	}
	return nil, errorf("The template parameter '%s' is not found. Please see https://aka.ms/arm-template/#parameters for usage details.", name)
}

func (ev *Evaluation) variable(name string) (any, error) {
	key := strings.ToLower(name)
	if v, ok := ev.vars[key]; ok {
		return v, nil
	}
	raw, ok := lookup(object(ev.doc, "variables"), name)
	if !ok {
		raw, ok = variableLoop(object(ev.doc, "variables"), name)
	}
	if !ok {
		if ev.outer != nil {
			ev.outer.mu.Lock()
			defer ev.outer.mu.Unlock()
			return ev.outer.variable(name)
		}
		return nil, errorf("The template variable '%s' is not found. Please see https://aka.ms/arm-template/#variables for usage details.", name)
	}
	if ev.pending[key] {
		return nil, errorf("The template variable '%s' is not valid: circular reference.", name)
	}
	ev.pending[key] = true
	defer delete(ev.pending, key)
	v, err := (&scope{ev: ev}).value(raw)
	if err != nil {
		return nil, within(err, "variable", name)
	}
	ev.vars[key] = v
	return v, nil
}

// variableLoop finds a variable that a copy in the variables makes, and turns
// it into a value with an expression that makes it.
func variableLoop(vars map[string]any, name string) (any, bool) {
	for _, e := range list(vars, "copy") {
		m, ok := e.(map[string]any)
		if ok && strings.EqualFold(text(m, "name"), name) {
			return loopValue{m}, true
		}
	}
	return nil, false
}

// within says where an error is, once.
func within(err error, what, name string) error {
	e, ok := err.(*Error)
	if !ok || strings.HasPrefix(e.Text, "The template ") && strings.Contains(e.Text, "is not valid: ") {
		return err
	}
	return errorf("The template %s '%s' is not valid: %s", what, short(name), e.Text)
}
