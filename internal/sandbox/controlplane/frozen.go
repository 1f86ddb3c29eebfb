package controlplane

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The workload that cannot be moved.
const (
	frozenNamespace = metav1.NamespaceDefault
	frozenName      = "unmovable"
)

// Freeze runs a pod on every node of the cluster, under a disruption budget
// that lets none of them be evicted.
func (m *Manager) Freeze(ctx context.Context, id string) error {
	r, err := m.running(id)
	if err != nil {
		return err
	}
	nodes, err := r.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	app := object{"app": frozenName}
	meta := object{"name": frozenName, "namespace": frozenNamespace}
	for path, manifest := range map[string]object{
		"/apis/apps/v1/namespaces/" + frozenNamespace + "/deployments/" + frozenName: {
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
			"spec": object{
				"replicas": len(nodes.Items), "selector": object{"matchLabels": app},
				"template": object{"metadata": object{"labels": app}, "spec": object{
					"tolerations":               []object{{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}},
					"topologySpreadConstraints": []object{{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": object{"matchLabels": app}}},
					"containers":                []object{{"name": frozenName, "image": images + "pause:3.9"}},
				}},
			},
		},
		"/apis/policy/v1/namespaces/" + frozenNamespace + "/poddisruptionbudgets/" + frozenName: {
			"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta,
			"spec": object{"maxUnavailable": 0, "selector": object{"matchLabels": app}},
		},
	} {
		if err := r.apply(ctx, path, manifest); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// Thaw takes away what Freeze made.
func (m *Manager) Thaw(ctx context.Context, id string) error {
	r, err := m.running(id)
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	how := metav1.DeleteOptions{PropagationPolicy: &background}
	present := func(err error) error {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	return errors.Join(
		present(r.client.PolicyV1().PodDisruptionBudgets(frozenNamespace).Delete(ctx, frozenName, how)),
		present(r.client.AppsV1().Deployments(frozenNamespace).Delete(ctx, frozenName, how)))
}
