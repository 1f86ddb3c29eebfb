package standin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
)

const (
	countPause  = 3 * time.Second
	countLimit  = 5 * time.Minute
	searchPause = 30 * time.Second
	searches    = 10
)

// scaling is a change of the size of a pool.
type scaling struct {
	*job
	count     int
	pool      string
	apiServer string
	kube      *kube // nil unless the API server is named
}

func (p *process) scaleCommand() *command {
	const short = "Scale an existing AKS Engine-created Kubernetes cluster"
	c := &command{name: "scale", short: short, long: short + " by specifying a new desired number of nodes in a node pool", flags: newFlags("scale")}
	s := &scaling{job: &job{engine: p.version()}}
	s.addClusterFlags(c.flags, "")
	c.flags.IntVarP(&s.count, "new-node-count", "c", 0, "desired number of nodes")
	c.flags.StringVar(&s.pool, "node-pool", "", "node pool to scale")
	c.flags.StringVar(&s.apiServer, "apiserver", "", "apiserver endpoint (required to cordon and drain nodes)")
	c.run = func([]string) error {
		if err := p.missing(c, "failed to validate scale command", must(s.group, "--resource-group"), must(s.location, "--location"),
			rule{s.count == 0, "--new-node-count must be specified"}, must(s.file, "--api-model")); err != nil {
			return err
		}
		return p.scale(context.Background(), c, s)
	}
	return c
}

func (p *process) scale(ctx context.Context, c *command, s *scaling) error {
	if err := p.openForScale(ctx, s); err != nil {
		return fmt.Errorf("failed to load existing container service: %w", err)
	}
	if err := p.checkImages(ctx, s.job); err != nil {
		return imagesError(s.file, err)
	}
	if s.apiServer != "" {
		var err error
		if s.kube, err = p.openKube(s.job, "", s.apiServer); err != nil {
			return err
		}
	}
	before, listed := p.await(ctx, s, func(int) bool { return true })
	vms, err := p.findPool(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case len(vms) == s.count && listed:
		p.log.info("Node pool %s is already at the desired count %d:", s.pool, s.count)
		p.table(before)
		return nil
	case len(vms) == s.count:
		p.log.info("Node pool %s is already at the desired count %d.", s.pool, s.count)
		return nil
	case len(vms) < s.count:
		err = p.scaleOut(ctx, s, vms, before)
	case s.kube == nil:
		fmt.Fprint(p.stderr, usage(c))
		return errors.New("--apiserver is required to scale down a kubernetes cluster's agent pool")
	default:
		err = p.scaleIn(ctx, s, vms, before)
	}
	if err != nil {
		return err
	}
	s.props.pool(s.pool).Count = s.count
	return s.keepModel()
}

func imagesError(file string, err error) error {
	return fmt.Errorf("validating OS base images required by %s: OS base image not available in target cloud: %w", file, err)
}

func (p *process) openForScale(ctx context.Context, s *scaling) error {
	if err := p.open(ctx, s.job, nil); err != nil {
		return err
	}
	if err := p.enter(ctx, s.job); err != nil {
		return err
	}
	if pools := s.props.AgentPoolProfiles; s.pool == "" && len(pools) == 1 {
		s.pool = pools[0].Name
	}
	if s.pool == "" {
		return errors.New("--node-pool is required if more than one agent pool is defined in the container service")
	}
	if s.props.pool(s.pool) == nil {
		return fmt.Errorf("node pool %s was not found in the deployed api model", s.pool)
	}
	return nil
}

