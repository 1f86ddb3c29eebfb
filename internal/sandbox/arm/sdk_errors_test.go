package arm_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/compute/armcompute"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	nowcompute "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	nowresources "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v2"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/identity"
)

// asked is one request of one of the SDK's modules.
type asked func(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error

func vmList(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := armcompute.NewVirtualMachinesClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.NewListAllPager(nil).NextPage(ctx)
	return err
}

func vmGet(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := armcompute.NewVirtualMachinesClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.Get(ctx, "rg", "none", nil)
	return err
}

func nowVMList(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowcompute.NewVirtualMachinesClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.NewListAllPager(nil).NextPage(ctx)
	return err
}

func nowVMGet(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowcompute.NewVirtualMachinesClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.Get(ctx, "rg", "none", nil)
	return err
}

func nowVMMake(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowcompute.NewVirtualMachinesClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.BeginCreateOrUpdate(ctx, "rg", "vm", nowcompute.VirtualMachine{Location: to("seattle"), Properties: &nowcompute.VirtualMachineProperties{
		HardwareProfile: &nowcompute.HardwareProfile{VMSize: to(nowcompute.VirtualMachineSizeTypes("Standard_Nope"))}}}, nil)
	return err
}

func nowScaleSets(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowcompute.NewVirtualMachineScaleSetsClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.NewListPager("rg", nil).NextPage(ctx)
	return err
}

func groupList(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := armresources.NewResourceGroupsClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.NewListPager(nil).NextPage(ctx)
	return err
}

func groupMake(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := armresources.NewResourceGroupsClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.CreateOrUpdate(ctx, "new", armresources.ResourceGroup{Location: to("seattle")}, nil)
	return err
}

func nowGroupList(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowresources.NewResourceGroupsClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.NewListPager(nil).NextPage(ctx)
	return err
}

func nowGroupMake(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowresources.NewResourceGroupsClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.CreateOrUpdate(ctx, "new", nowresources.ResourceGroup{Location: to("seattle")}, nil)
	return err
}

func nowDeployment(ctx context.Context, subscription string, s *stage, o *azarm.ClientOptions) error {
	c, err := nowresources.NewDeploymentsClient(subscription, s, o)
	if err != nil {
		return err
	}
	_, err = c.Get(ctx, "rg", "none", nil)
	return err
}

// Whatever the module and whatever is wrong, the SDK must understand the Hub
// as it understands a real one: status, code, headers.
func TestAnswersThroughTheSDK(t *testing.T) {
	const nobody = "00000000-0000-4000-8000-000000000000"
	now := time.Now()
	relogin := func(alter func(*identity.Config)) func(*stage) {
		return func(s *stage) {
			cfg := identity.Config{System: identity.Entra, Host: "login.seattle.azurestack.test", TenantID: tenant, Audiences: []string{audience}}
			alter(&cfg)
			s.relogin(cfg)
		}
	}
	expired := relogin(func(c *identity.Config) { c.Now = func() time.Time { return now.Add(2 * time.Hour) } })
	tenants := relogin(func(c *identity.Config) { c.TenantID = nobody })
	audiences := relogin(func(c *identity.Config) { c.Audiences = []string{"https://other"} })
	fake := func(s *stage) { s.token = "fake_token" }
	reader := func(s *stage) {
		s.cfg.Roles = []arm.Role{{ObjectID: who, Name: "Reader"}}
		s.hub.Close()
		s.reopen()
	}
	busy := func(s *stage) {
		rule, _ := faults.Preset("throttled", "")
		if _, err := s.faults.Add(rule); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name         string
		before       func(*stage)
		subscription string
		version      string // in place of the module's own, as people set it whose module is newer than the Hub
		ask          []asked
		status       int // 0: it works
		code         string
	}{
		{name: "the Hub's own modules", ask: []asked{vmList, groupList, groupMake}},
		{name: "current modules with the Hub's api-version for compute", version: "2020-06-01", ask: []asked{nowVMList}},
		{name: "current modules with the Hub's api-version for resources", version: "2019-10-01", ask: []asked{nowGroupList, nowGroupMake}},
		{name: "current modules with their own api-version: compute", ask: []asked{nowVMList, nowVMGet, nowVMMake}, status: 400, code: "NoRegisteredProviderFound"},
		{name: "current modules with their own api-version: deployments", ask: []asked{nowDeployment}, status: 400, code: "NoRegisteredProviderFound"},
		{name: "current modules with their own api-version: groups", ask: []asked{nowGroupList, nowGroupMake}, status: 400, code: "InvalidApiVersionParameter"},
		{name: "an api-version that never was", version: "2018-13-01", ask: []asked{vmList, vmGet, nowVMList}, status: 400, code: "NoRegisteredProviderFound"},
		{name: "an unknown type", version: "2020-06-01", ask: []asked{nowScaleSets}, status: 404, code: "InvalidResourceType"},
		{name: "a machine that is not there", ask: []asked{vmGet}, status: 404, code: "ResourceNotFound"},
		{name: "a machine that is not there, current module", version: "2020-06-01", ask: []asked{nowVMGet}, status: 404, code: "ResourceNotFound"},
		{name: "a deployment that is not there", version: "2019-10-01", ask: []asked{nowDeployment}, status: 404, code: "DeploymentNotFound"},
		{name: "a size that is not there", version: "2020-06-01", ask: []asked{nowVMMake}, status: 400, code: "InvalidParameter"},
		{name: "a bad token", before: fake, ask: []asked{vmList, groupList, nowVMList, nowGroupMake}, status: 401, code: "InvalidAuthenticationToken"},
		{name: "an expired token", before: expired, ask: []asked{vmList, groupMake, nowVMList, nowGroupList}, status: 401, code: "ExpiredAuthenticationToken"},
		{name: "another tenant's token", before: tenants, ask: []asked{vmList, nowGroupList}, status: 401, code: "InvalidAuthenticationTokenTenant"},
		{name: "a token for something else", before: audiences, ask: []asked{vmList, nowGroupList}, status: 401, code: "InvalidAuthenticationTokenAudience"},
		{name: "a subscription that is not there", subscription: nobody, ask: []asked{vmList, groupList, nowVMList, nowGroupMake}, status: 404, code: "SubscriptionNotFound"},
		{name: "no subscription id", subscription: "mine", ask: []asked{groupList, nowGroupList}, status: 400, code: "InvalidSubscriptionId"},
		{name: "a reader who writes", before: reader, ask: []asked{groupMake}, status: 403, code: "AuthorizationFailed"},
		{name: "a reader who writes, current module", before: reader, version: "2019-10-01", ask: []asked{nowGroupMake}, status: 403, code: "AuthorizationFailed"},
		{name: "too many requests", before: busy, ask: []asked{vmList}, status: 429, code: "TooManyRequests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := raise(t, nil)
			s.group("rg")
			if c.before != nil {
				c.before(s)
			}
			o := s.options()
			o.APIVersion, o.Retry.MaxRetries = c.version, -1
			subscription := sub
			if c.subscription != "" {
				subscription = c.subscription
			}
			for i, ask := range c.ask {
				err := ask(t.Context(), subscription, s, o)
				if c.status == 0 {
					if err != nil {
						t.Errorf("request %d: %v", i, err)
					}
					continue
				}
				checkAnswer(t, err, c.status, c.code)
			}
		})
	}
}

func checkAnswer(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *azcore.ResponseError
	if !errors.As(err, &e) || e.StatusCode != status || e.ErrorCode != code {
		t.Errorf("%v, want %d %s", err, status, code)
		return
	}
	h := e.RawResponse.Header
	for _, name := range []string{"x-ms-request-id", "x-ms-correlation-request-id", "x-ms-routing-request-id", "Strict-Transport-Security"} {
		if h.Get(name) == "" {
			t.Errorf("%s: no header %s", code, name)
		}
	}
	if got := h.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("%s: Content-Type %q", code, got)
	}
	if challenge := h.Get("WWW-Authenticate"); (status == http.StatusUnauthorized) != strings.HasPrefix(challenge, `Bearer authorization_uri="https://login.seattle.azurestack.test/`) {
		t.Errorf("%s: WWW-Authenticate %q", code, challenge)
	}
	if wait := h.Get("Retry-After"); (status == http.StatusTooManyRequests) != (wait != "") {
		t.Errorf("%s: Retry-After %q", code, wait)
	}
}
