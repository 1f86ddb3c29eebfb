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
	Gateway         string // in the same namespace, for which a controller made it; "" for none
}

// CertificateTaken is the code of the problem that a Secret is there already
// and somebody else's.
const CertificateTaken = "certificate.taken"

// IngressClass is an ingress controller's name on a cluster.
type IngressClass struct {
	Name, Controller string
	Default          bool
}

// Autoscaler is a HorizontalPodAutoscaler on CPU in the columns of kubectl get
// hpa.
type Autoscaler struct {
	Namespace, Name  string
	Kind, Target     string // Deployment, ratings-web
	Min, Max         int
	Percent          int // of the CPU requests that is aimed at
	Current          int // that is used; -1 while unknown
	Replicas, Wanted int
	Active           bool   // it has a metric to go by
	Reason           string // why not: FailedGetResourceMetric ...
	Message          string
	Ours             bool     // a run of ours set it
	Events           []string // newest last: "SuccessfulRescale: New size: 3; ..."
}

// Scalable is a Deployment that could be scaled.
type Scalable struct {
	Namespace, Name string
	Replicas        int
	Unasked         []string // containers without a CPU request
}