// findPool lists the VMs of the pool, by index. It looks again and again for those of a pool that has none.
func (p *process) findPool(ctx context.Context, s *scaling) ([]machine, error) {
	for range searches {
		list, all, err := p.machines(ctx, s.job)
		if err != nil {
			return nil, err
		}
		if all == 0 {
			return nil, errors.New("The provided resource group does not contain any VMs")
		}
		list = slices.DeleteFunc(list, func(m machine) bool { return m.pool() != s.pool })
		if len(list) > 0 {
			slices.SortFunc(list, func(a, b machine) int { return cmp.Compare(a.index(), b.index()) })
			return list, nil
		}
		p.say.warn("Found no VMs in resource group %s that match pool name %s", s.group, s.pool)
		if err := p.pause(ctx, searchPause); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("found no VMs in resource group %s that match pool name %s", s.group, s.pool)
}

func (p *process) scaleOut(ctx context.Context, s *scaling, vms []machine, before []corev1.Node) error {
	if s.kube != nil {
		p.say.info("Nodes in pool '%s' before scaling:\n", s.pool)
		p.table(before)
	}
	next := vms[len(vms)-1].index() + 1
	what := part{mark: scaleMark, pool: s.pool, count: s.count + next - len(vms), offset: next}
	if err := p.putDeployment(ctx, s.job, s.operationName(), what); err != nil {
		return err
	}
	if s.kube != nil {
		after, _ := p.await(ctx, s, func(n int) bool { return n == s.count })
		p.say.info("Nodes in pool '%s' after scaling:\n", s.pool)
		p.table(after)
	}
	return nil
}

func (p *process) scaleIn(ctx context.Context, s *scaling, vms []machine, before []corev1.Node) error {
	p.say.info("%s in pool %s before scaling down to %d:\n", numbered("There are %d nodes", "There is 1 node", len(vms)), s.pool, s.count)
	p.table(before)
	victims := vms[s.count:]
	slices.Reverse(victims)
	p.say.info("%s will be deleted\n", numbered("%d nodes", "1 node", len(victims)))
	var drains, deletes errgroup.Group
	for _, v := range victims {
		p.say.info("Node %s will be cordoned and drained\n", v.Name)
		drains.Go(func() error { return p.drain(ctx, s.kube, v.Name, drainLimit) })
	}
	if err := drains.Wait(); err != nil {
		return err
	}
	for _, v := range victims {
		p.say.info("Node %s's VM will be deleted\n", v.Name)
		deletes.Go(func() error {
			err := p.deleteMachine(ctx, s.job, v.Name)
			if err != nil {
				p.say.error("Vm '%s' failed to delete with error: '%v'", v.Name, err)
				err = fmt.Errorf("Node '%s' failed to delete with error: '%w'", v.Name, err)
			}
			return err
		})
	}
	if err := deletes.Wait(); err != nil {
		return err
	}
	after, ok := p.await(ctx, s, func(n int) bool { return n == s.count })
	if !ok {
		p.say.warn("Unable to get nodes in pool %s after scaling:\n", s.pool)
		return nil
	}
	p.say.info("Nodes in pool %s after scaling:\n", s.pool)
	p.table(after)
	return nil
}

func numbered(many, one string, n int) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// await lists the nodes whose names tell that they are of the pool, as soon as they can be listed and are enough.
func (p *process) await(ctx context.Context, s *scaling, enough func(int) bool) (list []corev1.Node, ok bool) {
	if s.kube == nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, countLimit/p.hasten)
	defer cancel()
	for {
		all, err := s.kube.nodes(ctx, "")
		list = slices.DeleteFunc(all, func(n corev1.Node) bool { return !strings.Contains(n.Name, s.pool) })
		if err == nil && enough(len(list)) {
			return list, true
		}
		if p.pause(ctx, countPause) != nil {
			return list, false
		}
	}
}

func (p *process) table(nodes []corev1.Node) {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 4, ' ', 0)
	fmt.Fprintln(w, "NODE\tSTATUS\tVERSION\tOS\tKERNEL")
	for _, n := range nodes {
		status := "Ready"
		if !isReady(&n) {
			status = "NotReady"
		}
		i := n.Status.NodeInfo
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Name, status, i.KubeletVersion, i.OSImage, i.KernelVersion)
	}
	w.Flush()
}
