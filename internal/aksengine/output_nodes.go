package aksengine

import "strings"

// rotationLines are what the engine says of a rotation, in its order, with the
// words for people and how many of a hundred parts of the time are over then.
// Most of the time it waits, whatever the cluster's size.
var rotationLines = []struct {
	prefix, doing string
	percent       int
}{
	{"Backing up artifacts to directory", "keeping the old certificates", 0},
	{"Generating new certificates", "making new certificates", 1},
	{"Writing artifacts to output directory", "making new certificates", 2},
	{"Waiting for cluster nodes readiness", "looking at the control plane's nodes", 3},
	{"Checking health of control plane components", "looking at the control plane's components", 12},
	{"Distributing control plane certificates", "bringing certificates to the control plane", 23},
	{"Backing up node certificates", "keeping the control plane's old certificates", 24},
	{"Rotating control plane certificates", "rotating the control plane's certificates", 25},
	{"Rebooting control plane nodes", "restarting the control plane: the API is away", 26},
	{"Waiting for cluster nodes readiness", "waiting for the control plane's nodes", 28},
	{"Rotating front-proxy certificates", "rotating the front proxy's certificates", 37},
	{"Deleting temporary artifacts from control plane nodes", "tidying up on the control plane", 37},
	{"Waiting for cluster nodes readiness", "waiting for the control plane's nodes", 38},
	{"Checking health of control plane components", "looking at the control plane's components", 47},
	{"Distributing agent certificates", "bringing certificates to the pools", 58},
	{"Backing up node certificates", "keeping the pools' old certificates", 58},
	{"Rotating agents certificates", "rotating the pools' certificates", 59},
	{"Deleting temporary artifacts from agent nodes", "tidying up on the pools", 59},
	{"Waiting for cluster nodes readiness", "waiting for the pools' nodes", 60},
	{"Recreating service account tokens", "renewing the tokens of service accounts: pods restart", 69},
	{"Checking health of all kube-system pods", "waiting for the system's pods", 71},
	{"Generating new artifacts", "writing the new API model", 99},
	{"Certificate rotation completed", "the engine has finished", 100},
}

// firstChange is the line of rotationLines from which on the nodes have new
// certificates.
const firstChange = 7

// RotationProgress follows the lines of a certificate rotation. The zero value
// is its beginning.
type RotationProgress struct {
	At int // how many of the lines have come
}

// Read takes the next line and says whether it went on. A line comes again in
// other phases: the next of its kind is meant.
func (p *RotationProgress) Read(line string) bool {
	_, text := message(line)
	for i := p.At; i < len(rotationLines); i++ {
		if strings.HasPrefix(text, rotationLines[i].prefix) {
			p.At = i + 1
			return true
		}
	}
	return false
}

// Doing is where it stands, in words.
func (p *RotationProgress) Doing() string {
	if p.At == 0 {
		return "starting the engine"
	}
	return rotationLines[p.At-1].doing
}

// Percent is how much of the usual time is over.
func (p *RotationProgress) Percent() int {
	if p.At == 0 {
		return 0
	}
	return rotationLines[p.At-1].percent
}

// Touched says that nodes may have new certificates.
func (p *RotationProgress) Touched() bool { return p.At > firstChange }

// CollectedNode is the node whose logs the line says are collected now, ""
// when it says something else.
func CollectedNode(line string) string {
	_, text := message(line)
	name, ok := strings.CutPrefix(text, "Processing node: ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(name)
}
