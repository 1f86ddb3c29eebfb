package charts

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

// ail notes what is wrong with a pod that is not ready.
func (e eye) ail(p *corev1.Pod) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			e.note(&workflows.Problem{
				Code: "pod.unschedulable", What: "No node takes the pod " + p.Name, Why: c.Message,
				Fix: "Scale the cluster out or ask for less CPU and memory, then retry from this step. Where the message names volumes, look at the claim and the disk driver.",
			})
		}
	}
	for _, st := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		if st.State.Waiting != nil {
			e.waiting(p, st)
		}
	}
}

func (e eye) waiting(p *corev1.Pod, st corev1.ContainerStatus) {
	w := st.State.Waiting
	switch w.Reason {
	case "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull":
		e.note(&workflows.Problem{
			Code: "pod.image", What: "The image " + st.Image + " cannot be pulled", Why: either(w.Message, w.Reason) + " (pod " + p.Name + ")",
			Fix: "Look whether the image's name and tag are right, whether the nodes reach its registry through their proxy, and whether it wants a pull secret. Correct the values, then start again.",
		})
	case "ContainerCreating", "PodInitializing":
		e.creating(p, st)
	case "CrashLoopBackOff":
		why := either(w.Message, w.Reason)
		if t := st.LastTerminationState.Terminated; t != nil {
			why = fmt.Sprintf("the container %s ended with code %d (%s) and was started again %d times", st.Name, t.ExitCode, either(t.Reason, "no reason told"), st.RestartCount)
			if said := strings.TrimSpace(t.Message); said != "" {
				why += ". It said last: " + said[strings.LastIndex(said, "\n")+1:]
			}
		}
		e.note(&workflows.Problem{
			Code: "pod.crash", What: "The pod " + p.Name + " ends again and again", Why: why,
			Fix: fmt.Sprintf("Read what it said last with kubectl -n %s logs --previous %s, correct the values, then start again.", p.Namespace, p.Name),
		})
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		e.note(&workflows.Problem{
			Code: "pod.config", What: "The pod " + p.Name + " cannot be started", Why: either(w.Message, w.Reason),
			Fix: "Make the Secret or ConfigMap that the message names, or correct the values, then retry from this step.",
		})
	}
}

// creating is for a container that the node still prepares: its events say
// what it waits for. What cannot be asked now is asked at the next look.
func (e eye) creating(p *corev1.Pod, st corev1.ContainerStatus) {
	for _, reason := range []string{"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"} {
		if said, err := e.event("Pod", p.Namespace, p.Name, reason); err == nil && said != "" {
			e.note(&workflows.Problem{
				Code: "pod.prepare", What: "The node cannot prepare the pod " + p.Name, Why: said,
				Fix: "Mend what the message names: a volume that another node holds, a Secret that is missing, the network of the node. Then retry from this step.",
			})
			return
		}
	}
	pulling, err := e.event("Pod", p.Namespace, p.Name, "Pulling")
	if err != nil || pulling == "" {
		return
	}
	if pulled, err := e.event("Pod", p.Namespace, p.Name, "Pulled"); err != nil || pulled != "" {
		return
	}
	e.slow = true
	e.note(&workflows.Problem{
		Code: "pod.pulling", What: "The image " + st.Image + " is still being pulled", Why: "the pod " + p.Name + " waits for it: " + pulling,
		Fix: "Look whether the nodes reach the registry, and how fast; a registry on the stamp is nearer. Then retry from this step: the pull goes on meanwhile.",
	})
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (e eye) note(p *workflows.Problem) {
	e.trouble = p
	e.Detail += "; " + p.What
}

// refused is for pods that the API server does not even take.
func (e eye) refused(message string) {
	e.note(&workflows.Problem{
		Code: "pod.refused", What: "The API server takes no pods of " + e.Name, Why: message,
		Fix: "Look at the quotas and the pod security of the namespace, then retry from this step.",
	})
}

func (e eye) claim() error {
	c, err := e.client.CoreV1().PersistentVolumeClaims(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	e.Ready, e.Detail = c.Status.Phase == corev1.ClaimBound, strings.ToLower(string(c.Status.Phase))
	if e.Ready {
		return nil
	}
	return e.unbound(c)
}

// unbound says why a claim has no disk.
func (e eye) unbound(c *corev1.PersistentVolumeClaim) error {
	p := &workflows.Problem{Code: "claim.pending", What: "The claim " + c.Name + " gets no disk"}
	name := ""
	if c.Spec.StorageClassName != nil {
		name = *c.Spec.StorageClassName
	}
	if name == "" {
		p.Why, p.Fix = "it names no storage class and the cluster has no default one", "Choose a storage class, or make one the default, then start again."
		e.note(p)
		return nil
	}
	class, err := e.client.StorageV1().StorageClasses().Get(e.ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		p.Why, p.Fix = "there is no storage class "+name, "Choose one that the cluster has, then start again."
		e.note(p)
		return nil
	case err != nil:
		return err
	}
	_, err = e.client.StorageV1().CSIDrivers().Get(e.ctx, class.Provisioner, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && strings.Contains(class.Provisioner, ".csi.") {
		p.Code, p.Why = "claim.driver", "the driver "+class.Provisioner+" of the storage class "+name+" is not on the cluster"
		p.Fix = "Install the driver: on Azure Stack Hub the Azure Disk CSI driver is not there by default. Deploying the application offers it. Then retry from this step."
		e.note(p)
		return nil
	}
	if err := unlessMissing(err); err != nil {
		return err
	}
	if said, err := e.event("PersistentVolumeClaim", c.Namespace, c.Name, "ProvisioningFailed"); err != nil || said != "" {
		p.Why, p.Fix = said, "Mend what the message names, then retry from this step."
		e.note(p)
		return err
	}
	return nil
}

func (e eye) service() error {
	s, err := e.client.CoreV1().Services(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		e.Ready = true
		return nil
	}
	if in := s.Status.LoadBalancer.Ingress; len(in) > 0 {
		e.Ready, e.Detail = true, "external address "+either(in[0].IP, in[0].Hostname)
		return nil
	}
	e.Detail = "waits for its external address"
	said, err := e.event("Service", s.Namespace, s.Name, "SyncLoadBalancerFailed")
	if err != nil || said == "" {
		return err
	}
	p := &workflows.Problem{
		Code: "service.address", What: "The Service " + s.Name + " gets no external address", Why: said,
		Fix: "Look at the load balancer and the public IP addresses of the cluster's resource group, then retry from this step.",
	}
	if strings.Contains(said, "PublicIPCountLimitReached") || strings.Contains(strings.ToLower(said), "quota") {
		p.Code, p.Fix = "service.quota", "Free a public IP address in the subscription or ask the Hub's operator for a larger quota, then retry from this step. One ingress controller can serve all applications of the cluster."
	}
	e.note(p)
	return nil
}

// event is the newest message with a reason about an object, "" when nobody
// said it.
func (e eye) event(kind, namespace, name, reason string) (string, error) {
	list, err := e.client.CoreV1().Events(namespace).List(e.ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=" + kind + ",involvedObject.name=" + name + ",reason=" + reason})
	if err != nil {
		return "", err
	}
	var newest *corev1.Event
	for i := range list.Items {
		if ev := &list.Items[i]; newest == nil || newest.LastTimestamp.Before(&ev.LastTimestamp) {
			newest = ev
		}
	}
	if newest == nil {
		return "", nil
	}
	return newest.Message, nil
}
