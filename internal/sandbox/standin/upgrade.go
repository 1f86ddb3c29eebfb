package standin

import (
	"cmp"
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"slices"
	"time"
)

const (
	readyPause  = 5 * time.Second
	readyLimit  = 20 * time.Minute
	masterPause = 10 * time.Second
	masterTries = 15
)

var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// upgrade brings a cluster to another version of Kubernetes, or its VMs to another image.
type upgrade struct {
	*job
	version, old          string // the wanted one, and the model's
	force, onlyMasters    bool
	drainMinutes, minutes int
	kubeconfig            string
	kube                  *kube
	masters, newMasters   []machine // those to upgrade, and those that have been
	pools, newPools       map[string][]machine
}

func (p *process) upgradeCommand() *command {
	const short = "Upgrade an existing AKS Engine-created Kubernetes cluster"
	c := &command{name: "upgrade", short: short, long: short + ", one node at a time", flags: newFlags("upgrade")}
	u := &upgrade{job: &job{engine: p.version()}, pools: map[string][]machine{}, newPools: map[string][]machine{}}
	u.addClusterFlags(c.flags, " (required)")
	c.flags.StringVarP(&u.version, "upgrade-version", "k", "", "desired kubernetes version (required)")
	c.flags.StringVarP(&u.kubeconfig, "kubeconfig", "b", "", "the path of the kubeconfig file")
	c.flags.IntVar(&u.minutes, "vm-timeout", -1, "how long to wait for each vm to be upgraded in minutes")
	c.flags.IntVar(&u.drainMinutes, "cordon-drain-timeout", -1, "how long to wait for each vm to be cordoned in minutes")
	c.flags.BoolVarP(&u.force, "force", "f", false, "force upgrading the cluster to desired version. Allows same version upgrades and downgrades.")
	c.flags.BoolVar(&u.onlyMasters, "control-plane-only", false, "upgrade control plane VMs only, do not upgrade node pools")
	c.flags.Bool("upgrade-windows-vhd", true, "upgrade image reference of the Windows nodes")
	c.run = func([]string) error {
		if err := p.missing(c, "validating upgrade command", must(u.group, "--resource-group"), must(u.location, "--location"),
			must(u.version, "--upgrade-version"), must(u.file, "--api-model")); err != nil {
			return err
		}
		ctx := context.Background()
		if err := p.openForUpgrade(ctx, u); err != nil {
			return fmt.Errorf("loading existing cluster: %w", err)
		}
		if err := p.checkImages(ctx, u.job); err != nil {
			return imagesError(u.file, err)
		}
		p.log.info("Upgrading cluster with name suffix: %s", u.suffix())
		var err error
		if u.kube, err = p.openKube(u.job, u.kubeconfig, ""); err != nil {
			return err
		}
		if err := p.runUpgrade(ctx, u); err != nil {
			return fmt.Errorf("upgrading cluster: %w", err)
		}
		return u.keepModel()
	}
	return c
}

// openForUpgrade reads the cluster and says in its model what it will be.
func (p *process) openForUpgrade(ctx context.Context, u *upgrade) error {
	if err := p.open(ctx, u.job, func() error {
		u.old = u.props.OrchestratorProfile.OrchestratorVersion
		p.modernize(u)
		return nil
	}); err != nil {
		return err
	}
	if err := p.enter(ctx, u.job); err != nil {
		return err
	}
	if !versionForm.MatchString(u.version) {
		return fmt.Errorf("error validating the api model: Invalid --upgrade-version value '%s', not a semver string: No Major.Minor.Patch elements found", u.version)
	}
	if u.force || slices.Contains(upgradesOf(u.old), u.version) {
		return nil
	}
	return fmt.Errorf("error validating the api model: Invalid upgrade target version. Consider using --force if you really want to proceed: upgrading from Kubernetes version %s to version %s is not supported. To see a list of available upgrades, use '%s get-versions --version %s'",
		u.old, u.version, program, u.old)
}

// modernize replaces in a model what newer versions of Kubernetes don't have any more.
func (p *process) modernize(u *upgrade) {
	o := u.props.OrchestratorProfile
	k := o.KubernetesConfig
	if versionForm.MatchString(u.version) {
		p.log.info("The in-tree cloud provider is not longer supported on Azure Stack Hub for v1.21+ clusters, overwriting UseCloudControllerManager to 'true'")
		o.OrchestratorVersion, o.OrchestratorRelease = u.version, minorOf(u.version)
	}
	yes := true
	k.UseCloudControllerManager, k.ContainerRuntime = &yes, "containerd"
	external := func(flags *map[string]string) {
		*flags = with(map[string]string{"--cloud-provider": "external"}, *flags)
	}
	external(&k.APIServerConfig)
	external(&k.ControllerManagerConfig)
	external(&k.KubeletConfig)
	machines := []*Machines{&u.props.MasterProfile.Machines}
	for _, a := range u.props.AgentPoolProfiles {
		machines = append(machines, &a.Machines)
	}
	for _, m := range machines {
		if slices.Contains([]string{"aks-ubuntu-16.04", "aks-ubuntu-18.04", "aks-ubuntu-20.04"}, m.Distro) {
			m.Distro = usualDistro
		}
	}
}

