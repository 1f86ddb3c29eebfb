//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// kinds are what AKS Engine's templates make, with the version that a list of
// them is asked for in.
var kinds = map[string]string{
	"Microsoft.Compute/availabilitySets": "2020-06-01", "Microsoft.Compute/virtualMachines": "2020-06-01", "Microsoft.Compute/disks": "2019-07-01",
	"Microsoft.Network/networkInterfaces": "2018-11-01", "Microsoft.Network/loadBalancers": "2018-11-01", "Microsoft.Network/networkSecurityGroups": "2018-11-01",
	"Microsoft.Network/publicIPAddresses": "2018-11-01", "Microsoft.Network/routeTables": "2018-11-01", "Microsoft.Network/virtualNetworks": "2018-11-01",
}

// ownAgent marks the test's own requests.
const ownAgent = "comparison"

// onHub asks the Hub for all that is in the group, with every property: what
// the templates have come to.
func (p *program) onHub(ctx context.Context) ([]byte, error) {
	proxy, err := url.Parse(p.proxy)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(p.ca))
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	ask := func(method, where, token, body string, into any) error {
		req, err := http.NewRequestWithContext(ctx, method, where, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("User-Agent", ownAgent)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusNotFound { // no group
			return nil
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s: %s", method, where, answer.Status)
		}
		return json.NewDecoder(answer.Body).Decode(into)
	}
	var token struct {
		Value string `json:"access_token"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.client}, "client_secret": {p.secret}, "scope": {p.audience + "/.default"}}
	if err := ask(http.MethodPost, "https://login.seattle.azurestack.test/"+p.tenant+"/oauth2/v2.0/token", "", form.Encode(), &token); err != nil {
		return nil, err
	}
	all := object{}
	for kind, version := range kinds {
		var list struct {
			Value []object `json:"value"`
		}
		where := "https://management.seattle.azurestack.test/subscriptions/" + p.subscription + "/resourceGroups/rg1/providers/" + kind + "?api-version=" + version
		if err := ask(http.MethodGet, where, token.Value, "", &list); err != nil {
			return nil, err
		}
		of := object{}
		for _, r := range list.Value {
			if kind == "Microsoft.Network/virtualNetworks" {
				forgetOrder(r)
			}
			of[p.normal(r["name"].(string))] = r
		}
		all[kind] = of
	}
	return json.Marshal(all)
}

// forgetOrder strikes the list of what has an address in a subnet: machines are
// made side by side and come into it as they finish.
func forgetOrder(network object) {
	props, _ := network["properties"].(object)
	subnets, _ := props["subnets"].([]any)
	for _, s := range subnets {
		if p, ok := s.(object)["properties"].(object); ok {
			delete(p, "ipConfigurations")
		}
	}
}
