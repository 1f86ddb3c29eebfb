// Package loopback is the only way out of the sandbox's own code: it dials
// addresses of 127.0.0.0/8 and refuses every other one before a packet is
// sent. Names are refused too, so that no resolver is ever asked.
package loopback

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// block is what the sandbox may dial and listen on.
var block = netip.MustParsePrefix("127.0.0.0/8")

// Error says that an address is not a loopback address.
type Error struct{ Address string }

func (e *Error) Error() string {
	return fmt.Sprintf("%q is not an address in 127.0.0.0/8: the sandbox never leaves loopback", e.Address)
}

// Check answers nil when addr, a "host:port" with a literal IP address, is in
// 127.0.0.0/8, and an *Error otherwise.
func Check(addr string) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !block.Contains(ap.Addr()) {
		return &Error{Address: addr}
	}
	return nil
}

// Dial connects to addr when Check allows it. Networks other than tcp and
// tcp4 are refused.
func Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, &Error{Address: network + ":" + addr}
	}
	if err := Check(addr); err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// Listen binds a TCP address when Check allows it.
func Listen(addr string) (net.Listener, error) {
	if err := Check(addr); err != nil {
		return nil, err
	}
	return net.Listen("tcp4", addr)
}
