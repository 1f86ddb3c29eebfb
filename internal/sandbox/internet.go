package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/dns"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/publicazure/publicip"
	"hubwright/internal/sandbox/publicazure/trafficmanager"
)

// publicOctet begins the addresses under which the emulated Internet knows what
// the stamps publish: 127.40.1.7 of a stamp is 25.40.1.7 there. So public Azure
// can refuse loopback and private targets as the real one does. The network is
// not announced in the real Internet, and nothing is ever sent to it: the door
// and the probes translate it back.
const publicOctet = 25

// cloudTTL is how long a stamp's public names may be remembered.
const cloudTTL = 60

// azureOctet is the third octet of public Azure's own public addresses. What
// listens at 127.40.9.1 on this machine answers at 25.40.9.1.
const azureOctet = 9

// openInternet starts what stands between users and stamps: Traffic Manager
// and the name server.
func (w *World) openInternet(ctx context.Context) error {
	w.addresses = publicip.New(w.azure, fmt.Sprintf("%d.%d.%d.", publicOctet, w.opts.Block, azureOctet))
	w.balance.Store(trafficmanager.New(ctx, trafficmanager.Config{Azure: w.azure, Dial: w.dialPublic, PublicIP: w.publicIP, Taken: []string{"contoso", "fabrikam"}, Log: w.opts.Log}))
	var err error
	if w.opts.DNSAddr != "" {
		w.names, err = dns.Listen(w.opts.DNSAddr, w.lookup)
		return err
	}
	if w.names, err = dns.Listen(fmt.Sprintf("127.%d.0.53:5353", w.opts.Block), w.lookup); err != nil {
		w.names, err = dns.Listen("127.0.0.1:0", w.lookup)
	}
	return err
}

// publicIP is a public IP address of public Azure.
func (w *World) publicIP(id string) (fqdn, address, region string, ok bool) {
	a, ok := w.addresses.Find(id)
	return a.FQDN(), a.Properties.IP, a.Location, ok
}

// lookup is what the name server knows.
func (w *World) lookup(name string, client netip.Addr) (dns.Answer, bool) {
	if b := w.balance.Load(); b != nil {
		if c, ok := b.Resolve(name, client); ok {
			return dns.Answer(c), true
		}
		if ip := w.addresses.Lookup(name); ip != "" {
			return dns.Answer{Targets: []string{ip}, TTL: cloudTTL}, true
		}
	}
	for _, s := range w.stamps {
		if inner, err := netip.ParseAddr(s.hub.PublicAddress(name)); err == nil {
			return dns.Answer{Targets: []string{outer(inner).String()}, TTL: cloudTTL}, true
		}
	}
	return dns.Answer{}, false
}

// outer is a stamp's address as the Internet knows it.
func outer(a netip.Addr) netip.Addr {
	b := a.As4()
	b[0] = publicOctet
	return netip.AddrFrom4(b)
}

// inner is the loopback address that stands behind a public one, with the
// stamp's region where it is a stamp's. Such an address stands for itself.
func (w *World) inner(a netip.Addr) (addr netip.Addr, region string, ok bool) {
	if !a.Is4() {
		return a, "", false
	}
	b := a.As4()
	if b[0] != publicOctet && b[0] != 127 {
		return a, "", false
	}
	b[0] = 127
	addr = netip.AddrFrom4(b)
	for _, p := range plans(w.opts.Block) {
		if strings.HasPrefix(addr.String(), p.prefix) {
			return addr, p.region, true
		}
	}
	return addr, "", strings.HasPrefix(addr.String(), fmt.Sprintf("127.%d.%d.", w.opts.Block, azureOctet))
}

// dialPublic connects somebody in the Internet to a public address or a name
// of a stamp.
func (w *World) dialPublic(ctx context.Context, host string, port int) (net.Conn, error) {
	known := host
	a, err := netip.ParseAddr(host)
	if err != nil {
		found, ok := w.lookup(strings.ToLower(host), netip.Addr{})
		if !ok || len(found.Targets) == 0 {
			return nil, fmt.Errorf("%s: no such name", host)
		}
		if a, err = netip.ParseAddr(found.Targets[0]); err != nil {
			return w.dialPublic(ctx, found.Targets[0], port)
		}
	}
	addr, region, ok := w.inner(a)
	if !ok {
		return nil, fmt.Errorf("%s is not part of the sandbox", host)
	}
	if known == a.String() && region != "" {
		if name := w.Hub(region).PublicName(addr.String()); name != "" {
			known = name
		}
	}
	effect, _, hit := w.faults.Strike(faults.Event{At: faults.AtConnect, Stamp: region, Host: known, Name: target(known, port)})
	if hit && effect.Delay > 0 {
		select {
		case <-time.After(time.Duration(effect.Delay / w.opts.Speed * float64(time.Second))):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if hit && effect.Unreachable {
		return nil, errors.New("no answer")
	}
	if front := w.front(addr.String(), port); front != "" {
		return loopback.Dial(ctx, "tcp", front)
	}
	return loopback.Dial(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(port)))
}

// front is where a Service answers that has the address, "" when none has.
func (w *World) front(ip string, port int) string {
	if w.clusters == nil {
		return ""
	}
	return w.clusters.Front(ip, port)
}

// wayOfInternet leads those who come through the door to names of Traffic
// Manager, and to what the stamps publish.
func (w *World) wayOfInternet(host string, port int) proxy.Dialer {
	if w.balance.Load() == nil {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if _, _, ok := w.inner(a); !ok || a.IsLoopback() && w.front(host, port) == "" {
			return nil
		}
	} else if _, ok := w.lookup(host, netip.Addr{}); !ok {
		return nil
	}
	return func(ctx context.Context) (net.Conn, error) {
		to, err := w.answers.target(host, w.opts.Speed, w.lookup)
		if err != nil {
			return nil, err
		}
		return w.dialPublic(ctx, to, port)
	}
}

// resolver remembers answers for as long as their TTL says, divided by the
// speed, as the resolver of a company's proxy does. Its zero value is ready.
type resolver struct {
	mu    sync.Mutex
	known map[string]remembered
}

type remembered struct {
	target string
	until  time.Time
}

// target is where a name leads, one step on; an address leads to itself.
func (r *resolver) target(host string, speed float64, lookup dns.Lookup) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return host, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if k, ok := r.known[host]; ok && now.Before(k.until) {
		return k.target, nil
	}
	a, ok := lookup(host, netip.Addr{})
	if !ok {
		return "", fmt.Errorf("%s: no such name", host)
	}
	if len(a.Targets) == 0 {
		return "", fmt.Errorf("%s leads nowhere now", host)
	}
	if r.known == nil {
		r.known = map[string]remembered{}
	}
	life := time.Duration(float64(a.TTL) / speed * float64(time.Second))
	r.known[host] = remembered{a.Targets[0], now.Add(life)}
	return a.Targets[0], nil
}
