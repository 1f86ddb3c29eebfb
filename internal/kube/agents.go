package kube

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Agent is a workload of an agent that sends what a cluster does to Azure
// Monitor.
type Agent struct {
	Kind, Namespace, Name string
	Ready, Want           int
	Settled               bool   // the newest pods have replaced the older ones
	Release               string // Helm release that made it; "" when none did
}

// agentNames are the workloads of the agent's two generations.
var agentNames = []string{"omsagent", "omsagent-rs", "omsagent-win", "ama-logs", "ama-logs-rs", "ama-logs-windows"}

// releaseMark is what Helm writes on what it makes.
const releaseMark = "meta.helm.sh/release-name"

// Agents are the workloads of Azure Monitor's agents, whoever made them.
func (c *Cluster) Agents(ctx context.Context) ([]Agent, error) {
	var out []Agent
	sets, err := c.client.AppsV1().DaemonSets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("The daemon sets cannot be listed", err)
	}
	for _, d := range sets.Items {
		if slices.Contains(agentNames, d.Name) {
			st := d.Status
			out = append(out, Agent{"DaemonSet", d.Namespace, d.Name, int(st.NumberReady), int(st.DesiredNumberScheduled),
				st.ObservedGeneration >= d.Generation && st.UpdatedNumberScheduled >= st.DesiredNumberScheduled, d.Annotations[releaseMark]})
		}
	}
	deployments, err := c.client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("The deployments cannot be listed", err)
	}
	for _, d := range deployments.Items {
		if slices.Contains(agentNames, d.Name) {
			want := 1
			if d.Spec.Replicas != nil {
				want = int(*d.Spec.Replicas)
			}
			st := d.Status
			out = append(out, Agent{"Deployment", d.Namespace, d.Name, int(st.ReadyReplicas), want,
				st.ObservedGeneration >= d.Generation && int(st.UpdatedReplicas) >= want, d.Annotations[releaseMark]})
		}
	}
	return out, nil
}

// EnsureSecret makes a Secret, and its namespace, unless there is one of that
// name: that stays as it is. made says which it was.
func (c *Cluster) EnsureSecret(ctx context.Context, namespace, name string, data map[string]string) (made bool, err error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := c.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return false, explain("Making the namespace "+namespace, err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app.kubernetes.io/managed-by": "hubwright"}}, StringData: data}
	_, err = c.client.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, explain("Making the Secret "+name, err)
}
