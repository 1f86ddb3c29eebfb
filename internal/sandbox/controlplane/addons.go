package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// object is a Kubernetes object as it would stand in a manifest.
type object = map[string]any

const images = "mcr.microsoft.com/oss/kubernetes/"

// applyAddons creates what AKS Engine's addon manager does, as far as anybody can see it: the DNS service that
// "kubectl cluster-info" prints, the DaemonSets that a drain must leave alone, and the storage classes.
func (r *running) applyAddons(ctx context.Context) error {
	v := "v" + r.spec.Version
	system := "/apis/apps/v1/namespaces/kube-system/"
	for path, manifest := range map[string]object{
		"/api/v1/namespaces/kube-system/services/kube-dns":                   dnsService(r.spec.dnsIP()),
		system + "deployments/coredns":                                       workload("Deployment", "coredns", "kube-dns", images+"coredns:v1.9.4"),
		system + "daemonsets/kube-proxy":                                     workload("DaemonSet", "kube-proxy", "kube-proxy", images+"kube-proxy:"+v),
		system + "daemonsets/azure-ip-masq-agent":                            workload("DaemonSet", "azure-ip-masq-agent", "azure-ip-masq-agent", images+"ip-masq-agent:v2.8.0"),
		system + "daemonsets/cloud-node-manager":                             workload("DaemonSet", "cloud-node-manager", "cloud-node-manager", images+"azure-cloud-node-manager:v1.33.1"),
		system + "deployments/" + metricsName:                                metricsServer(),
		"/api/v1/namespaces/kube-system/services/" + metricsName:             metricsService(r.spec.metricsIP()),
		"/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io": metricsAPI(),
		storageClassPath + "default":                                         storageClass("default", "Standard_LRS"),
		storageClassPath + "managed-standard":                                storageClass("managed-standard", "Standard_LRS"),
		storageClassPath + "managed-premium":                                 storageClass("managed-premium", "Premium_LRS"),
	} {
		if err := r.apply(ctx, path, manifest); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

const storageClassPath = "/apis/storage.k8s.io/v1/storageclasses/"

// apply makes the object be so (server-side apply). A fresh API server answers before it has made its own namespaces;
// it gets a moment.
func (r *running) apply(ctx context.Context, path string, manifest object) error {
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(15 * time.Second); ; {
		err := r.client.RESTClient().Patch(types.ApplyPatchType).AbsPath(path).
			Param("fieldManager", "addon-manager").Param("force", "true").Body(text).Do(ctx).Error()
		early := apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsServiceUnavailable(err)
		if !early || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func dnsService(ip string) object {
	return object{
		"apiVersion": "v1", "kind": "Service",
		"metadata": object{"name": "kube-dns", "namespace": "kube-system", "labels": object{
			"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
			"addonmanager.kubernetes.io/mode": "Reconcile",
		}},
		"spec": object{
			"selector": object{"k8s-app": "kube-dns"}, "clusterIP": ip,
			"ports": []object{
				{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
				{"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
				{"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153},
			},
		},
	}
}

func metricsServer() object {
	d := workload("Deployment", metricsName, metricsName, images+"metrics-server:v0.5.2")
	d["spec"].(object)["replicas"] = 1
	return d
}

func metricsService(ip string) object {
	return object{
		"apiVersion": "v1", "kind": "Service",
		"metadata": object{"name": metricsName, "namespace": "kube-system", "labels": object{"k8s-app": metricsName, "addonmanager.kubernetes.io/mode": "Reconcile"}},
		"spec":     object{"selector": object{"k8s-app": metricsName}, "clusterIP": ip, "ports": []object{{"port": 443, "protocol": "TCP", "targetPort": 4443}}},
	}
}

func metricsAPI() object {
	return object{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": object{"name": "v1beta1.metrics.k8s.io", "labels": object{"addonmanager.kubernetes.io/mode": "Reconcile"}},
		"spec": object{
			"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
			"service": object{"name": metricsName, "namespace": "kube-system", "port": 443},
		},
	}
}

// workload is a Deployment of two or a DaemonSet, with one container that asks for little.
func workload(kind, name, app, image string) object {
	spec := object{
		"selector": object{"matchLabels": object{"k8s-app": app}},
		"template": object{
			"metadata": object{"labels": object{"k8s-app": app}},
			"spec": object{
				"nodeSelector": object{"kubernetes.io/os": "linux"},
				"tolerations":  []object{{"operator": "Exists"}},
				"containers": []object{{
					"name": name, "image": image,
					"resources": object{"requests": object{"cpu": "50m", "memory": "20Mi"}},
				}},
			},
		},
	}
	if kind == "Deployment" {
		spec["replicas"] = 2
		// To tolerate everything would bring an evicted pod straight back to the cordoned node.
		spec["template"].(object)["spec"].(object)["tolerations"] = []object{
			{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}, {"key": "CriticalAddonsOnly", "operator": "Exists"},
		}
	}
	return object{
		"apiVersion": "apps/v1", "kind": kind,
		"metadata": object{"name": name, "namespace": "kube-system", "labels": object{
			"k8s-app": app, "addonmanager.kubernetes.io/mode": "Reconcile",
		}},
		"spec": spec,
	}
}

func storageClass(name, sku string) object {
	class := object{
		"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
		"metadata":    object{"name": name, "labels": object{"kubernetes.io/cluster-service": "true"}},
		"provisioner": diskDriver, "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": true,
		"parameters": object{"skuName": sku, "kind": "managed", "cachingMode": "ReadOnly", "fsType": "ext4"},
	}
	if name == "default" {
		class["metadata"].(object)["annotations"] = object{"storageclass.beta.kubernetes.io/is-default-class": "true"}
	}
	return class
}

// staticPods makes the mirrors of a master's static pods, anew where they are of another version.
func (r *running) staticPods(ctx context.Context, master, version string) error {
	node, err := r.node(ctx, master)
	if err != nil {
		return err
	}
	for component, image := range map[string]string{
		"kube-apiserver":           images + "kube-apiserver:v" + version,
		"kube-controller-manager":  images + "kube-controller-manager:v" + version,
		"kube-scheduler":           images + "kube-scheduler:v" + version,
		"kube-addon-manager":       images + "kube-addon-manager:v9.1.8",
		"cloud-controller-manager": images + "azure-cloud-controller-manager:v1.33.1",
	} {
		if err := r.staticPod(ctx, node, component, image); err != nil {
			return fmt.Errorf("static pod %s-%s: %w", component, master, err)
		}
	}
	return nil
}
