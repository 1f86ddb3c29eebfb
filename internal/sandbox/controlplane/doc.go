// Package controlplane runs the sandbox's Kubernetes clusters: a real etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler each, with kwok playing the kubelets. They start from the certificates that AKS Engine put into its
// deployment template, so the kubeconfig that AKS Engine wrote works, and they report the version that it asked for.
//
// # Safety
//
// Nothing here may send a packet off loopback, though the nodes and Services of a cluster have addresses such as
// 10.240.0.4. Every listener of a cluster is bound to that cluster's own 127.x address; every dial that kube-apiserver
// would make to a node, pod, Service or webhook goes to a proxy in this process, which knows one answer (a kubelet is
// kwok) and refuses the rest; and webhook admission is off.
//
// # Use
//
//	m, err := controlplane.New(controlplane.Options{Dir: dir, Binary: func(ctx context.Context) (string, error) {
//		return controlplane.Build(ctx, "", log)
//	}})
//	err = m.Ensure(ctx, spec)       // the deployment has masters
//	err = m.AddNode(ctx, id, node)  // a VM was created
//	addr := m.Endpoint(id)          // where the door tunnels to
package controlplane
