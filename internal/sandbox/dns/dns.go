// Package dns is a small name server on loopback, over UDP and TCP, for the
// public names of the emulated world.
package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"hubwright/internal/sandbox/loopback"
)

// Answer is what a name leads to.
type Answer struct {
	Targets []string // addresses, or one host name to which the name is an alias; none: no records
	TTL     uint32   // seconds
}

// Lookup says what a lower-case name without final dot leads to, for a client
// at an address. ok is false when there is no such name.
type Lookup func(name string, client netip.Addr) (a Answer, ok bool)

// Server is a running name server.
type Server struct {
	udp, tcp *dns.Server
	addr     string
	done     chan error
}

// Listen binds a loopback address, with port 0 a free one for both UDP and
// TCP, and serves until Close.
func Listen(addr string, lookup Lookup) (*Server, error) {
	var tcp net.Listener
	var udp net.PacketConn
	var err error
	for range 20 { // a port that is free for TCP may be taken for UDP
		if tcp, err = loopback.Listen(addr); err != nil {
			return nil, err
		}
		if udp, err = net.ListenPacket("udp4", tcp.Addr().String()); err == nil {
			break
		}
		tcp.Close()
	}
	if err != nil {
		return nil, err
	}
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(reply(q, w.RemoteAddr(), lookup)) })
	s := &Server{
		tcp: &dns.Server{Listener: tcp, Handler: h}, udp: &dns.Server{PacketConn: udp, Handler: h},
		addr: tcp.Addr().String(), done: make(chan error, 2),
	}
	for _, one := range []*dns.Server{s.tcp, s.udp} {
		started := make(chan struct{})
		one.NotifyStartedFunc = func() { close(started) }
		go func() { s.done <- one.ActivateAndServe() }()
		<-started
	}
	return s, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// Close ends the server.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(s.tcp.ShutdownContext(ctx), s.udp.ShutdownContext(ctx), <-s.done, <-s.done)
}

// longestChain is how many aliases are followed.
const longestChain = 8

func reply(q *dns.Msg, from net.Addr, lookup Lookup) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative = true
	if len(q.Question) != 1 || q.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeNotImplemented
		return m
	}
	client := clientOf(q, from)
	name, ask := q.Question[0].Name, q.Question[0].Qtype
	ttl := uint32(0)
	for i := range longestChain {
		a, ok := lookup(strings.ToLower(strings.TrimSuffix(name, ".")), client)
		if !ok {
			if i == 0 {
				m.Rcode = dns.RcodeNameError
			}
			return m
		}
		if i == 0 {
			ttl = a.TTL
		}
		next := ""
		for _, t := range a.Targets {
			head := dns.RR_Header{Name: name, Class: dns.ClassINET, Ttl: min(a.TTL, ttl)}
			ip, err := netip.ParseAddr(t)
			switch {
			case err != nil:
				head.Rrtype = dns.TypeCNAME
				next = dns.Fqdn(t)
				m.Answer = append(m.Answer, &dns.CNAME{Hdr: head, Target: next})
			case ip.Is4() && ask == dns.TypeA:
				head.Rrtype = dns.TypeA
				m.Answer = append(m.Answer, &dns.A{Hdr: head, A: ip.AsSlice()})
			case ip.Is6() && ask == dns.TypeAAAA:
				head.Rrtype = dns.TypeAAAA
				m.Answer = append(m.Answer, &dns.AAAA{Hdr: head, AAAA: ip.AsSlice()})
			}
		}
		if next == "" || ask == dns.TypeCNAME {
			return m
		}
		name = next
	}
	return m
}

// clientOf is whom the answer is for: the client subnet that a resolver tells,
// else who asks.
func clientOf(q *dns.Msg, from net.Addr) netip.Addr {
	if opt := q.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if s, ok := o.(*dns.EDNS0_SUBNET); ok {
				if a, ok := netip.AddrFromSlice(s.Address); ok {
					return a.Unmap()
				}
			}
		}
	}
	ap, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
