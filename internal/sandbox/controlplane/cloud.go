package controlplane

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
)

// What the stamp takes its time for, at speed 1.
const (
	addressDelay = 40 * time.Second
	diskDelay    = 15 * time.Second
	retryDelay   = 2 * time.Second
)

// cloud stands for what the cloud does to a cluster: it gives Services of type LoadBalancer their addresses, and makes
// and deletes the disks of claims once the disk driver is installed.
type cloud struct {
	*running
	publicIP func(ctx context.Context, clusterID, namespace, service, label string) (string, error)
	told     func(clusterID string, services []string)
	delay    func(time.Duration) time.Duration

	services corelisters.ServiceLister
	claims   corelisters.PersistentVolumeClaimLister
	volumes  corelisters.PersistentVolumeLister
	drivers  storagelisters.CSIDriverLister
	classes  storagelisters.StorageClassLister

	gatewayAPI *gatewayAPI
	changed    cache.ResourceEventHandler // tells run that something is new

	due map[types.UID]time.Time // when the pending work on an object is done
}

// startControllers runs the cloud until the cluster halts.
func (r *running) startControllers(m *Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	factory := informers.NewSharedInformerFactory(r.client, 0)
	core, storage, network := factory.Core().V1(), factory.Storage().V1(), factory.Networking().V1()
	load := newLoad(time.Now)
	r.meter = newMeter(factory, load)
	news := make(chan struct{}, 1)
	handler := changes(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	gatewayAPI := r.watchGatewayAPI(ctx, handler)
	r.balancer = newBalancer(newRouter(factory, load, gatewayAPI), &r.spec.PKI, r.log)
	c := &cloud{
		running: r, gatewayAPI: gatewayAPI, changed: handler, publicIP: m.opts.LoadBalancerIP, told: m.opts.LoadBalancers, delay: m.after, due: map[types.UID]time.Time{},
		services: core.Services().Lister(), claims: core.PersistentVolumeClaims().Lister(),
		volumes: core.PersistentVolumes().Lister(), drivers: storage.CSIDrivers().Lister(), classes: storage.StorageClasses().Lister(),
	}
	if c.publicIP == nil {
		c.publicIP = c.freeIP
	}
	for _, informer := range []cache.SharedIndexInformer{
		core.Services().Informer(), core.PersistentVolumeClaims().Informer(), core.PersistentVolumes().Informer(),
		storage.CSIDrivers().Informer(), storage.StorageClasses().Informer(),
		network.Ingresses().Informer(), network.IngressClasses().Informer(),
	} {
		_, _ = informer.AddEventHandler(handler) // fails only for a stopped informer
	}
	if m.opts.Pods != nil {
		_, _ = core.Pods().Informer().AddEventHandler(tellsOfPods(func(p *corev1.Pod, gone bool) { m.opts.Pods(r.id, p, gone) }))
	}
	_, _ = core.Pods().Informer().AddEventHandler(cache.FilteringResourceEventHandler{FilterFunc: isFabric, Handler: handler})
	factory.Start(ctx.Done())
	r.controllers.Go(func() {
		defer factory.Shutdown()
		factory.WaitForCacheSync(ctx.Done())
		c.run(ctx, news)
	})
}

func tellsOfPods(tell func(p *corev1.Pod, gone bool)) cache.ResourceEventHandler {
	on := func(o any, gone bool) {
		if late, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = late.Obj
		}
		if p, ok := o.(*corev1.Pod); ok {
			tell(p, gone)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { on(o, false) }, UpdateFunc: func(_, o any) { on(o, false) }, DeleteFunc: func(o any) { on(o, true) },
	}
}

// run looks at everything whenever something changed or is due. Clusters of a sandbox are small.
func (c *cloud) run(ctx context.Context, news <-chan struct{}) {
	for {
		var timer <-chan time.Time
		if next := c.reconcile(ctx); !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-timer:
		}
	}
}

// reconcile does what is due and returns when to look again, zero for "when something changes".
func (c *cloud) reconcile(ctx context.Context) (next time.Time) {
	seen := map[types.UID]bool{}
	work := func(uid types.UID, wait time.Duration, what string, do func() error) {
		seen[uid] = true
		if _, ok := c.due[uid]; !ok {
			c.due[uid] = time.Now().Add(c.delay(wait))
		}
		if !time.Now().Before(c.due[uid]) {
			err := do()
			if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
				return // the change itself is the next news
			}
			if !apierrors.IsConflict(err) { // our copy is old; the new one is on its way
				c.log("%s: %v", what, err)
			}
			c.due[uid] = time.Now().Add(retryDelay)
		}
		if next.IsZero() || c.due[uid].Before(next) {
			next = c.due[uid]
		}
	}
	c.loadBalancers(ctx, work)
	c.ingresses(ctx, work)
	c.gateways(ctx, work)
	c.disks(ctx, work)
	for uid := range c.due {
		if !seen[uid] {
			delete(c.due, uid)
		}
	}
	return next
}

type workFunc func(uid types.UID, wait time.Duration, what string, do func() error)

