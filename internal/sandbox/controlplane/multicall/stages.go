package main

import (
	"embed"
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

//go:embed stages
var own embed.FS

// What makes each of our own stages the only one that matches.
var (
	switchedOff  = requirement{"key": bootID, "operator": "NotIn", "values": []any{"off"}}
	imageMissing = requirement{"key": `.spec.containers.[].image | select( contains(".invalid/") )`, "operator": "DoesNotExist"}
	runsFalse    = requirement{"key": `.spec.containers.[].command.[]?`, "operator": "NotIn", "values": []any{"false"}}
)

type requirement = map[string]any

// printStages writes kwok's stages of this build, as configuration files, into the folder that the first argument
// names. Stages belong to the version of kwok that reads them, so they come out of the same file.
func printStages() {
	if len(os.Args) != 2 {
		fail("usage: multicall kwok-stages FOLDER")
	}
	stages := map[string]string{
		"node-initialize.yaml": gated(nodeinit.DefaultNodeInit, switchedOff),
		"node-heartbeat.yaml":  gated(nodelease.DefaultNodeHeartbeatWithLease, switchedOff),
		"pod-ready.yaml":       gated(pod.DefaultPodReady, imageMissing),
		"pod-complete.yaml":    gated(pod.DefaultPodComplete, runsFalse),
		"pod-delete.yaml":      pod.DefaultPodDelete,
	}
	for _, name := range []string{"node-power-off.yaml", "pod-image-missing.yaml", "pod-false.yaml"} {
		text, err := own.ReadFile("stages/" + name)
		if err != nil {
			fail("kwok-stages: %v", err)
		}
		stages[name] = string(text)
	}
	for name, text := range stages {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil {
			fail("kwok-stages: %v", err)
		}
	}
}

// gated adds a requirement to a stage of kwok's. Two stages that match the same object would be picked at random, so the
// conditions of all stages of a kind exclude each other.
func gated(text string, also requirement) string {
	var stage map[string]any
	if err := yaml.Unmarshal([]byte(text), &stage); err != nil {
		fail("kwok-stages: %v", err)
	}
	selector, ok := stage["spec"].(map[string]any)["selector"].(map[string]any)
	if !ok {
		fail("kwok-stages: a stage of kwok has no selector")
	}
	expressions, _ := selector["matchExpressions"].([]any)
	selector["matchExpressions"] = append(expressions, also)
	out, err := yaml.Marshal(stage)
	if err != nil {
		fail("kwok-stages: %v", err)
	}
	return fmt.Sprintf("# kwok's own stage, but not where one of ours applies\n%s", out)
}
