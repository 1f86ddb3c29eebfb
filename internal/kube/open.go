package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"hubwright/workflows"
)

const requestTimeout = 15 * time.Second

// Way is how the API server is reached. The zero value is the direct way.
type Way struct {
	Proxy string // http://host:port
	// Dial opens connections, for instance through SSH; it wins over Proxy.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Timeout bounds one request; 0 is 15 s.
	Timeout time.Duration
}

// Cluster is one cluster, seen with one kubeconfig. Nothing is asked before a
// method is called.
type Cluster struct {
	client kubernetes.Interface
	meta   metadata.Interface
	any    dynamic.Interface // kinds that client-go does not know
	http   *http.Client
	config *rest.Config
	raw    *clientcmdapi.Config
}

// Open reads a kubeconfig, JSON or YAML, and prepares to reach its cluster.
func Open(kubeconfig []byte, way Way) (*Cluster, error) {
	raw, err := parse(kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg, err := clientcmd.NewDefaultClientConfig(*raw, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, broken(err.Error())
	}
	cfg.Timeout, cfg.QPS, cfg.Burst = requestTimeout, 50, 100
	if way.Timeout > 0 {
		cfg.Timeout = way.Timeout
	}
	cfg.UserAgent = "hubwright"
	if err := lead(cfg, way); err != nil {
		return nil, err
	}
	connections, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, broken(err.Error())
	}
	client, err := kubernetes.NewForConfigAndClient(cfg, connections)
	if err != nil {
		return nil, broken(err.Error())
	}
	meta, err := metadata.NewForConfigAndClient(cfg, connections)
	if err != nil {
		return nil, broken(err.Error())
	}
	anyKind, err := dynamic.NewForConfigAndClient(cfg, connections)
	if err != nil {
		return nil, broken(err.Error())
	}
	return &Cluster{client: client, meta: meta, any: anyKind, http: connections, config: cfg, raw: raw}, nil
}

// lead makes requests go the Stack's way, and never the one that the
// environment or the kubeconfig would have them go.
func lead(cfg *rest.Config, way Way) error {
	cfg.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	if way.Dial != nil {
		cfg.Dial = way.Dial
		return nil
	}
	if way.Proxy == "" {
		return nil
	}
	u, err := url.Parse(way.Proxy)
	if err != nil || u.Host == "" {
		return broken("the proxy's address cannot be read")
	}
	cfg.Proxy = http.ProxyURL(u)
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		if t, ok := rt.(*http.Transport); ok {
			t.OnProxyConnectResponse = proxyAnswer
		}
		return rt
	})
	return nil
}

// proxyAnswer says who refused: by itself net/http tells the bare words of the
// status, as if the API server had said them.
func proxyAnswer(_ context.Context, proxy *url.URL, req *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("proxyconnect: %s answered %s for %s", proxy.Host, res.Status, req.Host)
}

// Close ends the idle connections. The Cluster can still be used.
func (c *Cluster) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Server is the API server's URL.
func (c *Cluster) Server() string { return c.config.Host }

// Validate says what is wrong with a kubeconfig that a person gave: it must
// hold its credentials itself and may not start programs or read files of
// this server.
func Validate(kubeconfig []byte) error {
	_, err := parse(kubeconfig)
	return err
}

func parse(kubeconfig []byte) (*clientcmdapi.Config, error) {
	raw, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, broken("it is not a kubeconfig")
	}
	current := raw.Contexts[raw.CurrentContext]
	if current == nil || raw.Clusters[current.Cluster] == nil || raw.AuthInfos[current.AuthInfo] == nil {
		return nil, broken("its current context names no cluster and user")
	}
	for _, u := range raw.AuthInfos {
		if u.Exec != nil || u.AuthProvider != nil {
			return nil, broken("it would start a program on this server to log in")
		}
		if u.TokenFile != "" || u.ClientCertificate != "" || u.ClientKey != "" {
			return nil, broken("it refers to files; the credentials must be in it")
		}
	}
	for _, cl := range raw.Clusters {
		if cl.CertificateAuthority != "" {
			return nil, broken("it refers to a file with the cluster's CA; the CA must be in it")
		}
		if cl.InsecureSkipTLSVerify || !strings.HasPrefix(cl.Server, "https://") {
			return nil, broken("it would send its credentials to a server that nobody verified")
		}
	}
	return raw, nil
}

func broken(why string) *workflows.Problem {
	return &workflows.Problem{Code: "kube.kubeconfig", What: "The kubeconfig cannot be used", Why: why, Fix: "Take the kubeconfig that AKS Engine wrote, or one with embedded certificates or a token."}
}

// WithProxy writes a proxy into every cluster of a kubeconfig, so that it works
// for a person without further settings. With "" nothing changes.
func WithProxy(kubeconfig []byte, proxy string) ([]byte, error) {
	raw, err := parse(kubeconfig)
	if err != nil || proxy == "" {
		return kubeconfig, err
	}
	for _, cl := range raw.Clusters {
		cl.ProxyURL = proxy
	}
	return clientcmd.Write(*raw)
}

// Portable writes a kubeconfig as JSON with its current context alone. It
// refuses what Validate refuses.
func Portable(kubeconfig []byte) ([]byte, error) {
	raw, err := parse(kubeconfig)
	if err != nil {
		return nil, err
	}
	if err := clientcmdapi.MinifyConfig(raw); err != nil {
		return nil, broken(err.Error())
	}
	doc, err := clientcmd.Write(*raw)
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(doc)
}

var errNoCA = errors.New("the kubeconfig has no CA")

// caData is the CA of the current cluster.
func (c *Cluster) caData() ([]byte, error) {
	if len(c.config.CAData) == 0 {
		return nil, fmt.Errorf("%w", errNoCA)
	}
	return c.config.CAData, nil
}

// Config is what a client of another room needs to reach the cluster the same
// way.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }
