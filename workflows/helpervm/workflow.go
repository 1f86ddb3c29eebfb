// Package helpervm is the workflow "Prepare AKS Engine": a Linux machine at
// the Hub, created or taken as it is, with aks-engine-azurestack on it.
package helpervm

import (
	"time"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "helper-vm"

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Workflow[State] {
	if n.Pause == nil {
		n.Pause = w.Pause
	}
	f := flow{n}
	return w.Workflow[State]{
		ID:       ID,
		Title:    "Prepare AKS Engine",
		Why:      "AKS Engine makes and keeps the cluster. It runs on a Linux machine that reaches the Hub.",
		Scope:    w.ScopeSite,
		Row:      1,
		Begin:    f.begin,
		Pages:    f.pages(),
		Validate: validate,
		Checks:   f.checks(),
		Plan:     f.plan,
		Steps:    f.steps(),
		LockKey:  func(s *State) string { return "site:" + s.SiteID },
		Result:   result,
	}
}

func (f flow) steps() []w.Step[State] {
	creates := func(s *State) bool { return s.creates() }
	return []w.Step[State]{
		{ID: "key", Title: "Take the SSH key", Why: "The key is the only way into the machine: there are no passwords.", Weight: 1, Run: f.takeKey},
		{ID: "network", Title: "Make network and public IP", Why: "The machine needs a network, an address, and a firewall that lets SSH in from where you said.",
			When: creates, Weight: 10, Timeout: 10 * time.Minute, Run: f.ensureNetwork},
		{ID: "machine", Title: "Make the VM", Why: "AKS Engine runs on it.", When: creates, Weight: 25, Timeout: 20 * time.Minute, Run: f.ensureMachine},
		{ID: "ssh", Title: "Wait for SSH and pin the host key", Why: "From now on only a machine with this key is taken for the helper VM.", Weight: 10, Timeout: 10 * time.Minute, Run: f.waitForSSH},
		{ID: "inspect", Title: "Look at the machine", Why: "It must be Linux on amd64, with a few tools and room on its disk.", Weight: 2, Run: f.inspect},
		{ID: "ca", Title: "Install the Hub's root certificate", Why: "AKS Engine speaks TLS with the Hub, whose certificate most machines do not trust.", Weight: 4, Run: f.installCA},
		{ID: "engine", Title: "Install AKS Engine", Why: "At exactly the chosen version: each takes its own base image and Kubernetes versions.", Weight: 30, Timeout: 20 * time.Minute, Run: f.installEngine},
		{ID: "verify", Title: "Verify AKS Engine", Why: "It says itself which version it is and which Kubernetes it can make.", Weight: 4, Run: f.verify},
		{ID: "record", Title: "Keep the record", Why: "The next workflows find the machine by it.", Weight: 1, Run: f.record},
	}
}
