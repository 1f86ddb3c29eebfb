package helpervm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
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
	hub, err := f.hub(ctx, s)
	if err == nil {
		err = hub.Login(ctx)
	}
	if err != nil {
		return failed(err)
	}
	return w.Passed(s.Stack.Name + " gave the service principal a token.")
}

func (f flow) checkGroup(ctx context.Context, s *State) w.Finding {
	hub, skip := f.ask(ctx, s)
	if hub == nil {
		return skip
	}
	exists, tags, err := hub.ResourceGroupTags(ctx, s.ResourceGroup)
	switch {
	case err != nil:
		return f.noAnswer(ctx, s, err)
	case !exists:
		return w.Passed(fmt.Sprintf("%s does not exist yet; it is made.", s.ResourceGroup))
	case tags["product"] == "hubwright" && tags["role"] == "helper-vm":
		return w.Passed(fmt.Sprintf("%s exists and was made by Hubwright for a helper VM.", s.ResourceGroup))
	}
	return w.Warn(fmt.Sprintf("%s exists and was made by somebody else.", s.ResourceGroup),
		"Choose another name, or accept that the helper VM lies among other things.")
}

func (f flow) checkLabel(ctx context.Context, s *State) w.Finding {
	if hub, skip := f.ask(ctx, s); hub == nil {
		return skip
	}
	found, err := f.lookLabel(ctx, s)
	if err != nil {
		return f.noAnswer(ctx, s, err)
	}
	return found
}

// lookLabel asks the Hub whether the VM can have its name.
func (f flow) lookLabel(ctx context.Context, s *State) (w.Finding, error) {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return w.Finding{}, err
	}
	taken, by, err := hub.DNSLabelTaken(ctx, s.DNSLabel)
	if err != nil {
		return w.Finding{}, err
	}
	group, name := resource(by)
	switch {
	case !taken:
		return w.Passed(s.fqdn() + " is free."), nil
	case strings.EqualFold(group, s.ResourceGroup) && strings.EqualFold(name, s.spec().PublicIP):
		return w.Passed(fmt.Sprintf("%s belongs to this VM's own public IP.", s.fqdn())), nil
	case name != "":
		return w.Fail(fmt.Sprintf("%s is taken: it belongs to the public IP %s in the resource group %s.", s.fqdn(), name, group), "Choose another DNS label."), nil
	}
	return w.Fail(s.fqdn()+" is taken by somebody in another subscription.", "Choose another DNS label."), nil
}

// resource reads group and name from a resource ID.
func resource(id string) (group, name string) {
	parts := strings.Split(strings.Trim(id, "/"), "/")
	if len(parts) < 8 {
		return "", ""
	}
	return parts[3], parts[len(parts)-1]
}

func checkSource(_ context.Context, s *State) w.Finding {
	if strings.HasSuffix(s.SSHFrom, "/0") {
		return w.Warn("Everybody who can reach the Hub's public addresses may knock on port 22.",
			"Give the range of this server, such as 192.0.2.10/32. Or accept with a reason.")
	}
	return w.Passed("Only " + s.SSHFrom + " may reach port 22.")
}

func (f flow) checkQuota(ctx context.Context, s *State) w.Finding {
	hub, skip := f.ask(ctx, s)
	if hub == nil {
		return skip
	}
	if vms, err := hub.VMs(ctx, s.ResourceGroup); err == nil {
		for _, vm := range vms {
			if strings.EqualFold(vm.Name, s.VM) {
				return w.Passed(fmt.Sprintf("%s exists already; it needs nothing more.", s.VM))
			}
		}
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return f.noAnswer(ctx, s, err)
	}
	count := int64(-1)
	for _, z := range sizes {
		if strings.EqualFold(z.Name, s.Size) {
			count = int64(z.Cores)
		}
	}
	if count < 0 {
		return w.Fail(fmt.Sprintf("%s does not offer the size %s.", s.Stack.Name, s.Size), "Choose another size.")
	}
	usages, err := hub.Usages(ctx)
	if err != nil {
		return f.noAnswer(ctx, s, err)
	}
	return room(usages, count)
}

// room says whether one VM with that many cores fits.
func room(usages []w.Usage, count int64) w.Finding {
	needs := []struct {
		name, title string
		count       int64
	}{
		{"virtualMachines", "VM", 1}, {"cores", "cores", count}, {"NetworkInterfaces", "network interface", 1},
		{"PublicIPAddresses", "public IP", 1}, {"VirtualNetworks", "virtual network", 1}, {"NetworkSecurityGroups", "network security group", 1},
	}
	var short, free []string
	for _, n := range needs {
		for _, u := range usages {
			if !strings.EqualFold(u.Name, n.name) {
				continue
			}
			free = append(free, fmt.Sprintf("%d %s", max(u.Free(), 0), u.Title))
			if u.Free() < n.count {
				short = append(short, fmt.Sprintf("%d %s needed, %d of %d free", n.count, n.title, max(u.Free(), 0), u.Limit))
			}
		}
	}
	if len(short) > 0 {
		return w.Fail("Too little: "+strings.Join(short, "; ")+".",
			"Choose a smaller size, delete what is not needed, or ask the Hub's operator for a larger quota.")
	}
	if len(free) == 0 {
		return w.Warn("The Hub tells no quota that we know.", "Ask the Hub's operator whether one more VM fits.")
	}
	return w.Passed(fmt.Sprintf("Needs 1 VM and %s; free: %s.", cores(int(count)), strings.Join(free[:min(2, len(free))], ", ")))
}

func (f flow) checkImage(ctx context.Context, s *State) w.Finding {
	return f.lookForImage(ctx, s, s.Image, "Choose an image that is there, or ask the Hub's operator to download it.")
}

func (f flow) checkBaseImage(ctx context.Context, s *State) w.Finding {
	engine, ok := aksengine.Find(s.Engine)
	if !ok {
		return w.Skip("No engine version is chosen.")
	}
	return f.lookForImage(ctx, s, engine.BaseImage, fmt.Sprintf(
		"Ask the Hub's operator to download %s, or choose the engine version that takes an image that is there. Accept when it is on its way.", engine.BaseImage.URN()))
}

func (f flow) lookForImage(ctx context.Context, s *State, ref w.ImageRef, remedy string) w.Finding {
	hub, skip := f.ask(ctx, s)
	if hub == nil {
		return skip
	}
	found, available, err := hub.HasImage(ctx, ref)
	switch {
	case err != nil:
		return f.noAnswer(ctx, s, err)
	case found:
		return w.Passed(ref.URN() + " is there.")
	case len(available) == 0:
		return w.Fail(ref.URN()+" is not there, nor any of its kind.", remedy)
	}
	return w.Fail(fmt.Sprintf("%s is not there; there is %s.", ref.URN(), strings.Join(available, ", ")), remedy)
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
func (f flow) ask(ctx context.Context, s *State) (Hub, w.Finding) {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return nil, w.Skip("Cannot be known yet: " + problem.From(err).What + ".")
	}
	return hub, w.Finding{}
}

// noAnswer is a failure of the question. When it is the login that fails,
// that check says so, and this one does not repeat it.
func (f flow) noAnswer(ctx context.Context, s *State, err error) w.Finding {
	if hub, herr := f.hub(ctx, s); herr == nil && hub.Login(ctx) != nil {
		return w.Skip("Cannot be known yet: the Hub does not let us in.")
	}
	return failed(err)
}

func failed(err error) w.Finding { return problem.Finding(err) }
