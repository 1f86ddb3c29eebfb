package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func gatewayResource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: name}
}

// runsRatingsByGateway asks the cluster whether the application is as it should
// be, behind a Gateway whose controller has set it up, and then the Gateway's
// address for a page.
func (c liveCluster) runsRatingsByGateway(mostRevisions int, host string) {
	c.t.Helper()
	ctx := c.t.Context()
	c.runsTiers(mostRevisions, "gateway", 4)
	g, err := c.any.Resource(gatewayResource("gateways")).Namespace("ratingsapp").Get(ctx, "ratings", metav1.GetOptions{})
	if err != nil || !holds(g.Object, "Programmed", "status", "conditions") {
		c.t.Fatalf("the Gateway %+v, %v", g, err)
	}
	for _, name := range []string{"ratings", "ratings-redirect"} {
		r, err := c.any.Resource(gatewayResource("httproutes")).Namespace("ratingsapp").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
		parents, _, _ := unstructured.NestedSlice(r.Object, "status", "parents")
		if len(parents) != 1 || !holds(parents[0].(map[string]any), "Accepted", "conditions") || !holds(parents[0].(map[string]any), "ResolvedRefs", "conditions") {
			c.t.Errorf("the route %s: %+v", name, parents)
		}
	}
	if in, err := c.client.NetworkingV1().Ingresses("ratingsapp").List(ctx, metav1.ListOptions{}); err != nil || len(in.Items) != 0 {
		c.t.Errorf("ingresses %+v, %v", in, err)
	}
	addresses, _, _ := unstructured.NestedSlice(g.Object, "status", "addresses")
	if len(addresses) != 1 {
		c.t.Fatalf("addresses %v", addresses)
	}
	at := fmt.Sprint(addresses[0].(map[string]any)["value"])
	for link, want := range map[string]int{"https://" + host + "/": http.StatusOK, "http://" + host + "/": http.StatusMovedPermanently, "http://other.contoso.test/": http.StatusNotFound} {
		if got, err := visit(ctx, at, link); got != want {
			c.t.Errorf("%s at %s: %d, %v; want %d", link, at, got, err, want)
		}
	}
}

// holds says whether a condition in a list is true.
func holds(object map[string]any, kind string, path ...string) bool {
	list, _, _ := unstructured.NestedSlice(object, path...)
	for _, c := range list {
		if m := c.(map[string]any); m["type"] == kind {
			return m["status"] == "True"
		}
	}
	return false
}

// visit asks an address of a stamp for a page, and follows no redirect. Who may
// not listen on low ports listens higher.
func visit(ctx context.Context, address, link string) (int, error) {
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it signs itself
			DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(to)
				if err != nil {
					return nil, err
				}
				c, err := new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, port))
				if err == nil {
					return c, nil
				}
				low, _ := strconv.Atoi(port)
				return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, strconv.Itoa(20000+low)))
			},
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// hasNoGateway: what the application was reached by is gone, but for the
// definitions.
func (c liveCluster) hasNoGateway() {
	c.t.Helper()
	for _, kind := range []string{"gatewayclasses", "gateways", "httproutes"} {
		list, err := c.any.Resource(gatewayResource(kind)).List(c.t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) > 0 {
			c.t.Errorf("%s: %+v, %v", kind, list, err)
		}
	}
	eventually(c.t, time.Minute, "the Gateway's entrance goes", func() bool {
		_, err := c.client.CoreV1().Services("ratingsapp").Get(c.t.Context(), "ratings-nginx", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}
