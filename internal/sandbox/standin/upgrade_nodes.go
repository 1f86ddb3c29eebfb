package standin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// checkMasters waits for the masters that an earlier run upgraded. One of them may stay away.
func (p *process) checkMasters(ctx context.Context, u *upgrade) error {
	if len(u.newMasters) > 0 {
		p.say.info("Checking status of upgraded control plane nodes")
	}
	for n := 1; ; n++ {
		nodes, err := u.kube.nodes(ctx, "node-role.kubernetes.io/master")
		if err != nil {
			return err
		}
		var absent []string
		for _, m := range u.newMasters {
			if !slices.ContainsFunc(nodes, func(n corev1.Node) bool { return n.Name == m.Name && isReady(&n) }) {
				absent = append(absent, m.Name)
			}
		}
		switch {
		case len(absent) == 0 || n == masterTries && len(absent) == 1:
			return nil
		case n == masterTries:
			return fmt.Errorf("control plane nodes are not ready: %v", absent)
		}
		if err := p.pause(ctx, masterPause); err != nil {
			return err
		}
	}
}

func (p *process) upgradeMasters(ctx context.Context, u *upgrade) error {
	want := u.props.MasterProfile.Count
	there := len(u.masters) + len(u.newMasters)
	p.say.info("Prepping master nodes for upgrade...")
	p.say.info("Total expected master count: %d", want)
	p.say.info("Master nodes that need to be upgraded: %d", max(0, want-len(u.newMasters)))
	p.say.info("Master nodes that have been upgraded: %d", len(u.newMasters))
	p.say.info("Starting upgrade of master nodes...")
	p.say.info("masterNodesInCluster: %d", there)
	missing := max(0, want-there)
	if missing > 0 {
		p.say.info("Found missing master VMs in the cluster. Reconstructing names of missing master VMs for recreation during upgrade...")
	}
	p.say.info("Expected master count: %d, Creating %d more master VMs", want, missing)
	// Like the real engine, this looks for free numbers among the masters that still have the old version only. Where an
	// upgraded one has the number, that one is made again, and the missing one is not.
	for i := 0; missing > 0; i++ {
		if slices.ContainsFunc(u.masters, func(m machine) bool { return m.index() == i }) {
			continue
		}
		missing--
		p.say.info("Creating upgraded master VM with index: %d", i)
		if err := p.makeMaster(ctx, u, i); err != nil {
			p.say.info("Error creating upgraded master VM with index: %d", i)
			return err
		}
		p.say.warn("VM name was empty. Skipping node condition check")
	}
	for _, m := range u.newMasters {
		p.say.info("Master VM: %s is upgraded to expected orchestrator version", m.Name)
	}
	for _, m := range u.masters {
		p.say.info("Upgrading Master VM: %s", m.Name)
		if err := p.deleteMachine(ctx, u.job, m.Name); err != nil {
			return err
		}
		if err := p.makeMaster(ctx, u, m.index()); err != nil {
			return err
		}
		if err := p.awaitReady(ctx, u, "Master", m.Name); err != nil {
			p.say.info("Error validating upgraded master VM: %s", m.Name)
			return err
		}
	}
	return nil
}

func (p *process) makeMaster(ctx context.Context, u *upgrade, index int) error {
	p.say.info("Master offset: %d", index)
	p.say.info("Master pool set count to: %d temporarily during upgrade...", index+1)
	return p.putDeployment(ctx, u.job, upgradeName("master", index), part{mark: upgradeMark, master: true, index: index})
}

// upgradePool makes one node more than the pool has, and then replaces the old ones. The last of them isn't made again.
func (p *process) upgradePool(ctx context.Context, u *upgrade, a *AgentPoolProfile) error {
	old, done := slices.Clone(u.pools[a.Name]), slices.Clone(u.newPools[a.Name])
	p.say.info("Prepping agent pool '%s' for upgrade...", a.Name)
	if len(old)+len(done) == 0 {
		p.say.info("Agent pool '%s' is empty", a.Name)
		return nil
	}
	taken := map[int]bool{}
	for _, m := range slices.Concat(old, done) {
		taken[m.index()] = true
	}
	kept := done[:0]
	for _, m := range done {
		if m.Properties.State == "Failed" { // an earlier run didn't get it to work
			old = append(old, m)
			continue
		}
		p.say.info("Agent VM: %s, pool name: %s on expected orchestrator version", m.Name, a.Name)
		kept = append(kept, m)
	}
	if len(old) == 0 {
		p.say.info("No nodes to upgrade")
		return nil
	}
	var made []string
	for _, m := range kept {
		made = append(made, m.Name)
	}
	p.say.info("Starting upgrade of %d agent nodes (out of %d) in pool identifier: %s, name: %s...", len(old), a.Count, a.Name, a.Name)
	for range a.Count + 1 - len(old) - len(kept) {
		index := 0
		for taken[index] {
			index++
		}
		taken[index] = true
		name := u.nodeName(a.Name, index)
		p.say.info("Creating new agent node %s (index %d)", name, index)
		if err := p.makeAgent(ctx, u, a.Name, index); err != nil {
			return err
		}
		made = append(made, name)
	}
	return p.replaceAgents(ctx, u, a.Name, old, made)
}

