// Package sandbox is an emulated world at the wire: two Azure Stack Hubs,
// Seattle (Entra ID) and Orlando (AD FS), behind one HTTPS CONNECT proxy, with
// helper VMs that answer SSH and Kubernetes control planes that are real. The
// real azure-sdk-for-go, client-go, ssh and aks-engine-azurestack work with it.
//
// Nothing of it listens on, or sends to, anything but 127.0.0.0/8.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/traffic"
)

// Defaults of Options.
const (
	DefaultProxyAddr = "127.0.0.1:18080"
	DefaultSpeed     = 20.0 // a cluster of 3+3 in about a minute
)

// rememberedCalls is how many requests Calls answers at most.
const rememberedCalls = 20000

// Options are the settings of a World.
type Options struct {
	Dir       string  // state folder, made when missing, 0700; the same folder brings the world back
	ProxyAddr string  // loopback address of the door; "" is DefaultProxyAddr
	Speed     float64 // how many times faster than a real Hub; 0 is DefaultSpeed
	EngineBin string  // a real aks-engine-azurestack for the helper VMs; "" serves the stand-in

	// ControlPlane answers the path of the control plane binary and may take
	// minutes to do so; clusters wait for it. nil builds it.
	ControlPlane func(ctx context.Context) (string, error)
	// Archive makes the release archive of a tag. nil takes EngineBin or the
	// stand-in.
	Archive func(tag string) (io.ReadSeeker, error)

	Faults []faults.Rule // in force from the start
	Log    *slog.Logger  // nil discards
}

// World is a running sandbox. Its methods may be called from any goroutine.
type World struct {
	opts   Options
	door   *proxy.Server
	faults *faults.Set
	calls  *traffic.Recorder
	public *pki.Authority

	served chan error
	once   sync.Once
}

// Start opens the world. It returns as soon as the Hubs answer; helper VMs and
// clusters of an earlier life come back by themselves. Close ends it; so does
// the end of ctx.
func Start(ctx context.Context, o Options) (*World, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	w := &World{opts: o, faults: &faults.Set{}, calls: traffic.NewRecorder(rememberedCalls), served: make(chan error, 1)}
	for _, r := range o.Faults {
		if _, err := w.faults.Add(r); err != nil {
			return nil, err
		}
	}
	if err := w.open(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	context.AfterFunc(ctx, func() { w.Close() })
	return w, nil
}

func (o *Options) complete() error {
	if o.Dir == "" {
		return errors.New("the sandbox needs a state folder")
	}
	if o.ProxyAddr == "" {
		o.ProxyAddr = DefaultProxyAddr
	}
	if o.Speed == 0 {
		o.Speed = DefaultSpeed
	}
	if o.Speed < 0 {
		return fmt.Errorf("speed %v: must be positive", o.Speed)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return os.MkdirAll(o.Dir, 0o700)
}

func (w *World) open() error {
	var err error
	if w.public, err = pki.Open(filepath.Join(w.opts.Dir, "pki"), "public", "Sandbox Public Root CA"); err != nil {
		return err
	}
	w.door, err = proxy.Listen(proxy.Config{
		Addr: w.opts.ProxyAddr, Domains: []string{Domain}, Log: w.opts.Log,
	})
	if err != nil {
		return err
	}
	go func() { w.served <- w.door.Serve() }()
	return nil
}

// Close stops everything and writes the state down. It may be called twice.
func (w *World) Close() error {
	var err error
	w.once.Do(func() {
		if w.door != nil {
			err = errors.Join(w.door.Close(), <-w.served)
		}
	})
	return err
}

// Faults is the list of misbehaviours in force; rules may be added and lifted
// at any time.
func (w *World) Faults() *faults.Set { return w.faults }

// Calls answers the requests that reached the emulated names, oldest first.
func (w *World) Calls() []traffic.Call { return w.calls.Calls() }

// ProxyURL is the address of the door, for HTTPS_PROXY.
func (w *World) ProxyURL() string { return w.door.URL() }

// Refused counts the targets outside of the sandbox that somebody asked for.
func (w *World) Refused() map[string]int { return w.door.Refused() }

// Seed tells all that is needed to register the Hubs.
func (w *World) Seed() Seed {
	return Seed{Proxy: w.ProxyURL(), PublicCA: string(w.public.PEM())}
}
