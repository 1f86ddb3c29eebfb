package main

import (
	"context"
	"io"
	"time"

	"hubwright/internal/azurestack"
	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/helpervm"
	"hubwright/workflows/vm"
)

func (a adapters) helperVM() helpervm.Needs {
	return helpervm.Needs{
		Records: a.db, Vault: a.vault, Archives: archivesForHelper{a},
		OpenHub: func(ctx context.Context, s workflows.Stack) (helpervm.Hub, error) {
			h, err := a.hubs.Open(ctx, s)
			return vmHub{h}, err
		},
		ScanHostKey: func(ctx context.Context, t helpervm.Target) (string, string, error) {
			return remote.ScanHostKey(ctx, remote.Target(t))
		},
		Dial: func(ctx context.Context, t helpervm.Target) (helpervm.Host, error) {
			h, err := remote.Dial(ctx, remote.Target(t))
			if err != nil {
				return nil, err
			}
			return hostForHelper{h}, nil
		},
		Follow: func(ctx context.Context, t helpervm.Target, job string, cur workflows.Cursor, onLine, onState func(string)) (int, error) {
			open := func(ctx context.Context) (*remote.Host, error) { return remote.Dial(ctx, remote.Target(t)) }
			return remote.Watch(ctx, open, job, cur, nil, eachLine(onLine), onState)
		},
		NewKeyPair: remote.NewKeyPair, PublicKey: remote.ParsePrivateKey, Quote: remote.Quote,
		Clock: time.Now, Pause: workflows.Pause,
	}
}

// eachLine makes a listener of single lines one of batches.
func eachLine(on func(string)) func([]workflows.OutputLine) {
	if on == nil {
		return nil
	}
	return func(lines []workflows.OutputLine) {
		for _, l := range lines {
			on(l.Text)
		}
	}
}

// vmHub makes Linux VMs and takes them away.
type vmHub struct{ *azurestack.Hub }

func (h vmHub) EnsureVMNetwork(ctx context.Context, s vm.Spec, report func(int, string, bool, bool)) error {
	return h.Hub.EnsureVMNetwork(ctx, azurestack.VMSpec(s), report)
}

func (h vmHub) EnsureVM(ctx context.Context, s vm.Spec) (string, error) {
	return h.Hub.EnsureVM(ctx, azurestack.VMSpec(s))
}

func (h vmHub) VMParts(ctx context.Context, s vm.Spec) ([]workflows.VMPart, error) {
	return h.Hub.VMParts(ctx, azurestack.VMSpec(s))
}

func (h vmHub) DeleteEmptyGroup(ctx context.Context, s vm.Spec) (bool, error) {
	return h.Hub.DeleteEmptyGroup(ctx, azurestack.VMSpec(s))
}

type hostForHelper struct{ *remote.Host }

func (h hostForHelper) Run(ctx context.Context, script string, stdin io.Reader) (helpervm.Output, error) {
	out, err := h.Host.Run(ctx, script, stdin)
	return helpervm.Output(out), err
}

func (h hostForHelper) StartJob(ctx context.Context, j helpervm.Job) (bool, error) {
	return h.Host.StartJob(ctx, remote.Job(j))
}

func (h hostForHelper) JobState(ctx context.Context, id string) (string, int, int64, error) {
	st, err := h.Host.JobStatus(ctx, id)
	return string(st.State), st.ExitCode, st.OutputSize, err
}

type archivesForHelper struct{ a adapters }

func (x archivesForHelper) Archive(ctx context.Context, version string) (helpervm.Archive, error) {
	r, err := x.a.db.Archive(ctx, version)
	return helpervm.Archive{Version: r.Version, FileName: r.FileName, SHA256: r.SHA256, Size: r.Size}, err
}

func (x archivesForHelper) OpenArchive(ctx context.Context, version string) (io.ReadCloser, error) {
	f, _, _, err := x.a.shelf.Open(ctx, version)
	return f, err
}
