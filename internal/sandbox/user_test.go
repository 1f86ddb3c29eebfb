package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armsubscriptions"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"golang.org/x/crypto/ssh"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/loopback"
)

// user is somebody who got one stack's seed.
type user struct {
	t     *testing.T
	stack sandbox.SeedStack
	http  *http.Client
	cred  azcore.TokenCredential
	opts  *azarm.ClientOptions
}

// newUser signs in by secret or certificate, trusting only what the seed says.
func newUser(t *testing.T, seed sandbox.Seed, stack sandbox.SeedStack, byCertificate bool) *user {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(seed.PublicCA))
	roots.AppendCertsFromPEM([]byte(stack.CABundle))
	proxy, err := url.Parse(stack.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(tr.CloseIdleConnections)
	u := &user{t: t, stack: stack, http: &http.Client{Transport: tr, Timeout: time.Minute}}
	metadata := u.metadata()
	co := azcore.ClientOptions{Transport: u.http, Retry: policy.RetryOptions{MaxRetries: -1}, Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: strings.TrimSuffix(metadata.Authentication.LoginEndpoint, "adfs"),
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: stack.ARMEndpoint, Audience: metadata.Authentication.Audiences[0]}},
	}}
	u.opts = &azarm.ClientOptions{ClientOptions: co, DisableRPRegistration: true}
	if byCertificate {
		certs, key, err := azidentity.ParseCertificates([]byte(stack.Certificate+stack.CertificateKey), nil)
		if err != nil {
			t.Fatal(err)
		}
		u.cred, err = azidentity.NewClientCertificateCredential(stack.TenantID, stack.ClientID, certs, key, &azidentity.ClientCertificateCredentialOptions{ClientOptions: co, DisableInstanceDiscovery: true, SendCertificateChain: true})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	u.cred, err = azidentity.NewClientSecretCredential(stack.TenantID, stack.ClientID, stack.ClientSecret, &azidentity.ClientSecretCredentialOptions{ClientOptions: co, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

type metadata struct {
	PortalEndpoint string
	Authentication struct {
		LoginEndpoint string
		Audiences     []string
	}
}

func (u *user) metadata() (m metadata) {
	u.t.Helper()
	resp, err := u.http.Get(u.stack.ARMEndpoint + "/metadata/endpoints?api-version=1.0")
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		u.t.Fatal(err)
	}
	return m
}

func (u *user) subscription() error {
	client, err := armsubscriptions.NewClient(u.cred, u.opts)
	if err != nil {
		return err
	}
	_, err = client.Get(context.Background(), u.stack.SubscriptionID, nil)
	return err
}

// call speaks raw ARM.
func (u *user) call(method, path, version string, body any) (int, map[string]any) {
	u.t.Helper()
	token, err := u.cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{u.metadata().Authentication.Audiences[0] + "/.default"}})
	if err != nil {
		u.t.Fatal(err)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		u.t.Fatal(err)
	}
	r, err := http.NewRequest(method, u.stack.ARMEndpoint+"/subscriptions/"+u.stack.SubscriptionID+path+"?api-version="+version, bytes.NewReader(raw))
	if err != nil {
		u.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := u.http.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&out)
	return resp.StatusCode, out
}

// put makes a resource and waits until it is there.
func (u *user) put(path, version string, body any) {
	u.t.Helper()
	if code, out := u.call("PUT", path, version, body); code >= 300 {
		u.t.Fatalf("PUT %s: %d %v", path, code, out)
	}
	until(u.t, "PUT "+path, func() bool {
		_, out := u.call("GET", path, version, nil)
		p, _ := out["properties"].(map[string]any)
		if p["provisioningState"] == "Failed" {
			u.t.Fatalf("PUT %s: %v", path, out)
		}
		return p["provisioningState"] == "Succeeded"
	})
}

func obj(kv ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = kv[i+1]
	}
	return out
}

// helperVM makes one, with the key's public half on it.
func (u *user) helperVM(key ssh.Signer) {
	u.t.Helper()
	rg := "/resourceGroups/helper"
	id := "/subscriptions/" + u.stack.SubscriptionID + rg + "/providers/"
	loc := u.stack.Region
	u.put("/resourcegroups/helper", "2019-10-01", obj("location", loc))
	u.put(rg+"/providers/Microsoft.Network/virtualNetworks/net", "2018-11-01", obj("location", loc, "properties", obj("addressSpace", obj("addressPrefixes", []string{"10.9.0.0/16"}), "subnets", []any{obj("name", "s", "properties", obj("addressPrefix", "10.9.0.0/24"))})))
	u.put(rg+"/providers/Microsoft.Network/publicIPAddresses/ip", "2018-11-01", obj("location", loc, "properties", obj("publicIPAllocationMethod", "Static", "dnsSettings", obj("domainNameLabel", "jump"))))
	u.put(rg+"/providers/Microsoft.Network/networkInterfaces/nic", "2018-11-01", obj("location", loc, "properties", obj("ipConfigurations", []any{obj("name", "c", "properties", obj("subnet", obj("id", id+"Microsoft.Network/virtualNetworks/net/subnets/s"), "publicIPAddress", obj("id", id+"Microsoft.Network/publicIPAddresses/ip")))})))
	u.put(rg+"/providers/Microsoft.Compute/virtualMachines/jump", "2020-06-01", obj("location", loc, "properties", obj(
		"hardwareProfile", obj("vmSize", "Standard_A2_v2"),
		"storageProfile", obj("imageReference", obj("publisher", "Canonical", "offer", "0001-com-ubuntu-server-jammy", "sku", "22_04-lts", "version", "latest")),
		"osProfile", obj("computerName", "jump", "adminUsername", "azureuser", "linuxConfiguration", obj("disablePasswordAuthentication", true, "ssh", obj("publicKeys", []any{obj("path", "/home/azureuser/.ssh/authorized_keys", "keyData", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey()))))}))),
		"networkProfile", obj("networkInterfaces", []any{obj("id", id+"Microsoft.Network/networkInterfaces/nic")}))))
}

// through asks the door for a connection.
func through(t *testing.T, w *sandbox.World, target string) (net.Conn, error) {
	t.Helper()
	c, err := loopback.Dial(t.Context(), "tcp", strings.TrimPrefix(w.ProxyURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		c.Close()
		return nil, fmt.Errorf("CONNECT %s: %s", target, resp.Status)
	}
	return &ahead{c, br}, nil
}

// ahead is a connection of which some bytes have been read already.
type ahead struct {
	net.Conn
	r io.Reader
}

func (a *ahead) Read(p []byte) (int, error) { return a.r.Read(p) }

// run runs a command over SSH and answers what it printed.
func run(t *testing.T, c net.Conn, key ssh.Signer, command string) string {
	t.Helper()
	conn, chans, reqs, err := ssh.NewClientConn(c, "jump", &ssh.ClientConfig{User: "azureuser", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(conn, chans, reqs)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.CombinedOutput(command)
	if err != nil {
		t.Errorf("%s: %v: %s", command, err, out)
	}
	return string(out)
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, keyPEM := rsaKey(t)
	signer, err := ssh.ParsePrivateKey(keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}
