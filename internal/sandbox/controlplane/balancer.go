package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// highPort is added to a port that only the superuser may listen on.
const highPort = 20000

// balancer listens on the public addresses of a cluster's Services.
type balancer struct {
	router *router
	log    func(format string, args ...any)
	fake   func() (*tls.Certificate, error)

	mu   sync.Mutex
	open map[netip.AddrPort]*front
}

// front is one public port.
type front struct {
	namespace, name string
	addr            string // where it really listens
	server          *http.Server
}

func newBalancer(r *router, pki *PKI, logf func(string, ...any)) *balancer {
	return &balancer{router: r, log: logf, open: map[netip.AddrPort]*front{}, fake: sync.OnceValues(func() (*tls.Certificate, error) {
		cert, key, err := issue(pki, &x509.Certificate{
			Subject: pkix.Name{CommonName: "Kubernetes Ingress Controller Fake Certificate"}, DNSNames: []string{"ingress.local"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(cert, key)
		return &pair, err
	})}
}

// reconcile opens and closes listeners, so that there is one for each port of each Service that has an address.
func (b *balancer) reconcile(services []*corev1.Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := map[netip.AddrPort]*corev1.Service{}
	for _, s := range services {
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer || s.DeletionTimestamp != nil {
			continue
		}
		for _, in := range s.Status.LoadBalancer.Ingress {
			ip, err := netip.ParseAddr(in.IP)
			if err != nil || !ip.IsLoopback() {
				continue
			}
			for _, p := range s.Spec.Ports {
				if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
					wanted[netip.AddrPortFrom(ip, uint16(p.Port))] = s
				}
			}
		}
	}
	for at, f := range b.open {
		if s := wanted[at]; s == nil || s.Namespace != f.namespace || s.Name != f.name {
			f.server.Close()
			delete(b.open, at)
		}
	}
	for at, s := range wanted {
		if b.open[at] == nil {
			b.listen(at, s)
		}
	}
}

func (b *balancer) listen(at netip.AddrPort, s *corev1.Service) {
	ln, err := net.Listen("tcp4", at.String())
	if err != nil {
		ln, err = net.Listen("tcp4", netip.AddrPortFrom(at.Addr(), at.Port()+highPort).String())
	}
	if err != nil {
		b.log("Service %s/%s does not answer on %s: %v", s.Namespace, s.Name, at, err)
		return
	}
	f := &front{namespace: s.Namespace, name: s.Name, addr: ln.Addr().String()}
	f.server = &http.Server{
		Handler: b.router.handler(s.Namespace, s.Name, int32(at.Port())), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	}
	secure := at.Port() == 443
	if secure {
		f.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: b.router.certificate(s.Namespace, s.Name, b.fake)}
	}
	b.open[at] = f
	go func() {
		var err error
		if secure {
			err = f.server.ServeTLS(ln, "", "")
		} else {
			err = f.server.Serve(ln)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			b.log("the address %s: %v", at, err)
		}
	}()
	b.log("Service %s/%s answers on %s, which is %s here", s.Namespace, s.Name, at, f.addr)
}

// front is where a public address and port really is, "" when nothing listens there.
func (b *balancer) front(at netip.AddrPort) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.open[at]; f != nil {
		return f.addr
	}
	return ""
}

func (b *balancer) close() {
	b.reconcile(nil)
}

// Front is the loopback "ip:port" that answers for a public address of a Service, on any cluster; "" when none does.
func (m *Manager) Front(ip string, port int) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || port < 1 || port > 65535 {
		return ""
	}
	m.mu.Lock()
	clusters := make([]*cluster, 0, len(m.clusters))
	for _, c := range m.clusters {
		clusters = append(clusters, c)
	}
	m.mu.Unlock()
	for _, c := range clusters {
		r := c.live.Load()
		if r == nil || r.balancer == nil {
			continue
		}
		if at := r.balancer.front(netip.AddrPortFrom(addr, uint16(port))); at != "" {
			return at
		}
	}
	return ""
}

// ingresses writes the address of their controller into Ingresses, as controllers do.
func (c *cloud) ingresses(ctx context.Context, work workFunc) {
	services, _ := c.services.List(labels.Everything())
	for _, s := range services {
		if len(s.Status.LoadBalancer.Ingress) == 0 || s.DeletionTimestamp != nil || !c.balancer.router.isController(s) {
			continue
		}
		ip := s.Status.LoadBalancer.Ingress[0].IP
		for _, i := range c.balancer.router.mine(s) {
			if now := i.Status.LoadBalancer.Ingress; len(now) == 1 && now[0].IP == ip {
				continue
			}
			work(i.UID, statusDelay, "address of Ingress "+i.Namespace+"/"+i.Name, func() error {
				i = i.DeepCopy()
				i.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: ip}}
				_, err := c.client.NetworkingV1().Ingresses(i.Namespace).UpdateStatus(ctx, i, metav1.UpdateOptions{})
				return err
			})
		}
	}
}

// statusDelay is how long a controller takes to write its address down.
const statusDelay = 5 * time.Second
