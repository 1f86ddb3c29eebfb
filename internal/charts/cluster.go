package charts

import (
	"context"
	"net/http"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"hubwright/workflows"
)

// Cluster is a cluster to put releases on.
type Cluster struct {
	// Clock and Pause are the time that waits go by: by default the real one.
	Clock func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
	// Farewell is how long Uninstall waits while nothing changes; 0 is ten
	// minutes. Pods may have much to end.
	Farewell time.Duration

	config *rest.Config
	// between is the time from one look at the objects to the next; stubborn is
	// how long something may look broken before the wait ends.
	between, stubborn time.Duration
}

// Open prepares to work on the cluster that a client's settings lead to, which
// say also through which proxy or tunnel. Nothing is asked yet.
func Open(config *rest.Config) *Cluster {
	own := rest.CopyConfig(config)
	own.Timeout = 0 // Helm watches; each request ends with its context
	own.WarningHandler = rest.NoWarnings{}
	return &Cluster{config: own, between: 2 * time.Second, stubborn: stubborn, Clock: time.Now, Pause: workflows.Pause}
}

// session is the cluster for the length of one context: when that ends, so do
// all requests of Helm, whose SDK does not know contexts.
type session struct {
	ctx       context.Context
	cluster   *Cluster
	config    *rest.Config
	namespace string
	client    *kubernetes.Clientset
	discovery discovery.CachedDiscoveryInterface
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	log       Reporter

	patience time.Duration
	hooks    bool               // the wait is for a hook
	problem  *workflows.Problem // why a wait ended: Helm makes a text of it
}

// Reporter is told how a release goes. A run's log is one.
type Reporter interface {
	Info(format string, args ...any)
	Warn(format string, args ...any)
	Good(format string, args ...any)
	Progress(percent int, doing string)
}

func (c *Cluster) session(ctx context.Context, namespace string, log Reporter) (*session, error) {
	cfg := rest.CopyConfig(c.config)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return bound{ctx, next} })
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(client.Discovery())
	return &session{
		ctx: ctx, cluster: c, config: cfg, namespace: namespace, client: client, discovery: cached,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached), log: log,
	}, nil
}

// bound ends each request with a context of ours.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	context.AfterFunc(b.ctx, func() { cancel(context.Cause(b.ctx)) })
	return b.next.RoundTrip(r.WithContext(ctx))
}

// The four methods with which Helm reaches a cluster.

func (s *session) ToRESTConfig() (*rest.Config, error) { return s.config, nil }

func (s *session) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return s.discovery, nil
}

func (s *session) ToRESTMapper() (meta.RESTMapper, error) { return s.mapper, nil }

func (s *session) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	raw := clientcmdapi.NewConfig()
	raw.Clusters["c"] = &clientcmdapi.Cluster{Server: s.config.Host}
	raw.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", Namespace: s.namespace}
	raw.CurrentContext = "c"
	return clientcmd.NewDefaultClientConfig(*raw, &clientcmd.ConfigOverrides{})
}

// helm is Helm's configuration for the session.
func (s *session) helm() (*action.Configuration, error) {
	cfg := new(action.Configuration)
	if err := cfg.Init(s, s.namespace, "secret", func(string, ...any) {}); err != nil {
		return nil, err
	}
	client, ok := cfg.KubeClient.(*kube.Client)
	if ok {
		client.Namespace = s.namespace
		cfg.KubeClient = &watchful{Client: client, session: s}
	}
	return cfg, nil
}
