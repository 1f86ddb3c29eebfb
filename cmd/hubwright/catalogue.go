package main

import (
	"hubwright/workflows"
	"hubwright/workflows/cluster"
	"hubwright/workflows/connect"
	"hubwright/workflows/helpervm"
	"hubwright/workflows/stacktest"
)

// catalogue is every workflow of the product, in the order of the guide.
func catalogue(a adapters) workflows.Catalogue {
	return workflows.Catalogue{
		stacktest.New(a.stackTest()).Erase(),
		helpervm.New(a.helperVM()).Erase(),
		cluster.New(a.cluster()),
		connect.New(a.connect()),
	}
}
