package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// Differences are where the Hub, the cluster and the helper VM are other than
// the API model in custody says, each with what to do.
func (e Engine) Differences(ctx context.Context, c *Change) ([]w.Difference, error) {
	kept, err := e.KeptModel(ctx, c)
	if err != nil {
		return nil, err
	}
	model, err := e.Model(ctx, c)
	if err != nil {
		return nil, err
	}
	look, err := e.Look(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []w.Difference
	for _, sentence := range look.Drift(c.Cluster) {
		out = append(out, w.Difference{What: Capital(sentence) + ".", Fix: remedy(sentence)})
	}
	out = append(out, sizes(look, c.Cluster.NameSuffix, model)...)
	more, err := e.extensions(ctx, c, look)
	if err != nil {
		return nil, err
	}
	out = append(out, more...)
	if more, err = e.modelElsewhere(ctx, c, kept); err != nil {
		return nil, err
	}
	return append(append(out, more...), e.principalElsewhere(c, kept)...), nil
}

// remedy is what to do about a sentence of Drift.
func remedy(sentence string) string {
	for _, r := range [][2]string{
		{"on the Hub, but", "Scale the pool to as many nodes as it should have: that sets Hub and API model right together."},
		{"the VM k8s-master-", "The engine finds the control plane by its VMs' names, tags and states. A VM that is missing comes back when the OS image of the control plane is renewed; a tag is set right in the user portal."},
		{"has the tag", "Set the tag right in the user portal: the engine finds its VMs and their versions by it."},
		{"is in the state", "Look at the VM in the user portal: start or redeploy it there."},
		{"the VM ", "If a run was interrupted, retry it. Else find out who made or deleted the VM; one that should not be there is deleted with its network interface and disk."},
		{"is not Ready", "kubectl describe node says what is wrong; the collected logs of the node say why."},
		{"has Kubernetes", "Renew the OS image of all nodes: they are made anew of the control plane's version."},
		{"the node ", "Compare with the VMs: a node without its VM goes with kubectl delete node; a VM without its node has its provisioning log to tell why."},
	} {
		if strings.Contains(sentence, r[0]) {
			return r[1]
		}
	}
	return "Look who changed it, and put it right there."
}

// sizes compares the VMs' sizes: one that was resized by hand gets its old
// size back when it is made anew.
func sizes(look Look, suffix string, model aksengine.Output) []w.Difference {
	want := map[string]string{}
	for i := range model.MasterCount {
		want[aksengine.MasterName(suffix, i)] = model.MasterSize
	}
	for _, p := range model.Pools {
		for _, name := range Members(look.VMs, suffix, p.Name) {
			want[name] = p.Size
		}
	}
	var out []w.Difference
	for _, vm := range look.VMs {
		if size := want[vm.Name]; size != "" && vm.Size != "" && !strings.EqualFold(size, vm.Size) {
			out = append(out, w.Difference{
				What: fmt.Sprintf("The VM %s has the size %s, not %s.", vm.Name, vm.Size, size),
				Fix:  "The next upgrade makes it " + size + " again. Resize it back in the user portal, or add a pool of the other size and move the work.",
			})
		}
	}
	return out
}

func (e Engine) extensions(ctx context.Context, c *Change, look Look) ([]w.Difference, error) {
	stack, err := e.Records.Stack(ctx, c.Stack.ID)
	if err != nil {
		return nil, err
	}
	hub, err := e.OpenHub(ctx, stack)
	if err != nil {
		return nil, err
	}
	var out []w.Difference
	for _, vm := range look.VMs {
		if !strings.Contains(vm.Name, c.Cluster.NameSuffix) {
			continue
		}
		have, err := hub.VMExtensions(ctx, c.ResourceGroup, vm.Name)
		if err != nil {
			return nil, err
		}
		own := slices.DeleteFunc(have, func(name string) bool { return strings.HasPrefix(name, "cse-") })
		if len(own) > 0 {
			out = append(out, w.Difference{
				What: fmt.Sprintf("The VM %s has extensions that the engine did not put there: %s.", vm.Name, strings.Join(own, ", ")),
				Fix:  "Remove them in the user portal: they are lost when the node is made anew, and a second CustomScript makes that fail.",
			})
		}
	}
	return out, nil
}

// modelElsewhere compares the helper VM's API model with the one in custody.
func (e Engine) modelElsewhere(ctx context.Context, c *Change, kept []byte) ([]w.Difference, error) {
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	have, err := host.Download(ctx, c.OutputModel(), MaxModel)
	switch {
	case errors.Is(err, w.ErrNotFound):
		return []w.Difference{{What: "The API model is missing on the helper VM.", Fix: fmt.Sprintf("The next change puts version %d from custody back; \"Restore the API model\" does it now.", c.ModelKept)}}, nil
	case err != nil:
		return nil, err
	case digest(have) == digest(kept) || digest(have) == digest(withoutAddon(kept)):
		return nil, nil
	}
	return []w.Difference{{What: fmt.Sprintf("The API model on the helper VM is not version %d in custody.", c.ModelKept), Fix: "If a run failed or was cancelled, retry it: it brings its model home. Else restore the version in custody."}}, nil
}

// principalElsewhere compares the service principal that the nodes work with
// to the one that Hubwright logs in with.
func (e Engine) principalElsewhere(c *Change, kept []byte) []w.Difference {
	id := aksengine.PrincipalOf(kept)
	if id == "" || strings.EqualFold(id, c.Stack.Credential.ClientID) {
		return nil
	}
	return []w.Difference{{
		What: fmt.Sprintf("The nodes work with the service principal %s, %s is registered with %s.", id, c.Stack.Name, c.Stack.Credential.ClientID),
		Fix:  "That works as long as both may contribute to the subscription. Mind both when secrets end.",
	}}
}
