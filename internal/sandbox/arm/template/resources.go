package template

import (
	"errors"
	"slices"
	"strings"
)

// Resource is one resource of a template, with its loops unrolled.
type Resource struct {
	ID, Type, Name, APIVersion string
	Needs                      []int // indexes of the resources that must be there before

	ev        *Evaluation
	raw       map[string]any
	scope     *scope
	loop      string // name of its copy loop
	dependsOn []string
}

// outsideBody are the members that don't go to the resource provider.
var outsideBody = []string{"condition", "copy", "dependsOn", "apiVersion", "resources", "comments", "metadata", "scope"}

// loopValue is a variable that a copy loop makes.
type loopValue struct{ loop map[string]any }

// Resources unrolls the template and orders it. The order of the list is the
// template's; Needs says what must come first. Errors are *Error.
func (ev *Evaluation) Resources() ([]*Resource, error) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	var out []*Resource
	for _, r := range list(ev.doc, "resources") {
		m, ok := r.(map[string]any)
		if !ok {
			return nil, errorf("The template resource is not an object.")
		}
		more, err := ev.unroll(m, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	seen := map[string]bool{}
	for _, r := range out {
		key := strings.ToLower(r.ID)
		if seen[key] {
			return nil, errorf("The resource '%s' at line '1' and column '1' is defined multiple times in a template. Please see https://aka.ms/arm-template/#resources for usage details.", r.Type+"/"+r.Name)
		}
		seen[key] = true
	}
	if err := ev.order(out); err != nil {
		return nil, err
	}
	return out, nil
}

// unroll makes the resources of one entry: as many as its loop says, none when
// its condition is false, and its children.
func (ev *Evaluation) unroll(m map[string]any, parent *Resource) ([]*Resource, error) {
	base := &scope{ev: ev}
	if parent != nil {
		base = parent.scope
	}
	loop := object(m, "copy")
	if loop == nil {
		return ev.one(m, parent, base, "")
	}
	name := text(loop, "name")
	n, err := base.count(loop)
	if err != nil {
		return nil, within(err, "resource", text(m, "name"))
	}
	var out []*Resource
	for i := range n {
		r, err := ev.one(m, parent, base.within(name, i), name)
		if err != nil {
			return nil, err
		}
		out = append(out, r...)
	}
	return out, nil
}

func (ev *Evaluation) one(m map[string]any, parent *Resource, s *scope, loop string) ([]*Resource, error) {
	r := &Resource{ev: ev, raw: m, scope: s, loop: loop}
	if keep, err := r.head(m); err != nil {
		return nil, within(err, "resource", text(m, "name"))
	} else if !keep {
		return nil, nil
	}
	if parent != nil {
		if !strings.Contains(r.Type, "/") {
			r.Type, r.Name = parent.Type+"/"+r.Type, parent.Name+"/"+r.Name
		}
		r.dependsOn = append(r.dependsOn, parent.ID)
	}
	names := strings.Split(r.Name, "/")
	path, err := typedPath(r.Type, names)
	if err != nil {
		return nil, errorf("The template resource '%s' for type '%s' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name.", r.Name, r.Type)
	}
	r.ID = ev.ID(path)
	out := []*Resource{r}
	for _, c := range list(m, "resources") {
		child, ok := c.(map[string]any)
		if !ok {
			return nil, errorf("The template resource '%s' is not valid: a child is not an object.", r.Name)
		}
		more, err := ev.unroll(child, r)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// head evaluates what is needed before anything runs; false when the
// resource's condition is not met.
func (r *Resource) head(m map[string]any) (bool, error) {
	if cond, ok := lookup(m, "condition"); ok {
		v, err := r.scope.value(cond)
		if err != nil {
			return false, err
		}
		b, err := toBool(v)
		if err != nil {
			return false, errorf("the condition is neither true nor false: '%s'", short(show(v)))
		}
		if b == false {
			return false, nil
		}
	}
	for key, into := range map[string]*string{"type": &r.Type, "name": &r.Name, "apiVersion": &r.APIVersion} {
		raw, _ := lookup(m, key)
		v, err := r.scope.value(raw)
		if err != nil {
			return false, err
		}
		s, ok := v.(string)
		if !ok || s == "" {
			return false, errorf("the property '%s' must be a string that is not empty", key)
		}
		*into = s
	}
	for _, raw := range list(m, "dependsOn") {
		v, err := r.scope.value(raw)
		if err != nil {
			return false, err
		}
		s, ok := v.(string)
		if !ok {
			return false, errorf("dependsOn holds %s, not a string", kind(v))
		}
		r.dependsOn = append(r.dependsOn, s)
	}
	return true, nil
}

// Body evaluates what goes to the resource provider. ref answers reference();
// with nil an error that is ErrRuntime says that the body needs it.
func (r *Resource) Body(ref Reference) (map[string]any, error) {
	r.ev.mu.Lock()
	defer r.ev.mu.Unlock()
	return r.body(ref)
}

func (r *Resource) body(ref Reference) (map[string]any, error) {
	s := *r.scope
	s.ref = ref
	out := map[string]any{}
	for k, v := range r.raw {
		if slices.ContainsFunc(outsideBody, func(o string) bool { return strings.EqualFold(o, k) }) {
			continue
		}
		// A nested template's own expressions are evaluated when it is deployed.
		if strings.EqualFold(k, "properties") && r.IsDeployment() {
			out[k] = v
			continue
		}
		e, err := s.value(v)
		if err != nil {
			if errors.Is(err, ErrRuntime) {
				return nil, err
			}
			return nil, within(err, "resource", r.Name)
		}
		out[k] = e
	}
	out["type"], out["name"] = r.Type, r.Name
	return out, nil
}

// IsDeployment tells a nested deployment from an ordinary resource.
func (r *Resource) IsDeployment() bool {
	return strings.EqualFold(r.Type, "Microsoft.Resources/deployments")
}

// Nested answers the template inside a nested deployment, ready to evaluate.
func (r *Resource) Nested(ref Reference) (*Evaluation, error) {
	props := object(r.raw, "properties")
	inner := object(props, "template")
	if inner == nil {
		return nil, errorf("The template resource '%s' is not valid: it has no template, and linked templates are not supported.", r.Name)
	}
	where := r.ev.where
	where.Deployment = r.Name
	opts := object(props, "expressionEvaluationOptions")
	if !strings.EqualFold(text(opts, "scope"), "inner") {
		return r.ev.Nested(inner, r.Name), nil
	}
	r.ev.mu.Lock()
	s := *r.scope
	s.ref = ref
	params, err := s.value(object(props, "parameters"))
	r.ev.mu.Unlock()
	if err != nil {
		return nil, within(err, "resource", r.Name)
	}
	given, _ := params.(map[string]any)
	return New(inner, given, where)
}

// Outputs evaluates the outputs: {"name":{"type":…,"value":…}}.
func (ev *Evaluation) Outputs(ref Reference) (map[string]any, error) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	s := &scope{ev: ev, ref: ref}
	out := map[string]any{}
	for name, o := range object(ev.doc, "outputs") {
		decl, _ := o.(map[string]any)
		if cond, ok := lookup(decl, "condition"); ok {
			v, err := s.value(cond)
			if err != nil {
				return nil, within(err, "output", name)
			}
			if v == false {
				continue
			}
		}
		raw, _ := lookup(decl, "value")
		v, err := s.value(raw)
		if err != nil {
			return nil, within(err, "output", name)
		}
		out[name] = map[string]any{"type": text(decl, "type"), "value": v}
	}
	return out, nil
}
