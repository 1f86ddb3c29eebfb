package workflows

// StorageClass is a storage class of a cluster.
type StorageClass struct {
	Name, Provisioner string
	Default           bool
	Driver            bool // the cluster has the provisioner's driver
}

// Workload is a Deployment, StatefulSet or DaemonSet in a few numbers.
type Workload struct {
	Kind, Namespace, Name string
	Ready, Want           int
}

// Exposure is a Service and who stands behind it.
type Exposure struct {
	Namespace, Name string
	Type            string // ClusterIP, LoadBalancer ...
	Headless        bool
	External        string // address or name; "" while it has none
	DNSLabel        string // that it asked the Hub for
	Ports           string // 80, 443
	Endpoints       int    // that are ready
	Selects         bool   // it has a selector, so it should have endpoints
}

// IngressClass is an ingress controller's name on a cluster.
type IngressClass struct {
	Name, Controller string
	Default          bool
}
