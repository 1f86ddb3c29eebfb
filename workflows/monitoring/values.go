package monitoring

import (
	"encoding/json"
	"maps"

	w "hubwright/workflows"
)

// grafanaSecret has the name and password that Grafana lets in.
const grafanaSecret = "hubwright-grafana"

type object = map[string]any

// agentValues are what the agent's chart is given, with the person's own below.
// JSON is YAML.
func (f flow) agentValues(s *State, customerID, key, proxy string) (string, error) {
	ours := object{"amalogs": object{
		"secret": object{"wsid": customerID, "key": key},
		"env":    object{"clusterName": s.Agent.ClusterName},
	}}
	if proxy != "" {
		ours["amalogs"].(object)["proxy"] = proxy
	}
	return f.over(s.Values, ours)
}

// stackValues are what the chart of Prometheus and Grafana is given: Grafana's
// password comes from a Secret, since the chart's own one is known to all.
func (f flow) stackValues(s *State, c w.Chart) (string, error) {
	ours := object{}
	if has, err := f.hasGrafana(c); err != nil {
		return "", err
	} else if has {
		ours["grafana"] = object{"admin": object{"existingSecret": grafanaSecret, "userKey": "admin-user", "passwordKey": "admin-password"}}
	}
	return f.over(s.Values, ours)
}

// hasGrafana says whether a chart brings Grafana along.
func (f flow) hasGrafana(c w.Chart) (bool, error) {
	values, err := f.ReadYAML(c.Values)
	if err != nil {
		return false, err
	}
	g, ok := values["grafana"].(object)
	return ok && g["enabled"] != false, nil
}

// over lays ours over a person's values.
func (f flow) over(text string, ours object) (string, error) {
	values, err := f.ReadYAML(text)
	if err != nil {
		return "", err
	}
	out, err := json.MarshalIndent(merged(values, ours), "", "  ")
	return string(out), err
}

func merged(below, above object) object {
	out := maps.Clone(below)
	if out == nil {
		out = object{}
	}
	for k, v := range above {
		b, isMap := out[k].(object)
		if a, ok := v.(object); ok && isMap {
			out[k] = merged(b, a)
			continue
		}
		out[k] = v
	}
	return out
}
