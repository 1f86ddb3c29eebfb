package controlplane_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// In a network namespace with nothing but the loopback device, isolate sends everything there that is bound for
// elsewhere; a capture on that device then sees every packet that would have left.
func isolate() error {
	if err := upLoopback(); err != nil {
		return err
	}
	if err := defaultRoute(syscall.AF_INET); err != nil {
		return err
	}
	// Without IPv6 in the kernel there is nothing to leave by.
	_ = defaultRoute(syscall.AF_INET6)
	return nil
}

func upLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("lo up: %w", errno)
	}
	return nil
}

// defaultRoute is "ip route add default dev lo", as a netlink message: its kernel interface needs no tools.
func defaultRoute(family byte) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	native := binary.NativeEndian
	message := make([]byte, syscall.SizeofNlMsghdr+syscall.SizeofRtMsg+8)
	native.PutUint32(message[0:], uint32(len(message)))
	native.PutUint16(message[4:], syscall.RTM_NEWROUTE)
	native.PutUint16(message[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_CREATE|syscall.NLM_F_ACK)
	route := message[syscall.SizeofNlMsghdr:] // struct rtmsg: family, two prefix lengths, tos, table, protocol, scope, type
	route[0], route[4], route[5], route[6], route[7] = family, syscall.RT_TABLE_MAIN, syscall.RTPROT_BOOT, syscall.RT_SCOPE_LINK, syscall.RTN_UNICAST
	attribute := route[syscall.SizeofRtMsg:]
	native.PutUint16(attribute[0:], 8)
	native.PutUint16(attribute[2:], syscall.RTA_OIF)
	native.PutUint32(attribute[4:], 1) // lo is always the first device
	if err := syscall.Sendto(fd, message, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n < syscall.SizeofNlMsghdr+4 {
		return fmt.Errorf("default route: an answer of %d bytes", n)
	}
	if code := int32(native.Uint32(answer[syscall.SizeofNlMsghdr:])); code != 0 {
		return fmt.Errorf("default route: %w", syscall.Errno(-code))
	}
	return nil
}

// capture collects where packets go that are not for loopback addresses.
type capture struct {
	fd   int
	mu   sync.Mutex
	seen []string
}

func startCapture() (*capture, error) {
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0) // 0: nothing yet
	if err != nil {
		return nil, fmt.Errorf("packet capture: %w", err)
	}
	// The kernel leaves out what goes to 127.0.0.0/8, else the busy loopback would push out the one packet that counts.
	err = syscall.AttachLsf(fd, []syscall.SockFilter{
		*syscall.LsfStmt(syscall.BPF_LD|syscall.BPF_H|syscall.BPF_ABS, 12), // the Ethernet type
		*syscall.LsfJump(syscall.BPF_JMP|syscall.BPF_JEQ|syscall.BPF_K, syscall.ETH_P_IP, 0, 2),
		*syscall.LsfStmt(syscall.BPF_LD|syscall.BPF_B|syscall.BPF_ABS, 14+16), // first byte of the IPv4 destination
		*syscall.LsfJump(syscall.BPF_JMP|syscall.BPF_JEQ|syscall.BPF_K, 127, 1, 0),
		*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0xffff),
		*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0),
	})
	if err != nil {
		return nil, fmt.Errorf("packet filter: %w", err)
	}
	everything := binary.NativeEndian.Uint16([]byte{0, syscall.ETH_P_ALL}) // in network byte order
	if err := syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: everything}); err != nil {
		return nil, fmt.Errorf("packet capture: %w", err)
	}
	c := &capture{fd: fd}
	go c.read()
	return c, nil
}

func (c *capture) read() {
	buffer := make([]byte, 128) // headers are enough
	for {
		n, _, err := syscall.Recvfrom(c.fd, buffer, 0)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return
		}
		if to := destination(buffer[:n]); to.IsValid() && !to.IsLoopback() {
			c.mu.Lock()
			c.seen = append(c.seen, to.String())
			c.mu.Unlock()
		}
	}
}

// destination reads the address that an Ethernet frame's packet is for; none for other protocols than IP.
func destination(frame []byte) netip.Addr {
	if len(frame) < 14 {
		return netip.Addr{}
	}
	packet := frame[14:]
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case kind == syscall.ETH_P_IP && len(packet) >= 20:
		return netip.AddrFrom4([4]byte(packet[16:20]))
	case kind == syscall.ETH_P_IPV6 && len(packet) >= 40:
		return netip.AddrFrom16([16]byte(packet[24:40]))
	}
	return netip.Addr{}
}

func (c *capture) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.seen...)
}

// dropped is how many packets the kernel had no room for.
func (c *capture) dropped() (uint32, error) {
	var stats [2]uint32 // struct tpacket_stats: packets, drops
	size := uint32(unsafe.Sizeof(stats))
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(c.fd), syscall.SOL_PACKET, syscall.PACKET_STATISTICS,
		uintptr(unsafe.Pointer(&stats)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return stats[1], nil
}

// socketWatch polls the kernel's socket tables for peers off loopback, of this process and its children. It sees what
// stays for some milliseconds, as a dial to an address where nobody answers does.
type socketWatch struct {
	stop, ended chan struct{}
	seen        map[string]bool
}

func watchSockets() *socketWatch {
	w := &socketWatch{stop: make(chan struct{}), ended: make(chan struct{}), seen: map[string]bool{}}
	go func() {
		defer close(w.ended)
		for {
			for _, found := range strangers() {
				w.seen[found] = true
			}
			select {
			case <-w.stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return w
}

func (w *socketWatch) result() (peers []string) {
	close(w.stop)
	<-w.ended
	for peer := range w.seen {
		peers = append(peers, peer)
	}
	return peers
}

// strangers lists peers off loopback of our own sockets.
func strangers() (found []string) {
	var ours map[string]bool
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(text), "\n") {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[0] == "sl" {
				continue
			}
			peer := peerAddress(fields[2])
			if !peer.IsValid() || peer.IsUnspecified() || peer.IsLoopback() {
				continue
			}
			if ours == nil {
				ours = ownSockets()
			}
			if ours[fields[9]] {
				found = append(found, table+" "+peer.String())
			}
		}
	}
	return found
}

// peerAddress reads "0909090A:01BB": 32-bit words in the machine's byte order.
func peerAddress(field string) netip.Addr {
	text, _, _ := strings.Cut(field, ":")
	var raw []byte
	for ; len(text) >= 8; text = text[8:] {
		word, err := strconv.ParseUint(text[:8], 16, 32)
		if err != nil {
			return netip.Addr{}
		}
		raw = binary.NativeEndian.AppendUint32(raw, uint32(word))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return addr.Unmap()
}

// ownSockets are the inodes of the sockets of this process and its children.
func ownSockets() map[string]bool {
	found := map[string]bool{}
	folders := []string{"/proc/self/fd"}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			folders = append(folders, filepath.Join(filepath.Dir(stat), "fd"))
		}
	}
	for _, folder := range folders {
		files, _ := os.ReadDir(folder)
		for _, file := range files {
			target, _ := os.Readlink(filepath.Join(folder, file.Name()))
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				found[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	return found
}