func (p *process) runUpgrade(ctx context.Context, u *upgrade) error {
	if err := p.survey(ctx, u); err != nil {
		return err
	}
	if err := p.checkMasters(ctx, u); err != nil {
		return err
	}
	whole, what := "control plane and all nodes", "Cluster"
	if u.onlyMasters {
		whole, what = "control plane nodes", "Control plane"
	}
	p.say.info("Upgrading %s to Kubernetes version %s", whole, u.version)
	p.say.info("Master nodes StorageProfile: %s", u.props.MasterProfile.StorageProfile)
	if !slices.Contains(knownVersions, u.version) {
		return &crashError{} // --force lets pass what the real engine then trips over
	}
	if err := p.upgradeMasters(ctx, u); err != nil {
		return err
	}
	for _, a := range u.props.AgentPoolProfiles {
		if u.onlyMasters {
			break
		}
		if err := p.upgradePool(ctx, u, a); err != nil {
			return err
		}
	}
	p.say.info("%s upgraded successfully to Kubernetes version %s", what, u.version)
	return nil
}

// survey sorts the cluster's VMs into those that have the version, by their tag, and those that don't yet.
func (p *process) survey(ctx context.Context, u *upgrade) error {
	list, _, err := p.machines(ctx, u.job)
	if err != nil {
		return err
	}
	for _, m := range list {
		done := m.version() == u.version && !u.force
		switch pool := m.pool(); {
		case pool == "master" && done:
			p.say.info("Master VM name: %s, orchestrator: %s (UpgradedMasterVMs)", m.Name, m.version())
			u.newMasters = append(u.newMasters, m)
		case pool == "master":
			p.say.info("Master VM name: %s, orchestrator: %s (MasterVMs)", m.Name, m.version())
			u.masters = append(u.masters, m)
		case u.onlyMasters:
		case u.props.pool(pool) == nil:
			p.say.info("Evaluating VM: %s in pool: %s...", m.Name, pool)
			p.say.info("Skipping upgrade of VM: %s in pool: %s.", m.Name, pool)
		case done:
			p.say.info("Evaluating VM: %s in pool: %s...", m.Name, pool)
			p.say.info("Adding Agent VM: %s, orchestrator: Kubernetes:%s to pool: %s (UpgradedAgentVMs)", m.Name, m.version(), pool)
			u.newPools[pool] = append(u.newPools[pool], m)
		default:
			p.say.info("Evaluating VM: %s in pool: %s...", m.Name, pool)
			p.say.info("Adding Agent VM: %s, orchestrator: Kubernetes:%s to pool: %s (AgentVMs)", m.Name, m.version(), pool)
			u.pools[pool] = append(u.pools[pool], m)
		}
	}
	byIndex := func(a, b machine) int { return cmp.Compare(a.index(), b.index()) }
	slices.SortFunc(u.masters, byIndex)
	slices.SortFunc(u.newMasters, byIndex)
	return nil
}

// awaitReady waits until a node is ready. kind is what its messages begin with.
func (p *process) awaitReady(ctx context.Context, u *upgrade, kind, name string) error {
	limit := readyLimit
	if u.minutes >= 0 {
		limit = time.Duration(u.minutes) * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit/p.hasten)
	defer cancel()
	for {
		node, err := u.kube.node(ctx, name)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.say.info("%s node: %s status error: %v", kind, name, err)
		case isReady(node):
			p.say.info("%s node: %s is ready", kind, name)
			return nil
		default:
			p.say.info("%s node: %s not ready yet...", kind, name)
		}
		if p.pause(ctx, readyPause) != nil {
			err := fmt.Errorf("Node was not ready within %s", limit)
			p.say.error("%v", err)
			return err
		}
	}
}

// upgradeName is the name of the deployment of one VM.
func upgradeName(pool string, index int) string {
	return fmt.Sprintf("k8s-upgrade-%s-%d-%s-%d", pool, index, time.Now().Format("06-01-02T15.04.05"), mathrand.Int32())
}
