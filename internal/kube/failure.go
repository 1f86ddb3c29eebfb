package kube

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

// explain puts an error of the API server or of the way to it into words.
func explain(what string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	p := &workflows.Problem{What: what, Detail: err.Error()}
	switch {
	case apierrors.IsUnauthorized(err):
		p.Code, p.Why, p.Fix = "kube.unauthorized", "the API server does not accept the credentials", "The certificates may have been rotated or the token has expired: fetch the kubeconfig again."
	case apierrors.IsForbidden(err):
		p.Code, p.Why, p.Fix = "kube.forbidden", "the account may not do that: "+err.Error(), "Use the cluster-admin kubeconfig of the deploy, or give the account the right."
	case apierrors.IsServiceUnavailable(err), apierrors.IsServerTimeout(err), apierrors.IsTimeout(err):
		p.Code, p.Why, p.Fix = "kube.busy", "the API server is up but does not answer in time", "Look at the control plane nodes and etcd, then try again."
	case apierrors.IsNotFound(err), apierrors.IsAlreadyExists(err), apierrors.IsInvalid(err), apierrors.IsConflict(err):
		p.Code, p.Why, p.Fix = "kube.refused", err.Error(), "Change what the message names and try again."
	default:
		return unreached(what, err)
	}
	return p
}

// unreached is for errors that are not the API server's own.
func unreached(what string, err error) *workflows.Problem {
	var p *workflows.Problem
	if errors.As(err, &p) {
		return p // of the tunnel
	}
	n := problem.Network(err, "the API server")
	switch n.Code {
	case "tls.authority":
		n.Why = "It is not signed by the CA that the kubeconfig has for this cluster."
		n.Fix = "If the cluster's certificates were rotated or it was made anew, fetch the kubeconfig again. If not, something between answers in its place: do not go on."
	case "tls.expired":
		n.Fix = "Compare the clocks. If they are right, rotate the cluster's certificates."
	case "net.failed":
		n.What = what + " did not work"
	}
	return n
}

// Refused says whether an error is the API server's own answer, or the
// kubeconfig's fault: another way to the server would not help.
func Refused(err error) bool {
	var p *workflows.Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Code {
	case "kube.unauthorized", "kube.forbidden", "kube.refused", "kube.busy", "kube.kubeconfig":
		return true
	}
	return false
}