func (c *cloud) loadBalancers(ctx context.Context, work workFunc) {
	services, _ := c.services.List(labels.Everything())
	c.balancer.reconcile(services)
	c.tellServices(services)
	for _, s := range services {
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer || len(s.Status.LoadBalancer.Ingress) > 0 || s.DeletionTimestamp != nil {
			continue
		}
		work(s.UID, addressDelay, "address for Service "+s.Namespace+"/"+s.Name, func() error {
			ip, err := c.address(ctx, s)
			if err != nil {
				c.complain(ctx, s, err)
				return err
			}
			s = s.DeepCopy()
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: ip}}
			_, err = c.client.CoreV1().Services(s.Namespace).UpdateStatus(ctx, s, metav1.UpdateOptions{})
			return err
		})
	}
}

// address is what the Service asks for, a private address (only data) for an internal one, or else a public one.
func (c *cloud) address(ctx context.Context, s *corev1.Service) (string, error) {
	if s.Spec.LoadBalancerIP != "" {
		return s.Spec.LoadBalancerIP, nil
	}
	if s.Annotations["service.beta.kubernetes.io/azure-load-balancer-internal"] == "true" {
		return fmt.Sprintf("10.240.1.%d", 1+hash(s.Namespace, s.Name)%250), nil
	}
	return c.publicIP(ctx, c.id, s.Namespace, s.Name, s.Annotations["service.beta.kubernetes.io/azure-dns-label-name"])
}

// tellServices says which Services may have addresses.
func (c *cloud) tellServices(services []*corev1.Service) {
	if c.told == nil {
		return
	}
	var there []string
	for _, s := range services {
		if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
			there = append(there, s.Namespace+"/"+s.Name)
		}
	}
	c.told(c.id, there)
}

// complain writes the event that the cloud controller writes when a load balancer cannot be made.
func (c *cloud) complain(ctx context.Context, s *corev1.Service, cause error) {
	now := metav1.Now()
	e := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: s.Name + ".loadbalancer", Namespace: s.Namespace},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Service", Namespace: s.Namespace, Name: s.Name, UID: s.UID},
		Reason:         "SyncLoadBalancerFailed", Message: "Error syncing load balancer: failed to ensure load balancer: " + cause.Error(), Type: corev1.EventTypeWarning,
		Source: corev1.EventSource{Component: "service-controller"}, FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	if _, err := c.client.CoreV1().Events(s.Namespace).Create(ctx, e, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) && ctx.Err() == nil {
		c.log("event about Service %s/%s: %v", s.Namespace, s.Name, err)
	}
}

// freeIP chooses in 127.128.0.0/9 by the names, and the next one while another Service of the cluster has it.
func (c *cloud) freeIP(_ context.Context, id, namespace, service, _ string) (string, error) {
	taken := map[string]bool{}
	services, err := c.services.List(labels.Everything())
	if err != nil {
		return "", err
	}
	for _, s := range services {
		for _, ingress := range s.Status.LoadBalancer.Ingress {
			taken[ingress.IP] = true
		}
	}
	for n := hash(id, namespace, service); ; n++ {
		ip := netip.AddrFrom4([4]byte{127, 128 | byte(n>>16), byte(n >> 8), 1 + byte(n%254)}).String()
		if !taken[ip] {
			return ip, nil
		}
	}
}

func hash(parts ...string) uint32 {
	h := fnv.New32a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	return h.Sum32()
}

// diskDriver is the name of Azure's CSI driver for managed disks.
const diskDriver = "disk.csi.azure.com"

// disks makes volumes for claims, and deletes those whose claim is gone. As on a stamp nothing happens until somebody
// has installed the driver, which shows as a CSIDriver object.
func (c *cloud) disks(ctx context.Context, work workFunc) {
	if _, err := c.drivers.Get(diskDriver); err != nil {
		return
	}
	claims, _ := c.claims.List(labels.Everything())
	for _, claim := range claims {
		if claim.Status.Phase == corev1.ClaimPending && claim.Spec.VolumeName == "" && claim.Annotations["volume.kubernetes.io/storage-provisioner"] == diskDriver {
			work(claim.UID, diskDelay, "disk for "+claim.Namespace+"/"+claim.Name, func() error {
				_, err := c.client.CoreV1().PersistentVolumes().Create(ctx, c.volume(claim), metav1.CreateOptions{})
				if apierrors.IsAlreadyExists(err) {
					return nil
				}
				return err
			})
		}
	}
	volumes, _ := c.volumes.List(labels.Everything())
	for _, v := range volumes {
		ours := v.Annotations["pv.kubernetes.io/provisioned-by"] == diskDriver
		if ours && v.Status.Phase == corev1.VolumeReleased && v.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete && v.DeletionTimestamp == nil {
			work(v.UID, diskDelay, "deleting disk "+v.Name, func() error {
				return c.client.CoreV1().PersistentVolumes().Delete(ctx, v.Name, metav1.DeleteOptions{})
			})
		}
	}
}

func (c *cloud) volume(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	class := &storagev1.StorageClass{}
	if claim.Spec.StorageClassName != nil {
		if found, err := c.classes.Get(*claim.Spec.StorageClassName); err == nil {
			class = found
		}
	}
	reclaim := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		reclaim = *class.ReclaimPolicy
	}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": diskDriver}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: reclaim,
			StorageClassName:              class.Name,
			VolumeMode:                    claim.Spec.VolumeMode,
			MountOptions:                  class.MountOptions,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
				Driver: diskDriver, FSType: class.Parameters["fsType"],
				VolumeHandle: "/resourceGroups/" + c.spec.ResourceGroup + "/providers/Microsoft.Compute/disks/" + name,
			}},
		},
	}
}
