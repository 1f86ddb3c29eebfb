package template

import "strings"

// order fills Needs from dependsOn and from reference() in the bodies, and
// refuses circles.
func (ev *Evaluation) order(all []*Resource) error {
	index := map[string][]int{}
	put := func(key string, i int) {
		key = strings.ToLower(key)
		index[key] = append(index[key], i)
	}
	for i, r := range all {
		put(r.ID, i)
		_, path, _ := strings.Cut(r.ID, "/providers/")
		put(path, i)
		put(r.Type+"/"+r.Name, i)
		put(r.Name, i)
		if r.loop != "" {
			put(r.loop, i)
		}
	}
	for i, r := range all {
		seen := map[int]bool{i: true}
		for _, d := range append(r.dependsOn, ev.referenced(r)...) {
			// A name that is not in the template is left out: AKS Engine's
			// reduced templates still name resources of the full one.
			for _, j := range index[strings.ToLower(d)] {
				if !seen[j] {
					seen[j] = true
					r.Needs = append(r.Needs, j)
				}
			}
		}
	}
	return refuseCircles(all)
}

// referenced lists the ids that a body asks reference() for, as far as they
// are known before anything is deployed.
func (ev *Evaluation) referenced(r *Resource) []string {
	var ids []string
	var inNode func(node)
	inNode = func(n node) {
		switch t := n.(type) {
		case call:
			if strings.EqualFold(t.name, "reference") && len(t.args) > 0 {
				if v, err := t.args[0].eval(r.scope); err == nil {
					if id, ok := v.(string); ok {
						ids = append(ids, ev.ID(id), id)
					}
				}
			}
			for _, a := range t.args {
				inNode(a)
			}
		case member:
			inNode(t.of)
		case element:
			inNode(t.of)
			inNode(t.index)
		}
	}
	var inValue func(any)
	inValue = func(v any) {
		switch t := v.(type) {
		case string:
			if isExpression(t) {
				if n, err := ev.parsed(t); err == nil {
					inNode(n)
				}
			}
		case []any:
			for _, e := range t {
				inValue(e)
			}
		case map[string]any:
			for _, e := range t {
				inValue(e)
			}
		}
	}
	inValue(object(r.raw, "properties"))
	return ids
}

func refuseCircles(all []*Resource) error {
	const (
		fresh = iota
		open
		done
	)
	state := make([]int, len(all))
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case open:
			return errorf("Circular dependency detected on resource: '%s'. Please see https://aka.ms/arm-syntax-resources for usage details.", all[i].ID)
		case done:
			return nil
		}
		state[i] = open
		for _, j := range all[i].Needs {
			if err := visit(j); err != nil {
				return err
			}
		}
		state[i] = done
		return nil
	}
	for i := range all {
		if err := visit(i); err != nil {
			return err
		}
	}
	return nil
}
