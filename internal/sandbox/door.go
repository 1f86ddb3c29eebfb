package sandbox

import (
	"maps"
	"net/http"
	"strings"
	"time"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/helper"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/traffic"
)

// openDoor opens the proxy. Faults may bar it, and every CONNECT is
// remembered.
func (w *World) openDoor() error {
	var err error
	w.door, err = proxy.Listen(proxy.Config{
		Addr: w.opts.ProxyAddr, Domains: []string{Domain}, Log: w.opts.Log, Gate: w.gate, Route: w.wayOfInternet,
		Seen: func(host string, port, code int) {
			w.calls.Add(traffic.Call{At: time.Now(), Host: host, Method: http.MethodConnect, Path: target(host, port), Status: code})
		},
	})
	if err != nil {
		return err
	}
	go func() { w.served <- w.door.Serve() }()
	return nil
}

// breakOff ends what is open already and would not be let in any more: a name
// that cannot be reached does not answer over an old connection either.
func (w *World) breakOff(hits func(faults.Event) bool, e faults.Effect) {
	if e.Unreachable || e.Untrusted {
		w.door.Cut(func(where string) bool { return hits(wayTo(where)) })
	}
	if e.Unreachable || e.OtherKey {
		for _, vm := range w.fleet.Names() {
			if hits(faults.Event{At: faults.AtSSH, Stamp: w.stampOf(vm), Name: vm}) {
				w.fleet.CutConnections(vm)
			}
		}
	}
	if e.Frozen {
		w.freeze(hits)
	}
}

// freeze plays disruption budgets that block, in the clusters that live now.
func (w *World) freeze(hits func(faults.Event) bool) {
	w.mu.Lock()
	clusters := maps.Clone(w.apis)
	w.mu.Unlock()
	for id, fqdn := range clusters {
		ev := faults.Event{At: faults.AtCluster, Stamp: regionOf(fqdn), Name: fqdn}
		if !hits(ev) {
			continue
		}
		effect, lifted, hit := w.faults.Strike(ev)
		if !hit || !effect.Frozen {
			continue
		}
		if err := w.clusters.Freeze(w.ctx, id); err != nil {
			w.opts.Log.Warn("starting an unmovable workload", "cluster", id, "err", err)
		}
		w.background.Go(func() {
			select {
			case <-lifted:
			case <-w.ctx.Done():
				return
			}
			if err := w.clusters.Thaw(w.ctx, id); err != nil {
				w.opts.Log.Warn("taking an unmovable workload away", "cluster", id, "err", err)
			}
		})
	}
}

// wayTo is somebody's wish to get to a host:port.
func wayTo(where string) faults.Event {
	host, _, _ := strings.Cut(where, ":")
	return faults.Event{At: faults.AtConnect, Stamp: regionOf(host), Host: host, Name: where}
}

// gate plays faults on the way to a name.
func (w *World) gate(host string, port int) proxy.Verdict {
	effect, _, hit := w.faults.Strike(wayTo(target(host, port)))
	if !hit {
		return proxy.Verdict{}
	}
	v := proxy.Verdict{Delay: time.Duration(effect.Delay / w.opts.Speed * float64(time.Second)), Status: effect.Status}
	if effect.Unreachable && v.Status == 0 {
		v.Status = http.StatusBadGateway
	}
	if effect.Untrusted {
		v.Cert = w.strange.Server
	}
	return v
}

// trouble plays faults on a new SSH connection to a machine.
func (w *World) trouble(vm string) helper.Trouble {
	effect, _, hit := w.faults.Strike(faults.Event{At: faults.AtSSH, Stamp: w.stampOf(vm), Name: vm})
	if !hit {
		return helper.Trouble{}
	}
	real := func(seconds float64) time.Duration {
		return time.Duration(seconds / w.opts.Speed * float64(time.Second))
	}
	return helper.Trouble{Delay: real(effect.Delay), Refuse: effect.Unreachable, OtherKey: effect.OtherKey, CutAfter: real(effect.CutAfter)}
}

// full plays full disks.
func (w *World) full(vm string) bool {
	effect, _, hit := w.faults.Strike(faults.Event{At: faults.AtDisk, Stamp: w.stampOf(vm), Name: vm})
	return hit && effect.Full
}

// stampOf is the stamp of a machine by its name in the fleet. The hosts that
// were there before stand beside Orlando.
func (w *World) stampOf(vm string) string {
	for _, p := range plans(w.opts.Block) {
		if strings.HasPrefix(vm, p.region+"-") {
			return p.region
		}
	}
	return existingBeside
}

// regionOf is the stamp that a name belongs to, "" for a public one.
func regionOf(host string) string {
	rest, ok := strings.CutSuffix(host, "."+Domain)
	if !ok {
		return ""
	}
	rest = strings.TrimSuffix(rest, ".cloudapp")
	return rest[strings.LastIndex(rest, ".")+1:]
}

// play puts a site behind the door: its calls are remembered, and request
// faults strike it. An ARM plays its faults itself.
func (w *World) play(host, region string, ca *pki.Authority, site http.Handler, ownFaults bool) {
	if !ownFaults {
		site = faults.Handler(w.faults, region, host, w.opts.Speed, site)
	}
	w.door.Terminate(host, ca.Server, w.calls.Watch(host, site))
}
