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
		n := problem.Network(err, what)
		if n.Code == "" {
			n.Code = "kube.unreachable"
		}
		return n
	}
	return p
}
