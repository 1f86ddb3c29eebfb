package cluster

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// deploy starts the engine on the helper VM, unless it was started, and
// follows it to its end. The job goes on without us: whatever breaks here, the
// next call follows the same one.
func (f flow) deploy(ctx context.Context, s *State, log w.Log) error {
	if ctx.Err() != nil {
		return f.stop(ctx, s, log)
	}
	err := f.deployOrFollow(ctx, s, log)
	if err != nil && ctx.Err() != nil {
		return f.stop(ctx, s, log)
	}
	return err
}

func (f flow) deployOrFollow(ctx context.Context, s *State, log w.Log) error {
	x, err := f.Open(ctx, &s.Ground, log)
	if err != nil {
		return err
	}
	defer x.Close()
	if s.Stack.Credential.Method == w.AuthCertificate {
		if err := f.maskInput(ctx, s, x.Host, log); err != nil {
			return err
		}
	}
	state, _, _, err := x.Host.JobState(ctx, s.JobID())
	if err != nil {
		return err
	}
	if state == operate.JobAbsent {
		err = f.start(ctx, s, x, log)
	} else {
		log.Info("The deploy command was started before; following it from where the log ends.")
	}
	if err != nil {
		return err
	}
	follow := f.follower(s, x, log, state != operate.JobAbsent)
	code, err := follow.run(ctx)
	s.ARM = follow.deployment()
	if err != nil {
		return err
	}
	if code != 0 {
		p := f.explain(ctx, s, x, follow, code)
		s.JobsEnded++
		return p
	}
	err = f.made(ctx, s, x, log)
	var p *w.Problem
	if errors.As(err, &p) && p.Code == codeVMs {
		s.JobsEnded++ // the engine has to make them again
	}
	return err
}

// maskInput hides the principal's certificate file and its password, which
// stand in the API model on the helper VM.
func (f flow) maskInput(ctx context.Context, s *State, host operate.Host, log w.Log) error {
	doc, err := host.Download(ctx, s.input(), operate.MaxModel)
	if err != nil {
		return err
	}
	for _, secret := range aksengine.Secrets(doc) {
		log.Mask(secret)
	}
	return nil
}

// start starts the job with the right API model.
func (f flow) start(ctx context.Context, s *State, x *operate.World, log w.Log) error {
	call := s.command()
	again, err := f.goOn(ctx, s, x, log)
	if err != nil {
		return err
	}
	if again {
		call = call.Retry()
	}
	shown := call.Display()
	call.ClientSecret = string(x.Credential)
	return f.Start(ctx, &s.Ground, x.Host, call.Argv(), shown, log)
}

// goOn decides what the engine gets as input. Once a deployment was sent to
// the Hub, or a VM exists, only the output folder's own model will do: with
// any other the engine makes a new certificate authority, and the nodes that
// exist are lost. Before that, a model of an earlier try is put aside.
func (f flow) goOn(ctx context.Context, s *State, x *operate.World, log w.Log) (bool, error) {
	doc, err := x.Host.Download(ctx, s.OutputModel(), operate.MaxModel)
	missing := errors.Is(err, w.ErrNotFound)
	if err != nil && !missing {
		return false, err
	}
	sent, err := f.sent(ctx, s, x.Hub)
	if err != nil {
		return false, err
	}
	switch {
	case missing && sent != "":
		return false, &w.Problem{
			Code: "cluster.modellost", What: "The API model of a half-made cluster is gone", Why: sent + ", but the engine's output folder on the helper VM holds no apimodel.json. A new one would come with a new certificate authority.",
			Fix: "Delete the resource group " + s.ResourceGroup + " and retry, or put the API model back to ~/" + s.OutputModel() + " on the helper VM.",
		}
	case missing:
		return false, f.putAside(ctx, s, x.Host)
	case sent == "":
		log.Info("An earlier try left a model, but nothing was sent to the Hub: beginning anew.")
		return false, f.putAside(ctx, s, x.Host)
	}
	have, err := aksengine.ReadOutput(doc)
	if err != nil {
		return false, &w.Problem{
			Code: "cluster.modelbroken", What: "The API model of a half-made cluster cannot be read", Why: err.Error() + ".",
			Fix: "Delete the resource group " + s.ResourceGroup + " and the folder ~/" + s.OutputDir() + " on the helper VM, then retry.",
		}
	}
	if p := s.differs(have); p != nil {
		return false, p
	}
	log.Info("%s: going on with the API model of the output folder, so that its certificates stay.", sent)
	return true, nil
}

