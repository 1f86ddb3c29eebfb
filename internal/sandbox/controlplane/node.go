package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Node is a VM as its kubelet would register it.
type Node struct {
	Name string // the VM's name; the Node's is the same in lower case
	// Pool is "master" for the control plane, else the name of the agent pool.
	Pool string
	// Version of the kubelet, such as "1.33.10".
	Version string
	// VMSize is the Azure size, such as "Standard_D2_v2"; CPUs and MemoryMiB are what it has. 0 stands for 2 and 7168.
	VMSize          string
	CPUs, MemoryMiB int
	// StorageTier of the VM's disks; "" stands for Premium_LRS.
	StorageTier                 string
	Subscription, ResourceGroup string
	IP                          string // private, such as 10.240.0.4; only data
	// Taints are those of the pool's kubelets, as "key=value:Effect" or "key:Effect". Masters have theirs anyway.
	Taints []string
	// Labels are those of the pool (customNodeLabels).
	Labels map[string]string
}

// AddNode registers the node, or updates it when a VM of that name was made anew, and returns when it is Ready. A
// master's static pods are created too.
func (m *Manager) AddNode(ctx context.Context, id string, n Node) error {
	r, err := m.running(id)
	if err != nil {
		return err
	}
	want, err := nodeObject(n, &r.spec)
	if err != nil {
		return err
	}
	if err := r.register(ctx, want); err != nil {
		return fmt.Errorf("node %s: %w", want.Name, err)
	}
	err = r.waitNode(ctx, want.Name, func(node *corev1.Node) bool {
		return readiness(node) == corev1.ConditionTrue && node.Status.NodeInfo.KubeletVersion == want.Status.NodeInfo.KubeletVersion
	})
	if err != nil {
		return fmt.Errorf("node %s did not get Ready: %w", want.Name, err)
	}
	if n.Pool != masterPool {
		return nil
	}
	return r.staticPods(ctx, want.Name, n.Version)
}

// register creates the Node or brings an old one to the new VM's state. As with kubelets, labels are renewed, while
// taints and "unschedulable" stay as they are.
func (r *running) register(ctx context.Context, want *corev1.Node) error {
	nodes := r.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, want, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	status, err := json.Marshal(map[string]any{"status": map[string]any{
		"nodeInfo": want.Status.NodeInfo, "addresses": want.Status.Addresses,
		"capacity": want.Status.Capacity, "allocatable": want.Status.Allocatable,
	}})
	if err != nil {
		return err
	}
	if _, err := nodes.Patch(ctx, want.Name, types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	meta, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": want.Labels}})
	if err != nil {
		return err
	}
	_, err = nodes.Patch(ctx, want.Name, types.MergePatchType, meta, metav1.PatchOptions{})
	return err
}

// NodePower switches the node's VM on or off and returns when the Node says so: Ready or, from a kubelet that went
// silent, Unknown. Its pods stay; the node controller evicts them as on a stamp. A node that doesn't exist is no error
// when it is switched off.
func (m *Manager) NodePower(ctx context.Context, id, name string, on bool) error {
	r, err := m.running(id)
	if err != nil {
		return err
	}
	boot, want := bootOff, corev1.ConditionUnknown
	if on {
		boot, want = uuid.NewString(), corev1.ConditionTrue
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"nodeInfo": map[string]any{"bootID": boot}}})
	if err != nil {
		return err
	}
	name = strings.ToLower(name)
	_, err = r.client.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) && !on {
		return nil
	}
	if err != nil {
		return fmt.Errorf("node %s: %w", name, err)
	}
	if err := r.waitNode(ctx, name, func(node *corev1.Node) bool { return readiness(node) == want }); err != nil {
		return fmt.Errorf("node %s: its readiness did not get %s: %w", name, want, err)
	}
	return nil
}

// RemoveNode deletes the Node and at once its pods, which the garbage collector would take a minute for. A node that
// doesn't exist is no error.
func (m *Manager) RemoveNode(ctx context.Context, id, name string) error {
	r, err := m.running(id)
	if err != nil {
		return err
	}
	name = strings.ToLower(name)
	if err := r.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("node %s: %w", name, err)
	}
	pods, err := r.podsOn(ctx, name)
	if err != nil {
		return err
	}
	var errs []error
	now := int64(0)
	for _, pod := range pods {
		err := r.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Nodes lists the names of the cluster's nodes.
func (m *Manager) Nodes(ctx context.Context, id string) ([]string, error) {
	r, err := m.running(id)
	if err != nil {
		return nil, err
	}
	list, err := r.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list.Items))
	for _, n := range list.Items {
		names = append(names, n.Name)
	}
	return names, nil
}

// Undrained names the pods ("namespace/name") that a drain of the node would have moved: all but those of DaemonSets,
// static ones and those that have ended. A VM that is deleted while there are any takes them down with it.
func (m *Manager) Undrained(ctx context.Context, id, name string) ([]string, error) {
	r, err := m.running(id)
	if err != nil {
		return nil, err
	}
	pods, err := r.podsOn(ctx, strings.ToLower(name))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, pod := range pods {
		owner := metav1.GetControllerOf(&pod)
		stays := owner != nil && (owner.Kind == "DaemonSet" || owner.Kind == "Node")
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.DeletionTimestamp != nil
		if !stays && !ended {
			names = append(names, pod.Namespace+"/"+pod.Name)
		}
	}
	return names, nil
}

func (r *running) podsOn(ctx context.Context, node string) ([]corev1.Pod, error) {
	list, err := r.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", node, err)
	}
	return list.Items, nil
}

func readiness(node *corev1.Node) corev1.ConditionStatus {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return ""
}

// nodeTimeout is how long a node may take to get into the wanted state, which is done in a second.
const nodeTimeout = time.Minute

// waitNode polls the node until done likes it.
func (r *running) waitNode(ctx context.Context, name string, done func(*corev1.Node) bool) error {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	for {
		node, err := r.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err == nil && done(node) {
			return nil
		}
		if apierrors.IsNotFound(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
