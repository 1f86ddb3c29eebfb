package charts

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"hubwright/workflows"
)

func jobFailed(namespace, name, why string) *workflows.Problem {
	return &workflows.Problem{
		Code: "job.failed", What: "The Job " + name + " failed", Why: why,
		Fix: fmt.Sprintf("Read its log with kubectl -n %s logs job/%s, mend what it names, then retry from this step.", namespace, name),
	}
}

// swept is for a Job that is not there. One that says that it goes when it has
// ended (ttlSecondsAfterFinished) may be gone before anybody looks: then its
// events say how it ended, or, of one from an earlier day, nothing is left.
func (e eye) swept(object runtime.Object, notFound error) error {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return notFound
	}
	if _, goes, _ := unstructured.NestedFieldNoCopy(fields, "spec", "ttlSecondsAfterFinished"); !goes {
		return notFound
	}
	uid, _, _ := unstructured.NestedString(fields, "metadata", "uid")
	if uid == "" { // it is looked at by its manifest: nobody waits for it now
		e.Ready, e.Detail = true, "gone after its end"
		return nil
	}
	events, err := e.client.CoreV1().Events(e.Namespace).List(e.ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + uid})
	if err != nil {
		return err
	}
	for _, ev := range events.Items {
		switch ev.Reason {
		case "Completed":
			e.Ready, e.Detail = true, "complete, and gone after its end"
			return nil
		case "BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy":
			e.Detail, e.final = "failed: "+ev.Message, true
			e.trouble = jobFailed(e.Namespace, e.Name, ev.Message)
			return nil
		}
	}
	return notFound
}
