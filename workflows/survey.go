package workflows

import "time"

// RemovedAPI is a version of an API that a Kubernetes minor version took away.
type RemovedAPI struct {
	Version string // as in manifests: policy/v1beta1
	Kind    string
	GoneIn  int    // minor version of Kubernetes 1
	Instead string // the version to use instead, "" when the kind itself is gone
}

// APIUse is something that was written with a removed API.
type APIUse struct {
	RemovedAPI
	Object string // Ingress shop/web
	By     string // who writes it so: "Helm release shop/ratings", "kubectl-client-side-apply"
}

// Survey is what runs on a cluster and suffers when nodes are made anew.
type Survey struct {
	Static  []string // static pods besides the engine's own, namespace/name: lost with the node
	Slow    string   // the pod that takes the longest to end, namespace/name
	SlowFor time.Duration
	InTree  []string // volumes and classes of the in-tree disk driver
	// DiskDriver is the version of the Azure Disk CSI driver, 1.33.7; "" when
	// there is none.
	DiskDriver string
}
