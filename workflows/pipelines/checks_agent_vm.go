package pipelines

import (
	"context"
	"fmt"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

func (f flow) vmChecks() []w.Check[State] {
	own := func(s *State) bool { return s.ownVM() }
	const slow = 40 * time.Second
	return []w.Check[State]{
		{ID: "vm-login", Title: "The Hub lets us in", Why: "The agent's VM is made and deleted there with the stack's service principal.", Severity: w.SeverityBlock, Timeout: slow, Run: f.checkVMLogin,
			When: func(s *State) bool { return s.ownVM() || s.removes() && s.Before.AgentHost.VM != nil }},
		{ID: "vm-names", Title: "The VM's names are free or ours", Why: "What somebody else made is never changed, and never deleted with the VM.", Page: "vm", Severity: w.SeverityBlock, Timeout: slow, When: own, Run: f.checkVMNames},
		{ID: "vm-label", Title: "The VM's DNS name is free", Why: "A name can be taken once in a region; the public IP would fail.", Page: "vm", Severity: w.SeverityBlock, Timeout: slow, When: own, Run: f.checkVMLabel},
		{ID: "vm-subnet", Title: "The VM's subnet is there", Why: "A network interface cannot be made without it.", Page: "vm", Severity: w.SeverityBlock, Timeout: slow, When: func(s *State) bool { return s.ownVM() && s.VM.SubnetID != "" }, Run: f.checkVMSubnet},
		{ID: "vm-ssh-source", Title: "SSH is not open to the world", Why: "Who gets onto the machine gets what the pipelines deploy with.", Page: "vm", Severity: w.SeverityWarn, Waivable: true, When: own,
			Run: func(_ context.Context, s *State) w.Finding { return vm.CheckSource(s.VM.SSHFrom) }},
		{ID: "vm-quota", Title: "The quota has room for the VM", Why: "A VM that does not fit fails after its network was made.", Page: "vm", Severity: w.SeverityBlock, Timeout: slow, When: own, Run: f.checkVMQuota},
		{ID: "vm-image", Title: "The VM's image is in the marketplace", Why: "Only what the Hub's operator downloaded can be used.", Page: "vm", Severity: w.SeverityBlock, Timeout: slow, When: own, Run: f.checkVMImage},
	}
}

func (f flow) askHub(ctx context.Context, s *State, look func(Hub) (w.Finding, error)) w.Finding {
	return vm.Ask(ctx, func(ctx context.Context) (Hub, error) { return f.hub(ctx, s) }, look)
}

func (f flow) checkVMLogin(ctx context.Context, s *State) w.Finding {
	return vm.CheckLogin(ctx, f.opening(s), s.Stack)
}

func (f flow) checkVMNames(ctx context.Context, s *State) w.Finding {
	return f.askHub(ctx, s, func(h Hub) (w.Finding, error) {
		parts, err := h.VMParts(ctx, s.vmSpec())
		if err != nil {
			return w.Finding{}, err
		}
		if p := vm.Foreign(parts, s.vmSpec(), s.Before.AgentHost.VM != nil); p != nil {
			return w.Fail(fmt.Sprintf("There is a %s called %s that no run for this Site made.", p.Kind, p.Name), "Choose another name for the VM, or another resource group."), nil
		}
		exists, _, err := h.ResourceGroupTags(ctx, s.VM.ResourceGroup)
		switch {
		case err != nil:
			return w.Finding{}, err
		case len(parts) > 0:
			return w.Passed("What is there was made by a former run for this agent."), nil
		case exists && !s.VM.OwnGroup:
			return w.Passed("They are free. The resource group " + s.VM.ResourceGroup + " is there: it stays when the VM is taken away."), nil
		}
		return w.Passed("They are free. The resource group " + s.VM.ResourceGroup + " is made, and deleted with the VM."), nil
	})
}

func (f flow) checkVMLabel(ctx context.Context, s *State) w.Finding {
	return f.askHub(ctx, s, func(h Hub) (w.Finding, error) { return s.vmLabel(ctx, h) })
}

// lookVMLabel asks the Hub whether the VM can have its name.
func (f flow) lookVMLabel(ctx context.Context, s *State) (w.Finding, error) {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return w.Finding{}, err
	}
	return s.vmLabel(ctx, hub)
}

func (s *State) vmLabel(ctx context.Context, hub Hub) (w.Finding, error) {
	return vm.CheckLabel(ctx, hub, s.vmSpec(), s.vmName(), "Choose another name for the VM.")
}

func (f flow) checkVMSubnet(ctx context.Context, s *State) w.Finding {
	return f.askHub(ctx, s, func(h Hub) (w.Finding, error) {
		there, prefix, err := h.SubnetExists(ctx, s.VM.SubnetID)
		if err != nil || there {
			return w.Passed("It is there, with " + prefix + "."), err
		}
		return w.Fail(s.VM.SubnetID+" does not exist.", "Choose another network."), nil
	})
}

func (f flow) checkVMQuota(ctx context.Context, s *State) w.Finding {
	return f.askHub(ctx, s, func(h Hub) (w.Finding, error) { return vm.CheckQuota(ctx, h, s.vmSpec(), s.Stack) })
}

func (f flow) checkVMImage(ctx context.Context, s *State) w.Finding {
	return f.askHub(ctx, s, func(h Hub) (w.Finding, error) { return vm.CheckImage(ctx, h, s.VM.Image, vm.ImageRemedy) })
}
