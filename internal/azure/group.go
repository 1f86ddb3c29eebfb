package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	w "hubwright/workflows"
)

const resourcesVersion = "2021-04-01" // Microsoft.Resources

// Login fetches a token, and reads the subscription with it.
func (c *Cloud) Login(ctx context.Context) error {
	return c.call(ctx, "Logging in", func(ctx context.Context) error {
		if _, err := c.cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.options.Cloud.Services["resourceManager"].Audience + "/.default"}}); err != nil {
			return err
		}
		return c.rest(ctx, http.MethodGet, "", nil, nil)
	})
}

// rest is a plain ARM request below the subscription, for what needs no client
// of its own.
func (c *Cloud) rest(ctx context.Context, method, path string, in, out any) error {
	link := runtime.JoinPaths(c.arm.Endpoint(), "/subscriptions/"+url.PathEscape(c.conn.SubscriptionID)+path)
	req, err := runtime.NewRequest(ctx, method, link)
	if err != nil {
		return err
	}
	req.Raw().URL.RawQuery = url.Values{"api-version": {resourcesVersion}}.Encode()
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		if err := req.SetBody(readCloser{bytes.NewReader(raw)}, "application/json"); err != nil {
			return err
		}
	}
	resp, err := c.arm.Pipeline().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !runtime.HasStatusCode(resp, http.StatusOK, http.StatusCreated) {
		return runtime.NewResponseError(resp)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 8<<20)).Decode(out)
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// ResourceGroups are the names of the subscription's resource groups.
func (c *Cloud) ResourceGroups(ctx context.Context) ([]string, error) {
	var list struct {
		Value []struct{ Name string }
	}
	err := c.call(ctx, "Listing the resource groups", func(ctx context.Context) error {
		return c.rest(ctx, http.MethodGet, "/resourcegroups", nil, &list)
	})
	var out []string
	for _, g := range list.Value {
		out = append(out, g.Name)
	}
	return out, err
}

// Locations are the regions that the subscription may use, as choices.
func (c *Cloud) Locations(ctx context.Context) ([]w.Option, error) {
	var list struct {
		Value []struct{ Name, DisplayName string }
	}
	err := c.call(ctx, "Listing the regions", func(ctx context.Context) error {
		return c.rest(ctx, http.MethodGet, "/locations", nil, &list)
	})
	var out []w.Option
	for _, l := range list.Value {
		out = append(out, w.Option{Value: l.Name, Label: l.DisplayName})
	}
	return out, err
}

// EnsureResourceGroup makes a resource group that is not there, and says
// whether it did.
func (c *Cloud) EnsureResourceGroup(ctx context.Context, name, location string) (made bool, err error) {
	path := "/resourcegroups/" + url.PathEscape(name)
	err = c.call(ctx, "Making the resource group "+name, func(ctx context.Context) error {
		err := c.rest(ctx, http.MethodGet, path, nil, nil)
		if !notFound(err) {
			return err
		}
		made = true
		return c.rest(ctx, http.MethodPut, path, map[string]string{"location": location}, nil)
	})
	return made && err == nil, err
}
