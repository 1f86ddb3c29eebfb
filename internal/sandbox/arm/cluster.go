package arm

import (
	"encoding/base64"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"hubwright/internal/sandbox/arm/template"
)

// pkiParameters are the parameters of AKS Engine's template that carry the
// certificates of a cluster, in base64 of PEM.
var pkiParameters = []string{"caCertificate", "caPrivateKey", "apiServerCertificate", "apiServerPrivateKey", "clientCertificate", "clientPrivateKey",
	"etcdServerCertificate", "etcdServerPrivateKey", "etcdClientCertificate", "etcdClientPrivateKey"}

// clusterFacts reads from a template what cluster it makes; nil when it is
// not one of AKS Engine's.
func (h *Hub) clusterFacts(group string, ev *template.Evaluation) *ClusterFacts {
	c := &ClusterFacts{Group: group, PEM: map[string][]byte{}}
	for _, name := range pkiParameters {
		v, _ := ev.Parameter(name)
		if raw, err := base64.StdEncoding.DecodeString(str(v)); err == nil && len(raw) > 0 {
			c.PEM[lower(name)] = raw
		}
	}
	suffix, _ := ev.Parameter("nameSuffix")
	c.Suffix = str(suffix)
	tag, err := ev.Variable("orchestratorNameVersionTag")
	if err != nil || c.Suffix == "" {
		return nil
	}
	_, c.Version, _ = strings.Cut(str(tag), ":")
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	c.IP, c.FQDN = h.masterAddress(group, c.Suffix)
	c.InternalIP = h.internalAddress(group, c.Suffix)
	return c
}

// ClusterName is the API server's public name of the cluster with that suffix
// in a resource group, "" when there is none.
func (h *Hub) ClusterName(group, suffix string) string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	_, fqdn := h.masterAddress(group, suffix)
	return fqdn
}

// ClusterIP is the address that belongs to ClusterName.
func (h *Hub) ClusterIP(group, suffix string) string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	ip, _ := h.masterAddress(group, suffix)
	return ip
}

// ClusterGone says whether nothing is left of a cluster: no machine, and no
// disk with its data.
func (h *Hub) ClusterGone(group, suffix string) bool {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, vm := range h.world.below(h.groupID(group) + "/providers/" + typeVM + "/") {
		if str(dig(vm, "tags", "resourceNameSuffix")) == suffix {
			return false
		}
	}
	disks := h.groupID(group) + "/providers/" + typeDisk + "/k8s-master-" + suffix + "-"
	for _, d := range h.world.below(disks) {
		if strings.HasSuffix(str(d["name"]), "-etcddisk") {
			return false
		}
	}
	return true
}

// Rotated tells the Hub that a cluster's nodes now know another CA (PEM).
func (h *Hub) Rotated(group, suffix string, ca []byte) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.Clusters[lower(group+"/"+suffix)] = digest(string(ca))
	h.world.changed()
}

// masterAddress is the control plane's public address. The caller holds mu.
func (h *Hub) masterAddress(group, suffix string) (ip, fqdn string) {
	for _, r := range h.world.below(h.groupID(group) + "/providers/" + typePublicIP + "/") {
		if name := str(r["name"]); strings.HasPrefix(name, "k8s-master-ip-") && strings.HasSuffix(name, suffix) {
			return str(dig(r, "properties", "ipAddress")), str(dig(r, "properties", "dnsSettings", "fqdn"))
		}
	}
	return "", ""
}

func (h *Hub) internalAddress(group, suffix string) string {
	lb := h.world.get(h.groupID(group) + "/providers/" + typeLB + "/k8s-master-internal-lb-" + suffix)
	for _, f := range list(dig(lb, "properties", "frontendIPConfigurations")) {
		return str(dig(f, "properties", "privateIPAddress"))
	}
	return ""
}

// GroupLeaving says that a resource group is being deleted, or is gone.
func (h *Hub) GroupLeaving(group string) bool {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	g := h.world.Groups[lower(group)]
	return g == nil || str(dig(g, "properties", "provisioningState")) == stateDeleting
}

// ServiceAddress is the public address of a Kubernetes Service of type
// LoadBalancer: what the cluster's cloud provider asks the Hub for. The public
// IP is a resource of the cluster's group, made at the first call. It gets the
// DNS label, unless that is "".
func (h *Hub) ServiceAddress(group, cluster, namespace, service, label string) (string, error) {
	f := fnv.New64a()
	f.Write([]byte(cluster + "/" + namespace + "/" + service))
	name := "kubernetes-a" + strconv.FormatUint(f.Sum64(), 16)
	a, _ := h.addressOf(strings.Split(strings.Trim(h.groupID(group)+"/providers/"+typePublicIP+"/"+name, "/"), "/"))
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	if res := h.world.get(a.id); res != nil {
		return str(dig(res, "properties", "ipAddress")), nil
	}
	properties := object{"publicIPAllocationMethod": "Static"}
	if label != "" {
		properties["dnsSettings"] = object{"domainNameLabel": label}
	}
	e := h.place(a, object{"location": h.cfg.Region, "tags": object{clusterTag: cluster, serviceTag: namespace + "/" + service}, "properties": properties})
	if e.failed() {
		e.status = http.StatusConflict
		return "", e
	}
	h.setState(a.id, stateSucceeded)
	return str(dig(h.world.get(a.id), "properties", "ipAddress")), nil
}

// The tags that the cloud provider writes on what it makes for a Service.
const (
	clusterTag = "kubernetes-cluster-name"
	serviceTag = "service"
)

// KeepServiceAddresses gives back the public IPs of a cluster's Services that
// keep, asked with namespace/name, does not want.
func (h *Hub) KeepServiceAddresses(group, cluster string, keep func(service string) bool) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, ip := range h.world.ofType(typePublicIP) {
		id := str(ip["id"])
		ours := str(dig(ip, "tags", clusterTag)) == cluster && strings.HasPrefix(lower(id), lower(h.groupID(group)))
		if service := str(dig(ip, "tags", serviceTag)); ours && service != "" && !keep(service) {
			h.world.drop(id)
		}
	}
}
