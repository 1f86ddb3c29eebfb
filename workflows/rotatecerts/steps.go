package rotatecerts

import (
	"context"
	"errors"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// Folders that the engine makes beside its API model. Both hold private keys.
func (s *State) backup() string { return s.OutputDir() + "/_rotate_certs_backup" }
func (s *State) made() string   { return s.OutputDir() + "/_rotate_certs_output" }

func (f flow) prepare(ctx context.Context, s *State, log w.Log) error {
	if err := f.Prepare(ctx, &s.Change, "rotate", log); err != nil {
		return err
	}
	model, err := f.Model(ctx, &s.Change)
	if err != nil {
		return err
	}
	_, end, err := f.end(ctx, s)
	if err != nil {
		return err
	}
	s.OldCA, s.OldEnd = model.CAFingerprint, day(end)
	log.Info("The first of the cluster's certificates ends on %s.", s.OldEnd)
	return nil
}

func (f flow) rotate(ctx context.Context, s *State, log w.Log) error {
	err := f.Stoppable(ctx, &s.Change, log, func() error { return f.rotateOnce(ctx, s, log) })
	if err == nil || errors.Is(context.Cause(ctx), w.ErrStopping) {
		return err
	}
	if s.Progress.Touched() {
		log.Warn("Some nodes may have new certificates by now and others not: kubeconfigs of before and after may both be refused. Retry this run: it makes new certificates once more and brings them to every node, without asking the API server first (--force). The old certificates stay in ~/%s until then.", s.backup())
	}
	return err
}

func (f flow) rotateOnce(ctx context.Context, s *State, log w.Log) error {
	s.Progress = aksengine.RotationProgress{}
	err := f.Work(ctx, &s.Change, log, operate.Task{
		Before:  func(ctx context.Context, x *operate.World) (bool, error) { return f.before(ctx, s, x.Host, log) },
		Command: s.command,
		Read: func(line string) {
			if s.Progress.Read(line) {
				log.Progress(s.Progress.Percent(), s.Progress.Doing())
			}
		},
	})
	if err != nil {
		return forcible(err)
	}
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	_, model, err := f.FetchModel(ctx, &s.Ground, host, log)
	if err != nil {
		return err
	}
	if model.CAFingerprint == s.OldCA || !model.HasCredentials {
		s.JobsEnded++
		return &w.Problem{Code: "rotate.same", What: "The engine has ended, but the API model holds the old certificates", Why: "Their authority is still the same.", Fix: "Read the engine's lines in the log, then retry: the rotation begins once more."}
	}
	log.Good("The engine has finished: the API model has a new certificate authority.")
	return nil
}

// forcible says of a failed rotation what a retry does.
func forcible(err error) error {
	var p *w.Problem
	if !errors.As(err, &p) {
		return err
	}
	said := *p
	said.Fix += " A retry begins the rotation once more; when this one had begun to change nodes, it does not wait for the API server first (--force)."
	return &said
}

// before looks what earlier rotations left, and brings the nodes' key. An
// interrupted one can only be repeated by force; one that had finished when
// its run was interrupted is not repeated.
func (f flow) before(ctx context.Context, s *State, host operate.Host, log w.Log) (needed bool, err error) {
	left, err := f.left(ctx, s, host)
	if err != nil {
		return false, err
	}
	s.Again = left.interrupted()
	switch {
	case s.Again:
		log.Warn("A rotation was interrupted on this cluster. The engine is told to begin once more without asking the API server first (--force): nodes may have certificates of both kinds.")
		if err := f.AwaitShells(ctx, &s.Shells, host, log); err != nil {
			return false, err
		}
	case left.backup && left.now != s.OldCA:
		log.Good("The command had finished before the run was interrupted.")
		return false, nil
	case left.backup:
		if err := f.removeCopies(ctx, s, host); err != nil {
			return false, err
		}
		log.Info("Copies of certificates that a former rotation left are removed.")
	}
	return true, f.PutKey(ctx, &s.Change, &s.Shells, host, log)
}

// leftovers are what a rotation left on the helper VM.
type leftovers struct {
	backup    bool
	now, made string // authorities in the API model and in the one that was made; "" for none
}

// interrupted says that the engine did not come to its last step: to write the
// API model with what it had made.
func (l leftovers) interrupted() bool { return l.backup && (l.now == "" || l.now != l.made) }

func (f flow) left(ctx context.Context, s *State, host operate.Host) (leftovers, error) {
	out, err := host.Run(ctx, "[ ! -e "+f.Quote(s.backup())+" ] || echo left", nil)
	if err := operate.RanWell(out, err, "The engine's output folder could not be read"); err != nil || out.Stdout == "" {
		return leftovers{}, err
	}
	return leftovers{backup: true, now: authority(ctx, host, s.OutputModel()), made: authority(ctx, host, s.made()+"/"+aksengine.OutputModel)}, nil
}

func (f flow) removeCopies(ctx context.Context, s *State, host operate.Host) error {
	out, err := host.Run(ctx, "rm -rf -- "+f.Quote(s.backup(), s.made()), nil)
	return operate.RanWell(out, err, "Copies of old certificates could not be removed from the helper VM")
}

// authority is the fingerprint of the CA in an API model on the helper VM, ""
// when there is none to be read.
func authority(ctx context.Context, host operate.Host, path string) string {
	doc, err := host.Download(ctx, path, operate.MaxModel)
	if err != nil {
		return ""
	}
	model, err := aksengine.ReadOutput(doc)
	if err != nil {
		return ""
	}
	return model.CAFingerprint
}

// custody keeps the new API model and the new kubeconfig.
func (f flow) custody(ctx context.Context, s *State, log w.Log) error {
	if err := f.Keep(ctx, &s.Change, log); err != nil {
		return err
	}
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	doc, model, err := f.FetchModel(ctx, &s.Ground, host, log)
	if err != nil {
		return err
	}
	_, end, err := aksengine.CertificatesEnd(doc)
	if err != nil {
		return err
	}
	record, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return err
	}
	if record.Kubeconfig, err = f.KeepKubeconfig(ctx, &s.Ground, host, doc, log); err != nil {
		return err
	}
	if err := f.Records.SaveCluster(ctx, &record); err != nil {
		return err
	}
	s.Cluster.Kubeconfig = record.Kubeconfig
	s.NewCA, s.NewEnd, s.Kept = model.CAFingerprint, day(end), true
	log.Good("The new kubeconfig is in custody, sealed. The first certificate ends on %s.", s.NewEnd)
	log.Warn("Kubeconfigs from before don't work any more, those of scoped service accounts included: the certificate authority has changed, and so has the key that signs their tokens.")
	return nil
}

// sweep leaves what an interrupted rotation needs when it is repeated.
func (f flow) sweep(ctx context.Context, s *State, log w.Log) error {
	if !s.Kept {
		return f.Sweep(ctx, &s.Change, log)
	}
	return f.Sweep(ctx, &s.Change, log, s.backup(), s.made())
}
