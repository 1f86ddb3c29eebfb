package vm

import (
	"context"
	"fmt"

	w "hubwright/workflows"
)

// Owned says whether a piece is one of these VM's: it has all of its tags. A
// disk has none: the Hub makes it with the VM, by its name.
func Owned(p w.VMPart, s Spec) bool {
	if p.Kind == diskKind {
		return true
	}
	for k, v := range s.Tags {
		if p.Tags[k] != v {
			return false
		}
	}
	return true
}

const diskKind = "disk"

// Foreign is the first piece that has a name of ours and is not ours, nil when
// there is none. Of a VM that is not known yet, because nothing was recorded,
// no piece can be.
func Foreign(parts []w.VMPart, s Spec, known bool) *w.VMPart {
	for i, p := range parts {
		if !known || !Owned(p, s) {
			return &parts[i]
		}
	}
	return nil
}

// Remove deletes what there is of the VM, piece by piece, and the resource group
// when it is the VM's own and nothing else is in it. What has its names and
// not its tags is somebody else's and stays.
func Remove(ctx context.Context, hub Remover, s Spec, ownGroup bool, log w.Log) error {
	parts, err := hub.VMParts(ctx, s)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if !Owned(p, s) {
			log.Warn("The %s %s is somebody else's by its tags: it stays", p.Kind, p.Name)
			continue
		}
		log.Progress(100*i/len(parts), "deleting the "+p.Kind+" "+p.Name)
		if err := hub.DeleteVMPart(ctx, p); err != nil {
			return err
		}
		log.Good("Deleted the %s %s.", p.Kind, p.Name)
	}
	if err := gone(ctx, hub, s); err != nil {
		return err
	}
	if !ownGroup {
		log.Info("The resource group %s was there before: it stays", s.ResourceGroup)
		return nil
	}
	empty, err := hub.DeleteEmptyGroup(ctx, s)
	switch {
	case err != nil:
		return err
	case !empty:
		log.Warn("The resource group %s stays: the Hub lists other things in it", s.ResourceGroup)
	default:
		log.Good("Deleted the resource group %s.", s.ResourceGroup)
	}
	return nil
}

// gone sees that nothing of ours is left.
func gone(ctx context.Context, hub Remover, s Spec) error {
	parts, err := hub.VMParts(ctx, s)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if Owned(p, s) {
			return &w.Problem{Code: "vm.undeleted", What: fmt.Sprintf("The %s %s is there still", p.Kind, p.Name), Why: "The Hub said that it was deleted, and lists it again.",
				Fix: "Look at it in the Hub's portal: a lock, or somebody who makes it anew. Then retry from this step."}
		}
	}
	return nil
}

// Tags mark the pieces of a VM. id makes them different from those of every
// other Site's.
func Tags(role, deployment, site, id string) map[string]string {
	out := map[string]string{"product": "hubwright", "role": role, "deployment": Slug(deployment), "site": Slug(site)}
	if id != "" {
		out["site-id"] = id
	}
	return out
}
