package azurestack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	w "hubwright/workflows"
)

// TestEveryRefusalReachesAProblem holds the kinds of ARM's error documents
// against the words that a person gets, on a plain read and on the end of a
// long-running operation.
func TestEveryRefusalReachesAProblem(t *testing.T) {
	quota := "Operation results in exceeding quota limits of Core. Maximum allowed: 10, Current in use: 10, Additional requested: 1."
	for _, tt := range []struct {
		status        int
		code, message string
		want          string // Problem code, "" for arm.<code>
	}{
		{401, "InvalidAuthenticationToken", "The token is invalid.", ""},
		{401, "AuthenticationFailed", "Authentication failed.", ""},
		{403, "AuthorizationFailed", "The client 'x' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/write'", ""},
		{404, "SubscriptionNotFound", "The subscription 'x' could not be found.", ""},
		{404, "ResourceGroupNotFound", "Resource group 'rg' could not be found.", ""},
		{404, "ResourceNotFound", "The Resource was not found.", ""},
		{404, "NotFound", "Artifact: VMImage was not found.", ""},
		{400, "PlatformImageNotFound", "The platform image 'a:b:c:d' is not available.", ""},
		{409, "OperationNotAllowed", quota, ""},
		{409, "SkuNotAvailable", "The requested size is not available.", ""},
		{400, "InvalidTemplate", "Deployment template validation failed: 'x'", ""},
		{400, "InvalidParameter", "The value 'x' provided for parameter vmSize is invalid", ""},
		{409, "AnotherOperationInProgress", "Another operation is in progress.", ""},
		{400, "DnsRecordInUse", "DNS record x is already used by another public IP.", ""},
		{400, "SubnetsNotInSameVnet", "Subnets are not in the same network.", ""},
		{400, "NetcfgInvalidSubnet", "Subnet is not valid in virtual network.", ""},
		{400, "InUseSubnetCannotBeDeleted", "Subnet is in use.", ""},
		{400, "NetworkSecurityGroupInUseCannotBeDeleted", "In use.", ""},
		{400, "PublicIPAddressInUse", "In use.", ""},
		{409, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.Compute'.", ""},
		{500, "VMExtensionProvisioningError", "VM has reported a failure when processing extension 'cse-agent-0'. Error message: \"command terminated with exit status=50\"", "cse.50"},
		{409, "OSProvisioningTimedOut", "OS provisioning timed out.", ""},
		{409, "VMAgentStatusCommunicationError", "VM agent does not report.", ""},
		{409, "AllocationFailed", "Allocation failed.", ""},
		{429, "TooManyRequests", "Slow down.", ""},
		{429, "SubscriptionRequestsThrottled", "Slow down.", ""},
		{400, "NoRegisteredProviderFound", "No registered resource provider found for location 'seattle'.", ""},
	} {
		want := tt.want
		if want == "" {
			want = "arm." + tt.code
		}
		body := fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, tt.code, tt.message)
		t.Run(tt.code+"/read", func(t *testing.T) {
			f := newFakeHub(t)
			f.faults["GET /subscriptions/"+subID] = &fault{status: tt.status, body: body}
			_, err := f.hub(t, f.stack(w.IdentityEntra)).Subscription(t.Context())
			if p := asProblem(t, err); p.Code != want {
				t.Errorf("code %s, want %s: %v", p.Code, want, p)
			}
		})
		t.Run(tt.code+"/operation", func(t *testing.T) {
			f := newFakeHub(t)
			f.faults["PUT "+helperVMID] = &fault{async: true, body: `{"status":"Failed",` + body[1:]}
			_, err := f.hub(t, f.stack(w.IdentityEntra)).EnsureVM(t.Context(), helperSpec())
			if p := asProblem(t, err); p.Code != want {
				t.Errorf("code %s, want %s: %v", p.Code, want, p)
			}
		})
	}
}

func TestNestedRefusals(t *testing.T) {
	for name, tt := range map[string]struct{ body, code string }{
		"quota inside a template": {
			`{"error":{"code":"InvalidTemplateDeployment","message":"The template is not valid.","details":[{"code":"QuotaExceeded","message":"Operation results in exceeding quota limits of Core. Maximum allowed: 1, Current in use: 1, Additional requested: 1."}]}}`, "arm.QuotaExceeded",
		},
		"JSON inside a message": {
			`{"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one.","details":[{"code":"Conflict","message":"{\"error\":{\"code\":\"PlatformImageNotFound\",\"message\":\"gone\"}}"}]}}`, "arm.PlatformImageNotFound",
		},
		"a page of a proxy": {`<html>Bad Gateway</html>`, "arm.400"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t)
			f.faults["PUT "+helperVMID] = &fault{status: 400, body: tt.body}
			_, err := f.hub(t, f.stack(w.IdentityEntra)).EnsureVM(t.Context(), helperSpec())
			if p := asProblem(t, err); p.Code != tt.code {
				t.Errorf("code %s, want %s", p.Code, tt.code)
			}
		})
	}
}

func TestThrottlingIsRetried(t *testing.T) {
	f := newFakeHub(t)
	f.faults["GET /subscriptions/"+subID] = &fault{status: 429, body: `{"error":{"code":"TooManyRequests","message":"x"}}`, left: 2}
	if _, err := f.hub(t, f.stack(w.IdentityEntra)).Subscription(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCancelIsNoProblem(t *testing.T) {
	f := newFakeHub(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.hub(t, f.stack(w.IdentityEntra)).Subscription(ctx)
	var p *w.Problem
	if !errors.Is(err, context.Canceled) || errors.As(err, &p) {
		t.Errorf("%T %v", err, err)
	}
}

func TestListsFollowLinksOnTheHubAlone(t *testing.T) {
	f := newFakeHub(t)
	more := perms + "/more"
	f.lists[perms] = map[string]any{"value": []any{map[string]any{"actions": []string{"Microsoft.Compute/*"}}}, "nextLink": "https://" + seattle + more + "?api-version=2015-07-01"}
	f.lists[more] = map[string]any{"value": []any{map[string]any{"actions": []string{"*"}}}, "nextLink": "https://elsewhere.example.invalid/"}
	ok, detail, err := f.hub(t, f.stack(w.IdentityEntra)).CanContribute(t.Context())
	if !ok || err != nil {
		t.Errorf("%v %q %v", ok, detail, err)
	}
	if got := strings.Join(f.reads, " "); !strings.Contains(got, more) {
		t.Errorf("the second page was not read: %s", got)
	}
}

func TestWorthRetrying(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		err    error
		want   bool
	}{
		"busy":            {503, nil, true},
		"throttled":       {429, nil, true},
		"refused":         {403, nil, false},
		"fine":            {200, nil, false},
		"broken off":      {0, io.ErrUnexpectedEOF, true},
		"unknown name":    {0, &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, false},
		"DNS is ill":      {0, &net.DNSError{IsTemporary: true}, true},
		"time-out":        {0, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, false},
		"proxy refuses":   {0, &w.Problem{Code: "net.proxy"}, false},
		"wrong name":      {0, x509.HostnameError{}, false},
		"not vouched for": {0, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var resp *http.Response
			if tt.err == nil {
				resp = &http.Response{StatusCode: tt.status}
			}
			if got := worthRetrying(resp, tt.err); got != tt.want {
				t.Errorf("%v", got)
			}
		})
	}
}
