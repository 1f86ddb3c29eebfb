package pipelines

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

var ownVM = with("where", WhereOwn)

func alsoVM(kv ...string) w.Answers {
	out := with(kv...)
	out["where"] = WhereOwn
	return out
}

// A VM of its own is made like the helper VM, recorded, and taken away with all
// that was made with it.
func TestAgentOnAVMOfItsOwn(t *testing.T) {
	b := newBed(t)
	x := b.done(ownVM)
	v := w.OwnVM{ResourceGroup: "ratings-seattle-agent", OwnGroup: true, Name: "ratings-seattle-agent", Size: "Standard_F2", SSHFrom: "10.0.0.0/8",
		Image:    w.ImageRef{Publisher: "Canonical", Offer: vm.UsualOffer, SKU: "22_04-lts", Version: "latest"},
		SubnetID: "/subscriptions/sub/resourceGroups/help/providers/Microsoft.Network/virtualNetworks/helper-vnet/subnets/default"}
	want := w.HostLogin{Address: "ratings-seattle-agent.seattle.cloudapp.azurestack.test", Port: 22, User: "azureuser", PrivateKey: b.row.AgentHost.PrivateKey, HostKey: "ssh-ed25519 AAAA", ViaProxy: true, VM: &v}
	if diff := cmp.Diff(want, b.row.AgentHost); diff != "" {
		t.Error(diff)
	}
	if string(b.kept[string(want.PrivateKey)]) != "private" {
		t.Errorf("the vault has %v", b.kept)
	}
	b.one()
	spec := b.specs[0]
	if spec.SubnetID != v.SubnetID || spec.SecurityGroup != "ratings-seattle-agent-nsg" || spec.Tags["role"] != "agent-vm" || spec.Tags["site-id"] != "sit" || spec.KeepGroup {
		t.Errorf("made %+v", spec)
	}
	if last := b.dialled[len(b.dialled)-1]; last.Proxy != "http://127.0.0.1:3128" || last.HostKey == "" {
		t.Errorf("dialled %+v", last)
	}
	if !strings.Contains(headline(x), "can deploy") || !strings.Contains(b.log.text, "Made the VM ratings-seattle-agent") {
		t.Errorf("%s\n%s", headline(x), b.log.text)
	}

	row, made := *b.row, len(b.parts)
	again := b.done(ownVM)
	if diff := cmp.Diff(row, *b.row); diff != "" || len(b.parts) != made || len(b.specs) != 1 || headline(again) != "Everything was as it should be: nothing was changed." {
		t.Errorf("the second run: %s, %v\n%s", headline(again), again.Result().Facts, diff)
	}

	b.log.text = ""
	b.done(remove)
	b.none()
	if !strings.Contains(b.log.text, "Deleted the resource group ratings-seattle-agent") {
		t.Errorf("%s", b.log.text)
	}
}

// What the run did not make stays: a group with other things, one that was
// there before, and what somebody else called by the same name.
func TestRemovalTakesOnlyWhatARunMade(t *testing.T) {
	for name, c := range map[string]struct {
		a      w.Answers
		before func(b *bed)
		after  func(b *bed)
		left   int
		group  bool
		says   string
	}{
		"its own network":           {alsoVM("network", NetNew, "range", "10.9.0.0/24"), nil, nil, 0, false, "Deleted the virtual network"},
		"a group that was there":    {alsoVM("group", "shared"), func(b *bed) { b.groups["shared"] = false }, nil, 0, true, "was there before: it stays"},
		"a group with other things": {ownVM, nil, func(b *bed) { b.groups["ratings-seattle-agent"] = true }, 0, true, "lists other things in it"},
		"somebody's public IP": {ownVM, nil, func(b *bed) {
			for i, p := range b.parts {
				if p.Kind == "public IP" {
					b.parts[i].Tags = map[string]string{"owner": "ana"}
				}
			}
		}, 1, true, "somebody else's by its tags"},
		"the VM is gone": {ownVM, nil, func(b *bed) {
			b.parts = b.parts[:3]
			b.groups["ratings-seattle-agent"] = false
		}, 0, false, "Deleted the resource group"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			if c.before != nil {
				c.before(b)
			}
			b.done(c.a)
			if c.after != nil {
				c.after(b)
			}
			b.log.text = ""
			b.done(remove)
			if len(b.parts) != c.left || (len(b.groups) > 0) != c.group || b.row != nil || !strings.Contains(b.log.text, c.says) {
				t.Errorf("left %+v, groups %v, record %+v\n%s", b.parts, b.groups, b.row, b.log.text)
			}
		})
	}
}

// A run that fails says what it leaves, the next one goes on with it, also with
// another size.
func TestAVMThatFailsIsLeftAndSaid(t *testing.T) {
	b := newBed(t)
	b.fails["vm"] = &w.Problem{Code: "arm.QuotaExceeded", What: "x"}
	x, err := b.live(t.Context(), b.start(ownVM))
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != "arm.QuotaExceeded" {
		t.Fatal(err)
	}
	left := x.Left()
	b.says(left)
	if !cmp.Equal(left.Undo.Answers, remove) {
		t.Errorf("%+v", left)
	}
	delete(b.fails, "vm")
	b.done(alsoVM("size", "Standard_F4"))
	if b.one(); b.row.AgentHost.VM.Size != "Standard_F4" {
		t.Errorf("%+v", b.row.AgentHost.VM)
	}
	b.done(alsoVM("size", "Standard_F8", "network", NetNew, "range", "10.9.0.0/24"))
	if b.one(); b.row.AgentHost.VM.Size != "Standard_F4" || !strings.Contains(b.log.text, "it keeps its size and its network") {
		t.Errorf("%+v\n%s", b.row.AgentHost.VM, b.log.text)
	}
}

