package azurestack

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

const networkVersion = "2018-11-01" // Microsoft.Network in the hybrid profile

// get is a plain ARM request, for what the profile's packages have no client
// for. path begins with a slash; query is added to the api-version.
func (h *Hub) get(ctx context.Context, path, apiVersion string, query url.Values, out any) error {
	return h.getLink(ctx, runtime.JoinPaths(h.arm.Endpoint(), path), apiVersion, query, out)
}

func (h *Hub) getLink(ctx context.Context, link, apiVersion string, query url.Values, out any) error {
	req, err := runtime.NewRequest(ctx, http.MethodGet, link)
	if err != nil {
		return err
	}
	if apiVersion != "" {
		q := req.Raw().URL.Query()
		for k, vs := range query {
			q[k] = vs
		}
		q.Set("api-version", apiVersion)
		// ARM wants spaces in a filter as %20, not as a plus sign.
		req.Raw().URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	}
	req.Raw().Header.Set("Accept", "application/json")
	resp, err := h.arm.Pipeline().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return runtime.NewResponseError(resp)
	}
	return payloadOf(resp.Body, out)
}

// listOf reads every page of a list. The next page's link comes from the Hub
// and is followed only on the Hub itself, because the token goes with it.
func listOf[T any](ctx context.Context, h *Hub, path, apiVersion string, query url.Values) ([]T, error) {
	var all []T
	link := runtime.JoinPaths(h.arm.Endpoint(), path)
	for range 1000 {
		var page struct {
			Value    []T    `json:"value"`
			NextLink string `json:"nextLink"`
		}
		if err := h.getLink(ctx, link, apiVersion, query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if page.NextLink == "" || !strings.EqualFold(hostOf(page.NextLink), hostOf(h.base)) {
			break
		}
		link, apiVersion = page.NextLink, ""
	}
	return all, nil
}

// under is a path below the subscription.
func (h *Hub) under(parts ...string) string {
	path := "/subscriptions/" + url.PathEscape(h.stack.SubscriptionID)
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}
