package azurestack

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/authorization/armauthorization"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armsubscriptions"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	w "hubwright/workflows"
)

// Subscription is the Stack's subscription as the principal sees it.
func (h *Hub) Subscription(ctx context.Context) (w.Subscription, error) {
	var sub w.Subscription
	err := h.call(ctx, "Reading the subscription", func(ctx context.Context) error {
		client, err := armsubscriptions.NewClient(h.cred, h.options)
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, h.stack.SubscriptionID, nil)
		if err != nil {
			return err
		}
		sub = w.Subscription{ID: val(got.SubscriptionID), DisplayName: val(got.DisplayName), State: string(val(got.State))}
		return nil
	})
	return sub, err
}

// CanContribute says whether the principal may create and change resources in
// the whole subscription. detail is which right it has, or which it lacks.
func (h *Hub) CanContribute(ctx context.Context) (bool, string, error) {
	var ok bool
	var detail string
	err := h.call(ctx, "Reading the principal's permissions", func(ctx context.Context) error {
		path := h.under("providers", "Microsoft.Authorization", "permissions")
		rights, err := listOf[armauthorization.Permission](ctx, h, path, "2015-07-01", nil)
		if unsupported(err) {
			ok, detail, err = h.contributorRole(ctx)
			return err
		}
		if err != nil {
			return err
		}
		ok, detail = mayContribute(rights)
		return nil
	})
	return ok, detail, err
}

// needed are the actions that creating a cluster takes at the least.
var needed = []string{
	"Microsoft.Resources/subscriptions/resourceGroups/write",
	"Microsoft.Resources/deployments/write",
	"Microsoft.Compute/virtualMachines/write",
	"Microsoft.Network/virtualNetworks/write",
	"Microsoft.Network/publicIPAddresses/write",
	"Microsoft.Network/loadBalancers/write",
	"Microsoft.Storage/storageAccounts/write",
}

// mayContribute reads permissions as ARM does: an action is allowed when one
// permission grants it and does not take it away again.
func mayContribute(rights []armauthorization.Permission) (bool, string) {
	var missing []string
	for _, action := range needed {
		granted := slices.ContainsFunc(rights, func(p armauthorization.Permission) bool {
			return anyMatches(p.Actions, action) && !anyMatches(p.NotActions, action)
		})
		if !granted {
			missing = append(missing, action)
		}
	}
	if len(missing) > 0 {
		return false, "it may not do " + strings.Join(missing, ", ")
	}
	for _, p := range rights {
		if anyMatches(p.Actions, "*") && !anyMatches(p.NotActions, "Microsoft.Authorization/roleAssignments/write") {
			return true, "it may do everything (Owner)"
		}
	}
	return true, "it may create and change everything that is needed (Contributor)"
}

func anyMatches(patterns []*string, action string) bool {
	return slices.ContainsFunc(patterns, func(p *string) bool { return actionMatches(val(p), action) })
}

// actionMatches compares an action with a pattern in which * stands for
// anything, slashes too, regardless of case.
func actionMatches(pattern, action string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	rest := strings.ToLower(action)
	if len(parts) == 1 {
		return parts[0] == rest
	}
	rest, ok := strings.CutPrefix(rest, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// builtIn are the roles that suffice, by the last part of their definition's
// ID, which is the same on every cloud.
var builtIn = map[string]string{
	"b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
	"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
}

// contributorRole looks at role assignments, for stamps that do not tell
// permissions.
func (h *Hub) contributorRole(ctx context.Context) (bool, string, error) {
	oid, err := h.objectID(ctx)
	if err != nil {
		return false, "", err
	}
	query := url.Values{"$filter": {fmt.Sprintf("assignedTo('%s')", oid)}}
	path := h.under("providers", "Microsoft.Authorization", "roleAssignments")
	assigned, err := listOf[armauthorization.RoleAssignment](ctx, h, path, "2015-07-01", query)
	if err != nil {
		return false, "", err
	}
	for _, a := range assigned {
		if a.Properties == nil {
			continue
		}
		if name := builtIn[strings.ToLower(lastPart(val(a.Properties.RoleDefinitionID)))]; name != "" {
			return true, "it has the role " + name, nil
		}
	}
	return false, "it has neither the role Contributor nor Owner on the subscription", nil
}

// objectID is who the principal is for the Hub: the oid in its token. The
// token is not checked, it is only our own that is read.
func (h *Hub) objectID(ctx context.Context) (string, error) {
	tok, err := h.cred.GetToken(ctx, policy.TokenRequestOptions{
		Scopes: []string{h.stack.Metadata.Audience + "/.default"}, EnableCAE: true,
	})
	if err != nil {
		return "", err
	}
	var claims struct{ OID, AppID string }
	if parts := strings.Split(tok.Token, "."); len(parts) == 3 {
		if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(raw, &claims)
		}
	}
	if claims.OID == "" {
		return h.stack.Credential.ClientID, nil
	}
	return claims.OID, nil
}

// Providers says of each namespace whether the subscription may use it.
// Without namespaces it tells of all.
func (h *Hub) Providers(ctx context.Context, namespaces ...string) ([]w.Provider, error) {
	var out []w.Provider
	err := h.call(ctx, "Reading the resource providers", func(ctx context.Context) error {
		client, err := armresources.NewProvidersClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for _, ns := range namespaces {
			got, err := client.Get(ctx, ns, nil)
			if err != nil {
				return err
			}
			out = append(out, provider(got.Provider))
		}
		if len(namespaces) > 0 {
			return nil
		}
		for pager := client.NewListPager(nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, p := range page.Value {
				out = append(out, provider(*p))
			}
		}
		return nil
	})
	return out, err
}

// RegisterProvider lets the subscription use a namespace and waits until it
// may. A namespace that is registered already is left alone.
func (h *Hub) RegisterProvider(ctx context.Context, namespace string) error {
	return h.call(ctx, "Registering "+namespace, func(ctx context.Context) error {
		client, err := armresources.NewProvidersClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, namespace, nil)
		if err != nil {
			return err
		}
		if provider(got.Provider).Registered {
			return nil
		}
		if _, err := client.Register(ctx, namespace, nil); err != nil {
			return err
		}
		for {
			got, err := client.Get(ctx, namespace, nil)
			if err != nil {
				return err
			}
			if provider(got.Provider).Registered {
				return nil
			}
			if err := wait(ctx, h.every); err != nil {
				return err
			}
		}
	})
}

func provider(p armresources.Provider) w.Provider {
	state := val(p.RegistrationState)
	return w.Provider{Namespace: val(p.Namespace), State: state, Registered: strings.EqualFold(state, "Registered")}
}

// unsupported says that this stamp does not have the call at all.
func unsupported(err error) bool {
	var e *azcore.ResponseError
	if !errors.As(err, &e) {
		return false
	}
	switch e.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return !strings.EqualFold(e.ErrorCode, "SubscriptionNotFound")
	case http.StatusBadRequest:
		return e.ErrorCode == "NoRegisteredProviderFound" || e.ErrorCode == "InvalidResourceType"
	}
	return false
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// val is what a pointer of the SDK points to, or nothing.
func val[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

func ptr[T any](v T) *T { return &v }

func lastPart(id string) string { return path.Base(id) }
