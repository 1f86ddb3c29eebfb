package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	nodeinit "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodelease "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	pod "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/yaml"
)

// bootID is "off" for a Node whose VM is switched off. It is a part of the status because people, and the upgrades of AKS
// Engine, copy what is outside of it from node to node.
const bootID = `.status.nodeInfo.bootID`

//go:embed stages/node-power-off.yaml
var nodePowerOff string

// printStages writes kwok's stages of this build, as configuration files, into the folder that the first argument
// names. Stages belong to the version of kwok that reads them, so they come out of the same file.
func printStages() {
	if len(os.Args) != 2 {
		fail("usage: multicall kwok-stages FOLDER")
	}
	stages := map[string]string{
		"node-initialize.yaml": gated(nodeinit.DefaultNodeInit),
		"node-heartbeat.yaml":  gated(nodelease.DefaultNodeHeartbeatWithLease),
		"node-power-off.yaml":  nodePowerOff,
		"pod-ready.yaml":       pod.DefaultPodReady,
		"pod-complete.yaml":    pod.DefaultPodComplete,
		"pod-delete.yaml":      pod.DefaultPodDelete,
	}
	for name, text := range stages {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil {
			fail("kwok-stages: %v", err)
		}
	}
}

// gated adds to a stage that it is not for nodes which are switched off. Two stages that match the same node would be
// picked at random, so the conditions of all node stages exclude each other.
func gated(text string) string {
	var stage map[string]any
	if err := yaml.Unmarshal([]byte(text), &stage); err != nil {
		fail("kwok-stages: %v", err)
	}
	selector, ok := stage["spec"].(map[string]any)["selector"].(map[string]any)
	if !ok {
		fail("kwok-stages: a stage of kwok has no selector")
	}
	expressions, _ := selector["matchExpressions"].([]any)
	selector["matchExpressions"] = append(expressions, map[string]any{
		"key": bootID, "operator": "NotIn", "values": []any{"off"},
	})
	out, err := yaml.Marshal(stage)
	if err != nil {
		fail("kwok-stages: %v", err)
	}
	return fmt.Sprintf("# kwok's own stage, but not for nodes that are switched off\n%s", out)
}
