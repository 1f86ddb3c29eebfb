package helpervm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

func validate(s *State) []w.FieldError {
	if s.Stack.AirGapped && s.creates() && s.Source == SourceDownload && s.Stack.Proxy == "" {
		return []w.FieldError{{Page: "engine", Field: "source",
			Message: "The stack is air-gapped and has no proxy, so the VM cannot download. Choose the archive, or correct the stack."}}
	}
	return nil
}

func (f flow) checks() []w.Check[State] {
	creates := func(s *State) bool { return s.creates() }
	existing := func(s *State) bool { return s.existing() }
	own := func(s *State) bool { return s.existing() || s.KeyKind == KeyOwn }
	const slow = 40 * time.Second
	return []w.Check[State]{
		{ID: "login", Title: "The Hub lets us in", Why: "Everything is made and looked up with the stack's service principal.", Severity: w.SeverityBlock, Timeout: slow, Run: f.checkLogin},
		{ID: "group", Title: "The resource group is ours or new", Why: "What is in a group is often deleted together.", Page: "network", Severity: w.SeverityWarn, Waivable: true, Timeout: slow, When: creates, Run: f.checkGroup},
		{ID: "dns-label", Title: "The DNS label is free", Why: "A name can be taken once in a region; the public IP would fail.", Page: "network", Severity: w.SeverityBlock, Timeout: slow, When: creates, Run: f.checkLabel},
		{ID: "ssh-source", Title: "SSH is not open to the world", Why: "The helper VM holds the keys of the clusters that it makes.", Page: "network", Severity: w.SeverityWarn, Waivable: true, When: creates, Run: checkSource},
		{ID: "quota", Title: "The quota has room for the VM", Why: "A VM that does not fit fails after its network was made.", Page: "machine", Severity: w.SeverityBlock, Timeout: slow, When: creates, Run: f.checkQuota},
		{ID: "image", Title: "The VM's image is in the marketplace", Why: "Only what the Hub's operator downloaded can be used.", Page: "machine", Severity: w.SeverityBlock, Timeout: slow, When: creates, Run: f.checkImage},
		{ID: "ssh-key", Title: "The private key can be used", Why: "It is the only way into the machine.", Severity: w.SeverityBlock, When: own, Run: f.checkKey},
		{ID: "host-key", Title: "The host answers by SSH", Why: "Its host key is pinned, so that nobody can stand between later.", Page: "host", Severity: w.SeverityBlock, When: existing, Run: f.checkHostKey},
		{ID: "host-login", Title: "We can log in", Why: "User and key must fit.", Page: "host", Severity: w.SeverityBlock, Timeout: slow, When: existing, Run: f.checkHostLogin},
		{ID: "linux", Title: "The host is Linux on amd64", Why: "AKS Engine is driven through a Linux shell, and its Linux release is for amd64 alone.", Page: "host", Severity: w.SeverityBlock, Timeout: slow, When: existing, Run: f.checkLinux},
		{ID: "disk", Title: "The host has room on its disk", Why: "AKS Engine, its archive and the clusters' files need about a gigabyte.", Page: "host", Severity: w.SeverityBlock, Timeout: slow, When: existing, Run: f.checkDisk},
		{ID: "outbound", Title: "The host reaches github.com", Why: "AKS Engine is downloaded from there.", Page: "engine", Severity: w.SeverityBlock, Waivable: true, Timeout: slow,
			When: func(s *State) bool { return s.existing() && s.Source == SourceDownload }, Run: f.checkOutbound},
		{ID: "base-image", Title: "The engine's base image is in the marketplace", Why: "Without exactly this image the chosen AKS Engine makes no cluster.", Page: "engine", Severity: w.SeverityBlock, Waivable: true, Timeout: slow, Run: f.checkBaseImage},
		{ID: "archive", Title: "The engine's archive is here", Why: "Hubwright uploads it, because the machine cannot download.", Page: "engine", Severity: w.SeverityBlock,
			When: func(s *State) bool { return s.Source == SourceArchive }, Run: f.checkArchive},
	}
}

func (f flow) checkLogin(ctx context.Context, s *State) w.Finding {
	return vm.CheckLogin(ctx, f.opening(s), s.Stack.Name)
}

func (f flow) checkGroup(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(hub Hub) (w.Finding, error) {
		exists, tags, err := hub.ResourceGroupTags(ctx, s.ResourceGroup)
		switch {
		case err != nil:
			return w.Finding{}, err
		case !exists:
			return w.Passed(fmt.Sprintf("%s does not exist yet; it is made.", s.ResourceGroup)), nil
		case tags["product"] == "hubwright" && tags["role"] == "helper-vm":
			return w.Passed(fmt.Sprintf("%s exists and was made by Hubwright for a helper VM.", s.ResourceGroup)), nil
		}
		return w.Warn(fmt.Sprintf("%s exists and was made by somebody else.", s.ResourceGroup),
			"Choose another name, or accept that the helper VM lies among other things."), nil
	})
}

func (f flow) checkLabel(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(hub Hub) (w.Finding, error) { return s.label(ctx, hub) })
}

// lookLabel asks the Hub whether the VM can have its name.
func (f flow) lookLabel(ctx context.Context, s *State) (w.Finding, error) {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return w.Finding{}, err
	}
	return s.label(ctx, hub)
}

func (s *State) label(ctx context.Context, hub Hub) (w.Finding, error) {
	return vm.CheckLabel(ctx, hub, s.spec(), s.fqdn(), "Choose another DNS label.")
}

func checkSource(_ context.Context, s *State) w.Finding { return vm.CheckSource(s.SSHFrom) }

func (f flow) checkQuota(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(hub Hub) (w.Finding, error) { return vm.CheckQuota(ctx, hub, s.spec(), s.Stack.Name) })
}

func (f flow) checkImage(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(hub Hub) (w.Finding, error) { return vm.CheckImage(ctx, hub, s.Image, vm.ImageRemedy) })
}

func (f flow) checkBaseImage(ctx context.Context, s *State) w.Finding {
	engine, ok := aksengine.Find(s.Engine)
	if !ok {
		return w.Skip("No engine version is chosen.")
	}
	return f.ask(ctx, s, func(hub Hub) (w.Finding, error) {
		return vm.CheckImage(ctx, hub, engine.BaseImage, fmt.Sprintf(
			"Ask the Hub's operator to download %s, or choose the engine version that takes an image that is there. Accept when it is on its way.", engine.BaseImage.URN()))
	})
}

func (f flow) checkArchive(ctx context.Context, s *State) w.Finding {
	a, err := f.Archives.Archive(ctx, s.Engine)
	if errors.Is(err, w.ErrNotFound) {
		return w.Fail(fmt.Sprintf("Nobody has given Hubwright the archive of %s yet.", s.Engine),
			fmt.Sprintf("Download %s on a machine with internet, and add it in the settings under AKS Engine archives.", aksengine.DownloadURL(s.Engine)))
	}
	if err != nil {
		return failed(err)
	}
	return w.Passed(fmt.Sprintf("%s, %d MiB, SHA-256 %s…", a.FileName, a.Size>>20, a.SHA256[:min(12, len(a.SHA256))]))
}

// ask opens the Hub, or says why the check cannot look.
func (f flow) ask(ctx context.Context, s *State, look func(Hub) (w.Finding, error)) w.Finding {
	return vm.Ask(ctx, f.opening(s), look)
}

func failed(err error) w.Finding { return problem.Finding(err) }
