package aksengine

import (
	"strconv"
	"strings"
	"time"
)

// Command is a command line of the engine as words. When it logs in with a
// secret, that is the last word: give it to nobody who shows it.
type Command []string

// Display is the command for people's eyes: secrets masked, one flag a line.
func (c Command) Display() string { return display(c) }

// operation is a command that changes the cluster of the output folder.
func (d Deploy) operation(verb string, flags ...string) Command {
	argv := []string{d.Binary, verb, "--azure-env", "AzureStackCloud", "--api-model", d.OutputDir + "/" + OutputModel}
	return d.login(append(argv, flags...))
}

// Scale brings a pool to a count. apiserver is the API server's name: scaling
// in drains nodes first.
func (d Deploy) Scale(pool string, count int, apiserver string) Command {
	return d.operation("scale", "--node-pool", pool, "--new-node-count", strconv.Itoa(count), "--apiserver", apiserver)
}

// AddPool makes the pool that the file describes: one agentPoolProfile.
func (d Deploy) AddPool(file string) Command {
	return d.operation("addpool", "--node-pool", file)
}

// Upgrade is what may be said of an upgrade.
type Upgrade struct {
	Version          string        // Kubernetes, without v
	Force            bool          // the same version again, or a rebuild of what a broken upgrade left
	ControlPlaneOnly bool          // leave the pools as they are
	Drain            time.Duration // for one node, then it is deleted all the same; whole minutes
	Ready            time.Duration // for one new VM to become a node; whole minutes
}

// Upgrade replaces the nodes one by one.
func (d Deploy) Upgrade(u Upgrade) Command {
	minutes := func(t time.Duration) string { return strconv.Itoa(int(t / time.Minute)) }
	flags := []string{"--upgrade-version", u.Version, "--cordon-drain-timeout", minutes(u.Drain), "--vm-timeout", minutes(u.Ready)}
	if u.ControlPlaneOnly {
		flags = append(flags, "--control-plane-only")
	}
	if u.Force {
		flags = append(flags, "--force")
	}
	return d.operation("upgrade", flags...)
}

// Shells is how the engine reaches the nodes over SSH: port 22 of one host,
// and from there each node by its name.
type Shells struct {
	Host string // name or address, without port
	Key  string // path of the private key
}

func (s Shells) flags() []string {
	return []string{"--ssh-host", s.Host, "--linux-ssh-private-key", s.Key}
}

// RotateCertificates gives the cluster a new certificate authority. With force
// nothing is looked at before, and what an interrupted rotation left is no
// hindrance.
func (d Deploy) RotateCertificates(via Shells, force bool) Command {
	flags := via.flags()
	if force {
		flags = append(flags, "--force")
	}
	return d.operation("rotate-certs", flags...)
}

// LogCollection is what may be said of collecting logs.
type LogCollection struct {
	Script           string   // path of the script that runs on each node
	Folder           string   // path of the folder for the archives; it must exist
	ControlPlaneOnly bool     // no node of a pool
	Nodes            []string // names; none: all
}

// CollectLogs runs a script on the nodes and fetches the archives that it
// makes. It does not log in to the Hub.
func (d Deploy) CollectLogs(via Shells, l LogCollection) Command {
	argv := []string{d.Binary, "get-logs", "--location", d.Location, "--api-model", d.OutputDir + "/" + OutputModel}
	argv = append(argv, via.flags()...)
	argv = append(argv, "--linux-script", l.Script, "--output-directory", l.Folder)
	if l.ControlPlaneOnly {
		argv = append(argv, "--control-plane-only")
	}
	if len(l.Nodes) > 0 {
		argv = append(argv, "--vm-names", strings.Join(l.Nodes, ","))
	}
	return argv
}
