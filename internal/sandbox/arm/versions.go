package arm

import (
	"slices"
	"sort"
	"strings"
)

// namespace is a resource provider: its types, each with the api-versions
// that a Hub of the hybrid profile 2020-09-01 answers, the newest first.
type namespace struct {
	name     string
	versions []string
	types    map[string][]string // nil: the namespace's versions
}

var (
	computeVersions  = []string{"2020-06-01", "2019-12-01", "2019-07-01", "2019-03-01", "2018-10-01", "2018-06-01", "2018-04-01", "2017-12-01", "2017-03-30", "2016-03-30", "2015-06-15"}
	diskVersions     = []string{"2019-07-01", "2019-03-01", "2018-09-30", "2018-06-01", "2018-04-01", "2017-03-30"}
	networkVersions  = []string{"2018-11-01", "2018-10-01", "2018-08-01", "2018-07-01", "2018-06-01", "2018-04-01", "2018-02-01", "2018-01-01", "2017-11-01", "2017-10-01"}
	resourceVersions = []string{"2019-10-01", "2019-08-01", "2019-07-01", "2019-05-10", "2019-05-01", "2018-05-01", "2018-02-01", "2017-05-10", "2016-09-01", "2016-07-01", "2016-06-01", "2016-02-01", "2015-11-01", "2015-01-01"}
	storageVersions  = []string{"2019-06-01", "2019-04-01", "2018-11-01", "2018-07-01", "2018-02-01", "2017-10-01", "2017-06-01", "2016-12-01", "2016-05-01", "2016-01-01", "2015-06-15"}
	rightsVersions   = []string{"2016-09-01", "2015-07-01", "2015-06-01"}
	vaultVersions    = []string{"2019-09-01", "2018-02-14", "2016-10-01"}
)

func namespaces() []namespace {
	return []namespace{
		{"Microsoft.Compute", computeVersions, map[string][]string{
			"virtualMachines": nil, "virtualMachines/extensions": nil, "availabilitySets": nil, "disks": diskVersions,
			"locations": nil, "locations/vmSizes": nil, "locations/usages": nil, "locations/publishers": nil, "locations/operations": nil}},
		{"Microsoft.Network", networkVersions, map[string][]string{
			"virtualNetworks": nil, "virtualNetworks/subnets": nil, "networkSecurityGroups": nil, "networkSecurityGroups/securityRules": nil, "publicIPAddresses": nil,
			"networkInterfaces": nil, "loadBalancers": nil, "routeTables": nil, "routeTables/routes": nil,
			"locations": nil, "locations/usages": nil, "locations/operations": nil, "locations/operationResults": nil, "locations/CheckDnsNameAvailability": nil}},
		{"Microsoft.Storage", storageVersions, map[string][]string{"storageAccounts": nil, "checkNameAvailability": nil, "locations": nil, "locations/usages": nil}},
		{"Microsoft.Resources", resourceVersions, map[string][]string{"subscriptions": nil, "resourceGroups": nil, "deployments": nil, "deployments/operations": nil, "providers": nil}},
		{"Microsoft.Authorization", rightsVersions, map[string][]string{"roleAssignments": nil, "roleDefinitions": nil, "permissions": nil}},
		{"Microsoft.KeyVault", vaultVersions, map[string][]string{"vaults": nil}},
	}
}

func namespaceOf(name string) (namespace, bool) {
	for _, n := range namespaces() {
		if same(n.name, name) {
			return n, true
		}
	}
	return namespace{}, false
}

// versionsOf answers a type's api-versions; its first segment decides.
func (n namespace) versionsOf(kind string) ([]string, bool) {
	first, _, _ := strings.Cut(kind, "/")
	known := false
	for t, v := range n.types {
		if same(t, kind) && v != nil {
			return v, true
		}
		if same(t, kind) || same(t, first) {
			known = true
			if v != nil {
				return v, true
			}
		}
	}
	return n.versions, known
}

func joined(list []string) string { return strings.Join(list, ", ") }

// checkVersion refuses requests whose api-version the type does not have.
func (h *Hub) checkVersion(r *request) armError {
	version := r.version()
	if version == "" {
		return bad("MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	name, kind := r.spaceAndType()
	if name == "" {
		if !slices.Contains(resourceVersions, version) && !slices.Contains(computeVersions, version) {
			return bad("InvalidApiVersionParameter", "The api-version '%s' is invalid. The supported versions are '%s'.", version, joined(resourceVersions))
		}
		return armError{}
	}
	ns, ok := namespaceOf(name)
	if !ok {
		return notFound("InvalidResourceNamespace", "The resource namespace '%s' is invalid.", name)
	}
	versions, known := ns.versionsOf(kind)
	if !known {
		return notFound("InvalidResourceType", "The resource type '%s' could not be found in the namespace '%s' for api version '%s'.", kind, ns.name, version)
	}
	if !slices.Contains(versions, version) {
		return bad("NoRegisteredProviderFound", "No registered resource provider found for location '%s' and API version '%s' for type '%s'. The supported api-versions are '%s'. The supported locations are '%s'.",
			h.cfg.Region, version, kind, joined(versions), h.cfg.Region)
	}
	return armError{}
}

// spaceAndType splits a path's resource type: Microsoft.Compute and
// virtualMachines/extensions. Both are "" for what ARM itself has.
func (r *request) spaceAndType() (name, kind string) {
	name, kind, _ = strings.Cut(r.kind(), "/")
	if kind == "" || same(kind, "register") || same(kind, "unregister") {
		return "", ""
	}
	parts := strings.Split(kind, "/")
	if len(parts) > 2 {
		parts = parts[:2]
	}
	return name, strings.Join(parts, "/")
}

func (h *Hub) provider(n namespace) object {
	state := "Registered"
	if done, known := h.world.Registered[lower(n.name)]; known && !done {
		state = "NotRegistered"
	}
	types := []object{}
	for t, v := range n.types {
		if v == nil {
			v = n.versions
		}
		types = append(types, object{"resourceType": t, "locations": []string{h.cfg.Region}, "apiVersions": v})
	}
	sort.Slice(types, func(i, j int) bool { return str(types[i]["resourceType"]) < str(types[j]["resourceType"]) })
	return object{"id": h.subID() + "/providers/" + n.name, "namespace": n.name, "registrationState": state, "registrationPolicy": "RegistrationRequired", "resourceTypes": types}
}