// replaceAgents deletes old nodes one by one, each when another has its place, and makes them again, but for the last.
func (p *process) replaceAgents(ctx context.Context, u *upgrade, pool string, old []machine, made []string) error {
	// In no order that could be relied on, as with the real engine.
	mathrand.Shuffle(len(old), func(i, j int) { old[i], old[j] = old[j], old[i] })
	for i, m := range old {
		heir := ""
		if i < len(made) {
			heir = made[i]
		}
		if err := p.retire(ctx, u, pool, m.Name, heir); err != nil {
			return err
		}
		if i == len(old)-1 {
			p.say.info("Skipping creation of VM %s (index %d)", m.Name, m.index())
			break
		}
		if err := p.makeAgent(ctx, u, pool, m.index()); err != nil {
			return err
		}
		made = append(made, m.Name)
	}
	return nil
}

func (u *upgrade) nodeName(pool string, index int) string {
	return fmt.Sprintf("k8s-%s-%s-%d", pool, u.suffix(), index)
}

// makeAgent makes a node of a pool. One that doesn't become ready is deleted again.
func (p *process) makeAgent(ctx context.Context, u *upgrade, pool string, index int) error {
	name := u.nodeName(pool, index)
	p.say.info("Agent pool: %s, set count to: %d temporarily during upgrade. Upgrading agent: %d", pool, index+1, index)
	if err := p.putDeployment(ctx, u.job, upgradeName(pool, index),
		part{mark: upgradeMark, pool: pool, count: index + 1, index: index, fixed: true}); err != nil {
		return err
	}
	p.say.info("Validating %s", name)
	err := p.awaitReady(ctx, u, "Agent", name)
	if err == nil {
		return nil
	}
	if problem := p.deleteMachine(ctx, u.job, name); problem != nil {
		return errors.Join(err, problem)
	}
	return fmt.Errorf("%w. Succeeded to delete node %s.", err, name)
}

// retire gives what an old node has to its heir, and deletes it. Pods that don't want to go are no obstacle.
func (p *process) retire(ctx context.Context, u *upgrade, pool, name, heir string) error {
	p.say.info("Upgrading Agent VM: %s, pool name: %s", name, pool)
	limit := drainLimit
	if u.drainMinutes >= 0 {
		limit = time.Duration(u.drainMinutes) * time.Minute
	}
	if heir != "" {
		p.say.info("Copying custom annotations, labels, taints from old node %s to new node %s...", name, heir)
		if err := p.inherit(ctx, u, name, heir, limit); err != nil {
			p.say.warn("Failed to copy custom annotations, labels, taints from old node %s to new node %s: %v", name, heir, err)
		} else {
			p.say.info("Successfully copied custom annotations, labels, taints from old node %s to new node %s.", name, heir)
		}
	}
	if err := p.drain(ctx, u.kube, name, limit); err != nil {
		p.say.warn("Error draining agent VM %s. Proceeding with deletion. Error: %v", name, err)
	}
	if err := p.deleteMachine(ctx, u.job, name); err != nil {
		return err
	}
	if err := u.kube.do(ctx, http.MethodDelete, "/api/v1/nodes/"+name, nil, nil); err != nil && !refused(err, http.StatusNotFound) {
		return err
	}
	return nil
}

// inherit gives the new node what people wrote on the old one, before pods run there.
func (p *process) inherit(ctx context.Context, u *upgrade, from, to string, limit time.Duration) error {
	if err := p.drain(ctx, u.kube, to, limit); err != nil {
		return err
	}
	old, err := u.kube.node(ctx, from)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		err := u.bequeath(ctx, old, to)
		if n == conflicts || !refused(err, http.StatusConflict) {
			return err
		}
	}
}

// bequeath writes on a node what another has and it lacks, and then lets pods onto it.
func (u *upgrade) bequeath(ctx context.Context, old *corev1.Node, to string) error {
	heir, err := u.kube.node(ctx, to)
	if err != nil {
		return err
	}
	heir.Annotations, heir.Labels = with(heir.Annotations, maps.Clone(old.Annotations)), with(heir.Labels, maps.Clone(old.Labels))
	for _, t := range old.Spec.Taints {
		if t.Key != corev1.TaintNodeUnschedulable && !slices.Contains(heir.Spec.Taints, t) {
			heir.Spec.Taints = append(heir.Spec.Taints, t)
		}
	}
	written := &corev1.Node{}
	if err := u.kube.do(ctx, http.MethodPut, "/api/v1/nodes/"+to, heir, written); err != nil {
		return err
	}
	written.Spec.Unschedulable = false
	return u.kube.do(ctx, http.MethodPut, "/api/v1/nodes/"+to, written, nil)
}
