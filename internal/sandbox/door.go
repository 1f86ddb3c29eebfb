package sandbox

import (
	"net/http"
	"strings"
	"time"

	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/traffic"
)

// openDoor opens the proxy. Faults may bar it, and every CONNECT is
// remembered.
func (w *World) openDoor() error {
	var err error
	w.door, err = proxy.Listen(proxy.Config{
		Addr: w.opts.ProxyAddr, Domains: []string{Domain}, Log: w.opts.Log, Gate: w.gate,
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

// gate plays faults on the way to a name.
func (w *World) gate(host string, port int) proxy.Verdict {
	effect, _, hit := w.faults.Strike(faults.Event{At: faults.AtConnect, Stamp: regionOf(host), Host: host, Name: target(host, port)})
	if !hit {
		return proxy.Verdict{}
	}
	v := proxy.Verdict{Delay: time.Duration(effect.Delay / w.opts.Speed * float64(time.Second)), Status: effect.Status}
	if effect.Unreachable && v.Status == 0 {
		v.Status = http.StatusBadGateway
	}
	return v
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
