package sandbox

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/loganalytics"
)

// What the agent of Azure Monitor is called in a cluster.
const (
	agentNamespace  = "kube-system"
	agentDaemonSet  = "ama-logs"
	agentDeployment = "ama-logs-rs"
	agentSecret     = "ama-logs-secret"
	agentNameEnv    = "ACS_RESOURCE_NAME"
)

// openMonitoring puts Log Analytics behind the door.
func (w *World) openMonitoring() {
	w.analytics = loganalytics.New(loganalytics.Config{Azure: w.azure, Agents: w.agents, Refuse: w.refuseQuery})
	w.play(loganalytics.QueryHost, "", w.public, w.analytics.QueryHandler(), false)
}

// refuseQuery checks a token for the query API.
func (w *World) refuseQuery(r *http.Request) (int, string) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := w.azureLogin.Verify(token)
	switch {
	case errors.Is(err, identity.ErrAudience) || err == nil && claims.Audience != loganalytics.QueryAudience:
		return http.StatusUnauthorized, "The token is for another audience"
	case err != nil:
		return http.StatusUnauthorized, "The token is not valid"
	}
	return 0, ""
}

// agents looks for the monitoring agent in every cluster that runs.
func (w *World) agents(ctx context.Context) []loganalytics.Agent {
	var out []loganalytics.Agent
	for _, id := range w.clusters.Running() {
		client, err := w.clusters.Client(id)
		if err != nil {
			continue
		}
		if a, err := agentOf(ctx, client); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// agentOf is a cluster's agent with what it would have sent. Both of its
// workloads have to be there: the Deployment tells of nodes and pods.
func agentOf(ctx context.Context, client kubernetes.Interface) (loganalytics.Agent, error) {
	var a loganalytics.Agent
	set, err := client.AppsV1().DaemonSets(agentNamespace).Get(ctx, agentDaemonSet, metav1.GetOptions{})
	if err != nil {
		return a, err
	}
	teller, err := client.AppsV1().Deployments(agentNamespace).Get(ctx, agentDeployment, metav1.GetOptions{})
	if err != nil {
		return a, err
	}
	secret, err := client.CoreV1().Secrets(agentNamespace).Get(ctx, agentSecret, metav1.GetOptions{})
	if err != nil {
		return a, err
	}
	a.WorkspaceID, a.Key = string(secret.Data["WSID"]), string(secret.Data["KEY"])
	for _, c := range set.Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			if e.Name == agentNameEnv && a.ClusterName == "" {
				a.ClusterName = e.Value
			}
		}
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return a, err
	}
	a.ReadySince = readySince(pods.Items, teller)
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return a, err
	}
	events, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{Limit: 100})
	if err != nil {
		return a, err
	}
	tell(&a, nodes.Items, pods.Items, events.Items)
	return a, nil
}

// readySince is when the pod of the agent's Deployment got ready, zero while
// it is not.
func readySince(pods []corev1.Pod, teller *appsv1.Deployment) time.Time {
	selector, err := metav1.LabelSelectorAsSelector(teller.Spec.Selector)
	if err != nil {
		return time.Time{}
	}
	for _, p := range pods {
		if p.Namespace != agentNamespace || p.DeletionTimestamp != nil || !strings.HasPrefix(p.Name, agentDeployment+"-") {
			continue
		}
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && selector.Matches(labels.Set(p.Labels)) {
				return c.LastTransitionTime.Time
			}
		}
	}
	return time.Time{}
}

// tell fills in what the agent sees.
func tell(a *loganalytics.Agent, nodes []corev1.Node, pods []corev1.Pod, events []corev1.Event) {
	for _, n := range nodes {
		status := "NotReady"
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				status = "Ready"
			}
		}
		a.Nodes = append(a.Nodes, loganalytics.Node{Name: n.Name, Status: status, Version: n.Status.NodeInfo.KubeletVersion})
	}
	for _, p := range pods {
		controller := ""
		if c := metav1.GetControllerOf(&p); c != nil {
			controller = c.Name
		}
		a.Pods = append(a.Pods, loganalytics.Pod{Name: p.Name, UID: string(p.UID), Namespace: p.Namespace, Controller: controller, Node: p.Spec.NodeName, Status: string(p.Status.Phase)})
	}
	for _, e := range events {
		a.Events = append(a.Events, loganalytics.Event{Name: e.InvolvedObject.Name, Namespace: e.Namespace, Kind: e.InvolvedObject.Kind, Type: e.Type, Reason: e.Reason, Message: e.Message})
	}
}

// Analytics is the emulated Log Analytics.
func (w *World) Analytics() *loganalytics.Service { return w.analytics }