// sent says what of this cluster is known to the Hub, "" when nothing is.
func (f flow) sent(ctx context.Context, s *State, hub operate.Hub) (string, error) {
	exists, _, err := hub.ResourceGroupTags(ctx, s.ResourceGroup)
	if err != nil || !exists {
		return "", err
	}
	vms, err := hub.VMs(ctx, s.ResourceGroup)
	if err != nil {
		return "", err
	}
	suffix, n := aksengine.NameSuffix(s.DNSPrefix), 0
	for _, vm := range vms {
		if strings.Contains(vm.Name, suffix) {
			n++
		}
	}
	if n > 0 {
		return fmt.Sprintf("%s of the cluster exist", operate.Plural(n, "VM")), nil
	}
	deployments, err := hub.Deployments(ctx, s.ResourceGroup)
	if err != nil {
		return "", err
	}
	name := regexp.MustCompile("^" + regexp.QuoteMeta(s.ResourceGroup) + `-\d+$`)
	for _, d := range deployments {
		if name.MatchString(d.Name) {
			return "the deployment " + d.Name + " was sent to the Hub", nil
		}
	}
	return "", nil
}

// putAside moves an output folder away: without --force-overwrite the engine
// stops before an existing one, and with it nobody would see what was there.
func (f flow) putAside(ctx context.Context, s *State, host operate.Host) error {
	dir := f.Quote(s.OutputDir())
	aside := f.Quote(s.OutputDir() + "-" + s.JobID())
	out, err := host.Run(ctx, "if test -e "+dir+"; then rm -rf "+aside+" && mv "+dir+" "+aside+"; fi", nil)
	return operate.RanWell(out, err, "The output folder of an earlier try could not be moved away")
}

// differs says what an API model of the cluster has otherwise than the
// answers, nil when they agree.
func (s *State) differs(have aksengine.Output) *w.Problem {
	var what []string
	add := func(name, is, want string) {
		if is != want {
			what = append(what, fmt.Sprintf("%s is %s, not %s", name, is, want))
		}
	}
	add("the DNS prefix", have.DNSPrefix, s.DNSPrefix)
	add("Kubernetes", have.Version, s.Version)
	add("the control plane", fmt.Sprintf("%d × %s", have.MasterCount, have.MasterSize), fmt.Sprintf("%d × %s", s.MasterCount, s.MasterSize))
	if !slices.Equal(have.Pools, s.Pools) {
		add("the pools", pools(have.Pools), pools(s.Pools))
	}
	if len(what) == 0 {
		return nil
	}
	return &w.Problem{
		Code: "cluster.othermodel", What: "A half-made cluster with other settings is there", Why: operate.Capital(strings.Join(what, "; ")) + ".",
		Fix: "Begin a draft with the settings that are there, or delete the resource group " + s.ResourceGroup + " and the folder ~/" + s.OutputDir() + " on the helper VM, then retry.",
	}
}

func pools(all []w.NodePool) string {
	var out []string
	for _, p := range all {
		out = append(out, fmt.Sprintf("%s %d × %s", p.Name, p.Count, p.Size))
	}
	return strings.Join(out, ", ")
}

// codeVMs is a success of the engine that the Hub does not bear out.
const codeVMs = "cluster.vms"

// made is deploy's postcondition: the model is there and fits, and every VM of
// it exists.
func (f flow) made(ctx context.Context, s *State, x *operate.World, log w.Log) error {
	doc, err := x.Host.Download(ctx, s.OutputModel(), operate.MaxModel)
	if err != nil {
		return &w.Problem{Code: "cluster.modellost", What: "The engine left no API model", Why: "~/" + s.OutputModel() + " cannot be read on the helper VM.", Fix: "Look at that folder, then retry.", Detail: err.Error()}
	}
	have, err := aksengine.ReadOutput(doc)
	if err != nil {
		return &w.Problem{Code: "cluster.modelbroken", What: "The engine's API model cannot be read", Why: err.Error() + ".", Fix: "Look at ~/" + s.OutputModel() + " on the helper VM."}
	}
	if p := s.differs(have); p != nil {
		return p
	}
	vms, err := x.Hub.VMs(ctx, s.ResourceGroup)
	if err != nil {
		return err
	}
	if lacking := operate.Without(have.VMNames(), vms); len(lacking) > 0 {
		return &w.Problem{
			Code: codeVMs, What: "The engine reports success, but VMs are missing", Why: strings.Join(lacking, ", ") + " do not exist on the Hub.",
			Fix: "Look who deleted them, then retry: it makes what is missing.",
		}
	}
	log.Good("The engine has finished, and all %d VMs exist.", have.Nodes())
	return nil
}
