// Package kube speaks to a Kubernetes cluster. It is the only place that knows
// client-go. Errors are *workflows.Problem.
package kube
