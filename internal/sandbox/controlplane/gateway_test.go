package controlplane_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/releases"
)

const (
	definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	ofGateways  = "/apis/gateway.networking.k8s.io/v1"
	inDefault   = ofGateways + "/namespaces/default/"
)

// put makes objects of a kind that client-go does not know. A kind that was only just defined is not served at once.
func put(t *testing.T, api *kubernetes.Clientset, path string, docs ...string) {
	t.Helper()
	for _, doc := range docs {
		body, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, func() error {
			_, err := api.RESTClient().Post().AbsPath(path).SetHeader("Content-Type", "application/json").Body(body).DoRaw(t.Context())
			return err
		})
	}
}

// saidOf are the conditions of an object, as "Type=Status Reason", with those of its listeners and parents.
func saidOf(t *testing.T, api *kubernetes.Clientset, path string) (said, address string) {
	t.Helper()
	text, err := api.RESTClient().Get().AbsPath(path).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type conditions struct{ Conditions []metav1.Condition }
	var o struct {
		Status struct {
			conditions
			Addresses []struct{ Value string }
			Listeners []struct {
				conditions
				Name           string
				AttachedRoutes int
			}
			Parents []conditions
		}
	}
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	tell := func(prefix string, c conditions) {
		for _, k := range c.Conditions {
			fmt.Fprintf(&b, "%s%s=%s %s\n", prefix, k.Type, k.Status, k.Reason)
		}
	}
	tell("", o.Status.conditions)
	for _, l := range o.Status.Listeners {
		fmt.Fprintf(&b, "%s has %d routes\n", l.Name, l.AttachedRoutes)
		tell(l.Name+" ", l.conditions)
	}
	for _, p := range o.Status.Parents {
		tell("parent ", p)
	}
	if len(o.Status.Addresses) > 0 {
		address = o.Status.Addresses[0].Value
	}
	return b.String(), address
}

func says(t *testing.T, api *kubernetes.Clientset, path string, want ...string) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		said, _ := saidOf(t, api, path)
		for _, w := range want {
			if !strings.Contains(said, w) {
				return fmt.Errorf("%s does not say %q:\n%s", path, w, said)
			}
		}
		return nil
	})
}

func selfSigned(t *testing.T, host string) map[string][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

// checkGateway follows requests through a Gateway: its class is taken once the controller runs, it gets an entrance with
// an address, and routes lead by host and path, with TLS; what is wrong is in the conditions.
func checkGateway(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset) {
	ctx := t.Context()
	for _, doc := range bytes.Split(releases.GatewayAPI, []byte("\n---\n")) {
		put(t, api, definitions, string(doc))
	}
	put(t, api, ofGateways+"/gatewayclasses", `{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: nginx}, spec: {controllerName: gateway.nginx.org/nginx-gateway-controller}}`)
	put(t, api, inDefault+"gateways", `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: store}, spec: {gatewayClassName: nginx, listeners: [
		{name: http, port: 80, protocol: HTTP, hostname: "*.contoso.test"},
		{name: https, port: 443, protocol: HTTPS, hostname: store.contoso.test, tls: {certificateRefs: [{kind: Secret, name: store}]}}]}}`)
	route := func(name, parent, hosts, rule string) string {
		return fmt.Sprintf("{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: %s}, spec: {parentRefs: [%s], hostnames: [%s], rules: [%s]}}", name, parent, hosts, rule)
	}
	put(t, api, inDefault+"httproutes",
		route("store", "{name: store}", "store.contoso.test", "{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{name: store, port: 80}]}, {matches: [{path: {type: Exact, value: /gone}}], backendRefs: [{name: none, port: 80}]}"),
		route("moved", "{name: store, sectionName: http}", "old.contoso.test", "{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: store.contoso.test, statusCode: 301}}]}"),
		route("strange", "{name: store}", "store.fabrikam.test", "{backendRefs: [{name: store, port: 80}]}"))
	deploy(t, api, "store", "example.test/store:1")
	service(t, api, "store", corev1.ServiceTypeClusterIP)
	deploy(t, api, "fabric", "ghcr.io/nginx/nginx-gateway-fabric:2.6.7")

	says(t, api, ofGateways+"/gatewayclasses/nginx", "Accepted=True Accepted", "SupportedVersion=True")
	says(t, api, inDefault+"gateways/store", "Accepted=True ListenersNotValid", "https ResolvedRefs=False InvalidCertificateRef", "http has 2 routes")
	says(t, api, inDefault+"httproutes/store", "parent Accepted=True", "parent ResolvedRefs=False BackendNotFound")
	says(t, api, inDefault+"httproutes/strange", "parent Accepted=False NoMatchingListenerHostname")

	if _, err := api.CoreV1().Secrets("default").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "store"}, Type: corev1.SecretTypeTLS, Data: selfSigned(t, "store.contoso.test")}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	says(t, api, inDefault+"gateways/store", "Programmed=True", "https Programmed=True")
	ip := ""
	eventually(t, 30*time.Second, func() error {
		if _, ip = saidOf(t, api, inDefault+"gateways/store"); ip == "" {
			return fmt.Errorf("the Gateway has no address")
		}
		code, body, err := ask(m, ip, "store.contoso.test")
		if code != http.StatusOK || !strings.Contains(body, "default/store") {
			return fmt.Errorf("answer %d %s %w", code, body, err)
		}
		return nil
	})
	for host, want := range map[string]int{"other.contoso.test": http.StatusNotFound, "store.fabrikam.test": http.StatusNotFound, "old.contoso.test": http.StatusMovedPermanently, "store.contoso.test/gone": http.StatusInternalServerError} {
		if code, body, err := ask(m, ip, host); code != want {
			t.Errorf("%s: %d %s, %v; want %d", host, code, body, err, want)
		}
	}
	c, err := tls.Dial("tcp", m.Front(ip, 443), &tls.Config{ServerName: "store.contoso.test", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.ConnectionState().PeerCertificates[0].VerifyHostname("store.contoso.test"); err != nil {
		t.Error(err)
	}
	if c, err := tls.Dial("tcp", m.Front(ip, 443), &tls.Config{ServerName: "other.contoso.test", InsecureSkipVerify: true}); err == nil {
		c.Close()
		t.Error("a name for which no listener is got a handshake")
	}
}
