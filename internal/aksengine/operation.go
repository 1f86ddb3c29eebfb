package aksengine

import (
	"strconv"
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
