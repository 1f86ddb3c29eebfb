package pipelines

import (
	"encoding/json"
	"fmt"

	w "hubwright/workflows"
)

// planPods tells of the agents on the cluster. The Secret's contents are in no
// part of it.
func (f flow) planPods(s *State, p *w.Plan) error {
	chart, err := f.Chart(agentChart)
	if err != nil {
		return err
	}
	values, err := json.MarshalIndent(podsValues(s), "", "  ")
	if err != nil {
		return err
	}
	p.Duration = "about three minutes, and the time to pull the image"
	p.Summary = append(p.Summary, w.SummaryItem{Label: "Image of the agents", Value: s.Pods.Image, Page: "pods"})
	p.Changes = append(p.Changes,
		w.Change{Verb: "create", What: "Namespace " + s.Pods.Namespace, Note: "if it is not there"},
		w.Change{Verb: "create", What: "Secret " + secretOf(s.Agent), Note: "in " + s.Pods.Namespace + ", with the token; no other pod mounts it"},
		w.Change{Verb: "install", What: "Agents " + s.Agent, Note: fmt.Sprintf("%d pods in the pool %s, with a service account without rights, a disruption budget, and a network policy that lets nothing in; chart %s %s, built in", s.Pods.Replicas, s.Pool, chart.Name, chart.Version)})
	p.Documents = append(p.Documents, w.Document{Name: s.Agent + "-values.json", MIME: "application/json", Body: string(values)})
	p.Commands = append(p.Commands, w.Command{Title: "For the agents, on the cluster", Text: "kubectl create namespace " + s.Pods.Namespace +
		"\nkubectl -n " + s.Pods.Namespace + " create secret generic " + secretOf(s.Agent) + " --from-file=token=FILE" +
		"\nhelm upgrade --install -n " + s.Pods.Namespace + " " + s.Agent + " ./" + agentChart + " -f " + s.Agent + "-values.json --wait"})
	return nil
}
