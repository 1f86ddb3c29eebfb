package main

import (
	"hubwright/internal/kube"
	"hubwright/workflows"
	"hubwright/workflows/addpool"
	"hubwright/workflows/adopt"
	"hubwright/workflows/app"
	"hubwright/workflows/autoscale"
	"hubwright/workflows/cluster"
	"hubwright/workflows/collectlogs"
	"hubwright/workflows/connect"
	"hubwright/workflows/driftcheck"
	"hubwright/workflows/drill"
	"hubwright/workflows/helpervm"
	"hubwright/workflows/monitoring"
	"hubwright/workflows/pipelines"
	"hubwright/workflows/restoremodel"
	"hubwright/workflows/rotatecerts"
	"hubwright/workflows/rotatesecret"
	"hubwright/workflows/rotation"
	"hubwright/workflows/scale"
	"hubwright/workflows/stacktest"
	"hubwright/workflows/trafficmanager"
	"hubwright/workflows/upgrade"
)

// catalogue is every workflow of the product, in the order of the guide.
func catalogue(a adapters) workflows.Catalogue {
	return workflows.Catalogue{
		stacktest.New(a.stackTest()).Erase(),
		helpervm.New(a.helperVM()).Erase(),
		cluster.New(a.cluster()),
		adopt.New(adopt.Needs{Engine: a.operate(), Portable: kube.Portable}),
		connect.New(a.connect()),
		pipelines.New(a.pipelines()),
		monitoring.New(a.monitoring()),
		app.New(a.app()),
		app.NewRemoval(a.app()),
		autoscale.New(a.autoscale()),
		autoscale.NewRemoval(a.autoscale()),
		trafficmanager.New(a.trafficManager()),
		rotation.New(a.rotate()),
		drill.New(a.drill()),
		upgrade.New(a.upgrade()),
		scale.New(a.operate()),
		addpool.New(a.operate()),
		rotatecerts.New(a.rotateCertificates()),
		collectlogs.New(a.collectLogs()),
		rotatesecret.New(a.rotateSecret()),
		driftcheck.New(a.operate()),
		restoremodel.New(a.operate()),
	}
}