func TestVMOfOthersIsNotTaken(t *testing.T) {
	b := newBed(t)
	b.parts = []w.VMPart{{Kind: "VM", Name: "ratings-seattle-agent", ID: "x"}}
	_, err := b.all(b.start(ownVM))
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != "pipelines.vm" || len(b.specs) != 0 || b.row.AgentHost.VM != nil {
		t.Errorf("%v, %+v", err, b.row)
	}
}

func TestVMIsAskedFor(t *testing.T) {
	for field, bad := range map[string]string{
		"vm": "9a", "size": "", "vm_image": "ubuntu", "group": "x.", "network": "moon", "ssh": "here", "reach": "air",
	} {
		if errs := newBed(t).session(alsoVM(field, bad)).Errors(); len(errs) != 1 || errs[0].Field != field || errs[0].Page != "vm" {
			t.Errorf("%s %q: %v", field, bad, errs)
		}
	}
	if errs := newBed(t).session(alsoVM("network", NetExisting, "subnet", "default")).Errors(); len(errs) != 1 || errs[0].Field != "subnet" {
		t.Errorf("%v", errs)
	}
	b := newBed(t)
	b.done(ownVM)
	for name, a := range map[string]w.Answers{"vm": alsoVM("vm", "another"), "where": with("where", WhereVM)} {
		if errs := b.session(a).Errors(); len(errs) != 1 || errs[0].Field != name {
			t.Errorf("%s: a second machine of the agent: %v", name, errs)
		}
	}
	if errs := b.session(answers).Errors(); len(errs) != 0 {
		t.Errorf("the former answer is not offered: %v", errs)
	}
	plan, err := newBed(t).session(ownVM).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, c := range plan.Changes {
		all.WriteString(c.What + ": " + c.Note + "\n")
	}
	for _, c := range plan.Commands {
		all.WriteString(c.Text + "\n")
	}
	for _, part := range []string{"VM ratings-seattle-agent: Standard_F2 with managed disk", "SSH from 10.0.0.0/8", "az vm create", "virtualNetworks/helper-vnet/subnets/default"} {
		if !strings.Contains(all.String(), part) {
			t.Errorf("no %q in\n%s", part, all.String())
		}
	}
}

func TestVMChecks(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *bed)
		a      w.Answers
		check  string
		want   w.CheckStatus
		says   string
	}{
		"login":           {nil, ownVM, "vm-login", w.CheckPassed, "gave the service principal"},
		"names free":      {nil, ownVM, "vm-names", w.CheckPassed, "is made, and deleted with the VM"},
		"group there":     {func(b *bed) { b.groups["ratings-seattle-agent"] = true }, ownVM, "vm-names", w.CheckPassed, "it stays"},
		"name taken":      {func(b *bed) { b.parts = []w.VMPart{{Kind: "disk", Name: "ratings-seattle-agent-osdisk"}} }, ownVM, "vm-names", w.CheckFailed, "that no run for this Site made"},
		"ours":            {func(b *bed) { b.done(ownVM) }, ownVM, "vm-names", w.CheckPassed, "made by a former run"},
		"label":           {nil, alsoVM("vm", "taken"), "vm-label", w.CheckFailed, "Choose another name for the VM"},
		"subnet":          {nil, ownVM, "vm-subnet", w.CheckPassed, "10.100.1.0/24"},
		"subnet missing":  {nil, alsoVM("network", NetExisting, "subnet", "/subscriptions/s/x/subnets/y"), "vm-subnet", w.CheckFailed, "does not exist"},
		"open to all":     {nil, alsoVM("ssh", "0.0.0.0/0"), "vm-ssh-source", w.CheckWarning, "Everybody"},
		"room":            {nil, ownVM, "vm-quota", w.CheckPassed, "Needs 1 VM"},
		"no room":         {func(b *bed) { b.full = true }, ownVM, "vm-quota", w.CheckFailed, "1 VM needed"},
		"image":           {nil, ownVM, "vm-image", w.CheckPassed, "is there"},
		"no image":        {nil, alsoVM("vm_image", "a:b:c:d"), "vm-image", w.CheckFailed, "not there"},
		"Hub not reached": {func(b *bed) { b.fails["hub"] = &w.Problem{Code: "x", What: "No way"} }, ownVM, "vm-image", w.CheckSkipped, "No way"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			if c.change != nil {
				c.change(b)
			}
			if r := b.session(c.a).RunCheck(t.Context(), c.check); r.Status != c.want || !strings.Contains(r.Found+r.Remedy, c.says) {
				t.Errorf("%+v", r)
			}
		})
	}
	made := newBed(t)
	made.done(ownVM)
	made.fails["dial"] = &w.Problem{Code: "ssh.refused", What: "The connection was refused"}
	for check, a := range map[string]w.Answers{"outbound": ownVM, "vm-login": remove} {
		if r := made.session(a).RunCheck(t.Context(), check); r.Status != map[string]w.CheckStatus{"outbound": w.CheckSkipped, "vm-login": w.CheckPassed}[check] {
			t.Errorf("%s of a VM that is off: %+v", check, r)
		}
	}
	applies := maps.Collect(func(yield func(string, bool) bool) {
		for _, c := range newBed(t).session(ownVM).Checks() {
			yield(c.ID, true)
		}
	})
	if applies["outbound"] || !applies["vm-quota"] {
		t.Errorf("a machine that is not there yet is asked: %v", applies)
	}
}
