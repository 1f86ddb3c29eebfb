package arm

// Resource types that need care.
const (
	typeVM        = "Microsoft.Compute/virtualMachines"
	typeExtension = "Microsoft.Compute/virtualMachines/extensions"
	typeSet       = "Microsoft.Compute/availabilitySets"
	typeDisk      = "Microsoft.Compute/disks"
	typeNIC       = "Microsoft.Network/networkInterfaces"
	typePublicIP  = "Microsoft.Network/publicIPAddresses"
	typeVNet      = "Microsoft.Network/virtualNetworks"
	typeNSG       = "Microsoft.Network/networkSecurityGroups"
	typeLB        = "Microsoft.Network/loadBalancers"
	typeRoutes    = "Microsoft.Network/routeTables"
	typeAccount   = "Microsoft.Storage/storageAccounts"
)

// kind is a type of resource: how long it takes and what is special about it.
// The functions are called with the store's lock held; nil ones are left out.
type kind struct {
	name    string
	seconds float64 // that a real Hub takes to make one; a quarter of it to delete it
	instant bool    // made within the request
	parts   []string
	// check refuses a body, before anything is changed. old is nil for a new one.
	check func(h *Hub, a address, body, old object) armError
	// fill completes a new resource with what ARM makes up.
	fill func(h *Hub, a address, res, old object)
	// longer is added to seconds, for what a resource is made of.
	longer func(res object) float64
	// show adds to a copy what follows from other resources.
	show func(h *Hub, res object)
	// keep refuses a deletion.
	keep func(h *Hub, a address, res object) armError
}

// kinds lists all types that can be made.
func kinds() []kind {
	return []kind{
		{name: typeVM, seconds: 180, check: checkVM, fill: fillVM, longer: longerVM},
		{name: typeExtension, seconds: 400, check: checkExtension, fill: fillExtension, longer: longerExtension},
		{name: typeSet, instant: true, check: checkSet, fill: fillSet, show: showSet, keep: keepSet},
		{name: typeDisk, seconds: 20, check: checkDisk, fill: fillDisk, show: showDisk, keep: keepDisk},
		{name: typeNIC, seconds: 20, check: checkNIC, fill: fillNIC, show: showNIC, keep: keepNIC},
		{name: typePublicIP, seconds: 12, check: checkPublicIP, fill: fillPublicIP, show: showPublicIP, keep: keepPublicIP},
		{name: typeVNet, seconds: 12, parts: []string{"subnets"}, check: checkVNet, fill: fillNetwork, show: showVNet, keep: keepVNet},
		{name: typeNSG, seconds: 10, parts: []string{"securityRules"}, check: checkNSG, fill: fillNSG, show: showNSG, keep: keepNSG},
		{name: typeLB, seconds: 20, check: checkLB, fill: fillLB, show: showLB},
		{name: typeRoutes, seconds: 10, parts: []string{"routes"}, fill: fillNetwork, show: showRoutes, keep: keepRoutes},
		{name: typeAccount, seconds: 20, check: checkAccount, fill: fillAccount},
	}
}

func kindOf(name string) (kind, bool) {
	for _, k := range kinds() {
		if same(k.name, name) {
			return k, true
		}
	}
	return kind{}, false
}

// partOf finds the type whose documents hold the parts that a child type
// names: subnets are part of a virtual network.
func partOf(name string) (whole kind, part string, ok bool) {
	for _, k := range kinds() {
		for _, p := range k.parts {
			if same(k.name+"/"+p, name) {
				return k, p, true
			}
		}
	}
	return kind{}, "", false
}
