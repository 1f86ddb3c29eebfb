package charts

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

// explain puts an error of Helm, the API server or the way to it into words.
func explain(what string, err error) error {
	var p *workflows.Problem
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &p) {
		return err
	}
	text := err.Error()
	p = &workflows.Problem{Code: "helm.failed", What: what + " did not work", Why: text, Detail: text}
	switch {
	case strings.Contains(text, "values don't meet the specifications of the schema"):
		return badValues(schemaWords(text))
	case apierrors.IsForbidden(err) || strings.Contains(text, "is forbidden"):
		p.Code, p.Fix = "helm.forbidden", "Use the cluster-admin kubeconfig of the deploy, or give the account the right that the message names."
	case strings.Contains(text, "no matches for kind"):
		p.Code, p.Fix = "helm.kind", "The chart is for another Kubernetes version, or needs definitions (CRDs) that another chart brings. Choose a version of the chart that fits."
	case strings.Contains(text, "which is incompatible with Kubernetes"):
		p.Code, p.Fix = "helm.kubernetes", "Choose a version of the chart that is made for this cluster's Kubernetes, or upgrade the cluster."
	case strings.Contains(text, "1048576 bytes"), strings.Contains(text, "etcdserver: request is too large"):
		p.Code, p.What, p.Fix = "helm.size", "The chart is too large for a release", "Helm keeps the whole chart in one Secret of the cluster, of 1 MiB at most. Take out of the archive what the templates do not need, such as documents, tests and parts that are switched off, and put large definitions (CRDs) on the cluster before."
	case strings.Contains(text, "field is immutable"):
		p.Code, p.Fix = "helm.immutable", "Kubernetes does not let this be changed in place, so the one chart cannot take the other's place. Take the release away first, or choose another name, namespace and class for the new one."
	case strings.Contains(text, "cannot be imported into the current release"), strings.Contains(text, "already exists"):
		p.Code, p.Fix = "helm.taken", "The object that the message names belongs to something else. Choose another release name or namespace, or remove the object."
	case strings.Contains(text, "execution error at"), strings.Contains(text, "template:"):
		p.Code, p.Fix = "helm.template", "The chart cannot be rendered with these values. Change the value that the message names."
	default:
		if n := problem.Network(err, "the API server"); n.Code != "net.failed" {
			return n
		}
		p.Fix = "Mend what the message names, then retry from this step."
	}
	return p
}

func badValues(why string) error {
	return &workflows.Problem{Code: "helm.values", What: "The chart does not take these values", Why: why, Fix: "Correct the values that are named."}
}

// schemaWords are the lines of a schema's complaint, in one.
func schemaWords(text string) string {
	rest := text
	if _, after, ok := strings.Cut(text, "chart(s):"); ok {
		rest = after
	}
	var lines []string
	for line := range strings.Lines(rest) {
		line = strings.TrimLeft(strings.TrimSpace(line), "- ")
		if line != "" && !strings.HasSuffix(line, ":") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return text
	}
	return strings.Join(lines, "; ")
}
