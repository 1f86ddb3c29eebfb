package vm

import (
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// Changes are what the plan says of the VM.
func Changes(s Spec, fqdn string) []w.Change {
	const kept = "left alone when it is there and right"
	out := []w.Change{
		{Verb: "create", What: "Resource group " + s.ResourceGroup, Note: kept},
		{Verb: "create", What: "Network security group " + s.SecurityGroup, Note: "SSH from " + s.SSHFrom},
	}
	if s.SubnetID == "" {
		out = append(out, w.Change{Verb: "create", What: "Virtual network " + s.Network, Note: fmt.Sprintf("%s with subnet %s %s", s.NetworkCIDR, s.Subnet, s.SubnetCIDR)})
	}
	return append(out,
		w.Change{Verb: "create", What: "Public IP " + s.PublicIP, Note: fqdn},
		w.Change{Verb: "create", What: "Network interface " + s.Interface, Note: kept},
		w.Change{Verb: "create", What: "VM " + s.VM, Note: fmt.Sprintf("%s with managed disk %s", s.Size, s.Disk)},
	)
}

// Command is what a person would have typed to make the VM. keyFile names the
// public key's file.
func Command(s Spec, region, keyFile string, q func(...string) string) w.Command {
	group := " -g " + q(s.ResourceGroup)
	lines := []string{
		"az group create --name " + q(s.ResourceGroup) + " --location " + q(region),
		"az network nsg create" + group + " -n " + q(s.SecurityGroup),
		"az network nsg rule create" + group + " --nsg-name " + q(s.SecurityGroup) +
			" -n AllowInboundSSH --priority 100 --protocol Tcp --destination-port-ranges 22 --source-address-prefixes " + q(s.SSHFrom),
	}
	subnet := " --subnet " + q(s.SubnetID)
	if s.SubnetID == "" {
		subnet = " --vnet-name " + q(s.Network) + " --subnet " + q(s.Subnet)
		lines = append(lines, "az network vnet create"+group+" -n "+q(s.Network)+" --address-prefix "+q(s.NetworkCIDR)+
			" --subnet-name "+q(s.Subnet)+" --subnet-prefix "+q(s.SubnetCIDR))
	}
	lines = append(lines,
		"az network public-ip create"+group+" -n "+q(s.PublicIP)+" --sku Basic --allocation-method Static --dns-name "+q(s.DNSLabel),
		"az network nic create"+group+" -n "+q(s.Interface)+subnet+
			" --public-ip-address "+q(s.PublicIP)+" --network-security-group "+q(s.SecurityGroup),
		"az vm create"+group+" -n "+q(s.VM)+" --nics "+q(s.Interface)+" --size "+q(s.Size)+" --image "+q(s.Image.URN())+
			" --admin-username "+q(s.User)+" --authentication-type ssh --ssh-key-values "+keyFile+" --os-disk-name "+q(s.Disk)+" --storage-sku Standard_LRS",
	)
	return w.Command{Title: "Make the VM", Text: strings.Join(lines, "\n")}
}
