package problem_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

func armBody(code, message string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return string(b)
}

// Every kind of error that Azure Stack Hub's Resource Manager raises gets a
// cause and a remedy of its own.
func TestFromARMKnowsEveryKind(t *testing.T) {
	tests := []struct {
		status        int
		code, message string
		want          string // Code
		what, why     string // parts
		fix           string
	}{
		{401, "InvalidAuthenticationToken", "The access token is invalid.", "", "does not accept our login", "expired", "Test the stack"},
		{401, "AuthenticationFailed", "Authentication failed.", "", "does not accept our login", "token", "clocks"},
		{401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now.", "", "takes our login for expired", "time is over", "logs in anew"},
		{403, "AuthorizationFailed", "The client 'o1' with object id 'o1' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/write' over scope '/subscriptions/s/resourceGroups/rg' or the scope is invalid.", "", "may not do this", "Microsoft.Compute/virtualMachines/write on /subscriptions/s/resourceGroups/rg", "Contributor"},
		{404, "SubscriptionNotFound", "The subscription 's' could not be found.", "", "subscription is not there", "another stamp", "Copy the subscription's id"},
		{404, "ResourceGroupNotFound", "Resource group 'rg' could not be found.", "", "resource group does not exist", "'rg'", "Check the name"},
		{404, "ResourceNotFound", "The Resource 'Microsoft.Network/publicIPAddresses/x' under resource group 'rg' was not found.", "", "should be there", "publicIPAddresses/x", "run the workflow again"},
		{404, "NotFound", "Artifact: VMImage was not found.", "", "image is not on this stamp", "marketplace", "download the image"},
		{404, "NotFound", "No such thing.", "", "should be there", "No such thing", "run the workflow again"},
		{400, "PlatformImageNotFound", "The platform image 'microsoft-aks:aks:aks-engine-azurestack-ubuntu-2204:2026.139.1' is not available. Verify that all fields in the storage profile are correct.", "", "image is not on this stamp", "aks-engine-azurestack-ubuntu-2204:2026.139.1", "operator"},
		{409, "OperationNotAllowed", "Operation results in exceeding quota limits of Core. Maximum allowed: 10, Current in use: 10, Additional requested: 1.", "", "quota is too small", "Core: 10 allowed, 10 in use, 1 more wanted", "raise the quota"},
		{409, "OperationNotAllowed", "The VM is deallocated.", "", "does not allow this now", "deallocated", "try again"},
		{400, "QuotaExceeded", "Operation could not be completed as it results in exceeding approved standardDSv2Family Cores quota. Additional details - Deployment Model: Resource Manager, Location: local, Current Limit: 10, Current Usage: 6, Additional Required: 6, (Minimum) New Limit Required: 12.", "", "quota is too small", "standardDSv2Family Cores: 10 allowed, 6 in use, 6 more wanted", "two hours"},
		{400, "InvalidTemplateDeployment", "The template deployment 'd' is not valid.", "", "before it began", "not valid", "Correct"},
		{0, "DeploymentFailed", "At least one resource deployment operation failed.", "", "deployment failed", "no further reason", "retry"},
		{400, "InvalidTemplate", "Deployment template validation failed: 'bad value for masterVMSize'.", "", "template", "masterVMSize", "Correct the answer"},
		{409, "SkuNotAvailable", "The requested size Standard_D64 is not available in location local.", "", "size is not available", "Standard_D64", "another VM size"},
		{400, "InvalidParameter", "The value 'Standard_Z' provided for parameter vmSize is invalid.", "", "refused a value", "Standard_Z", "VM size"},
		{409, "AnotherOperationInProgress", "Another operation on this or dependent resource is in progress.", "", "Something else works", "dependent resource", "Wait"},
		{400, "DnsRecordInUse", "DNS record a.seattle.cloudapp.x is already used by another public IP.", "", "DNS name is taken", "a.seattle", "another DNS prefix"},
		{400, "SubnetsNotInSameVnet", "Subnets a and b are not in the same virtual network.", "", "different virtual networks", "a and b", "one virtual network"},
		{400, "NetcfgInvalidSubnet", "Subnet 'x' is not valid in virtual network 'y'.", "", "does not fit", "'x'", "Correct the address ranges"},
		{400, "InUseSubnetCannotBeDeleted", "Subnet x is in use.", "", "subnet cannot be deleted", "still in it", "first"},
		{400, "NetworkSecurityGroupInUseCannotBeDeleted", "NSG x is in use.", "", "security group cannot be deleted", "uses it", "first"},
		{400, "PublicIPAddressInUse", "IP x is in use.", "", "public IP address is in use", "holds it", "Free the address"},
		{409, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.Compute'. See https://aka.ms/rps-not-found for how to register subscriptions.", "", "provider is not registered", "Microsoft.Compute", "registers"},
		{0, "VMExtensionProvisioningError", "VM has reported a failure when processing extension 'cse-agent-0'. Error message: \"Enable failed: failed to execute command: command terminated with exit status=50\n[stdout]\"", "cse.50", "worker node 0", "no connection to the outside", "registries"},
		{0, "VMExtensionProvisioningError", "VM has reported a failure when processing extension 'cse-master-2'.", "", "set-up script failed", "ended with an error", "cluster-provision.log"},
		{0, "OSProvisioningTimedOut", "OS Provisioning for VM 'x' did not finish in the allotted time.", "", "did not come up in time", "'x'", "Retry once"},
		{0, "VMAgentStatusCommunicationError", "VM 'x' has not reported status for VM agent.", "", "agent does not report", "'x'", "network security groups"},
		{0, "AllocationFailed", "Allocation failed. We do not have sufficient capacity.", "", "no room", "sufficient capacity", "smaller size"},
		{429, "TooManyRequests", "The request was throttled.", "", "slows us down", "short time", "Wait"},
		{429, "SubscriptionRequestsThrottled", "Number of requests exceeded the limit.", "", "slows us down", "short time", "Wait"},
		{400, "NoRegisteredProviderFound", "No registered resource provider found for location 'local' and API version '2022-01-01' for type 'virtualMachines'.", "", "does not know this kind", "2022-01-01", "2102"},
		{400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required.", "", "no API version", "changed the request", "proxy"},
		{500, "InternalServerError", "Encountered internal server error.", "", "error inside", "could not answer", "operator"},
		{503, "ServiceUnavailable", "The service is unavailable.", "", "not available", "restarted", "Wait"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.code), func(t *testing.T) {
			p := problem.FromARM(tt.status, []byte(armBody(tt.code, tt.message)))
			want := tt.want
			if want == "" {
				want = "arm." + tt.code
			}
			if p.Code != want {
				t.Errorf("Code = %q, want %q", p.Code, want)
			}
			contains(t, "What", p.What, tt.what)
			contains(t, "Why", p.Why, tt.why)
			contains(t, "Fix", p.Fix, tt.fix)
			contains(t, "Detail", p.Detail, strings.SplitN(tt.message, "\n", 2)[0])
		})
	}
}

func TestFromARMDigsForTheCause(t *testing.T) {
	ext := `{"status":"Failed","error":{"code":"ResourceDeploymentFailure","message":"The resource operation completed with terminal provisioning state 'Failed'.","details":[{"code":"VMExtensionProvisioningError","message":"VM has reported a failure when processing extension 'cse-master-0'. Error message: Enable failed: failed to execute command: command terminated with exit status=50"}]}}`
	quoted, _ := json.Marshal(ext)
	tests := []struct {
		name, body, code string
		status           int
	}{
		{"json in a string", `{"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one","details":[{"code":"Conflict","message":` + string(quoted) + `}]}}`, "cse.50", 200},
		{"details of a template", `{"error":{"code":"InvalidTemplateDeployment","message":"not valid","details":[{"code":"QuotaExceeded","message":"m"}]}}`, "arm.QuotaExceeded", 400},
		{"unknown inner code beats known wrapper", `{"error":{"code":"DeploymentFailed","message":"m","details":[{"code":"FluxCapacitorEmpty","message":"no 1.21 gigawatts"}]}}`, "arm.FluxCapacitorEmpty", 200},
		{"known code beats unknown deeper one", `{"error":{"code":"AllocationFailed","message":"m","details":[{"code":"Whatever","message":"x"}]}}`, "arm.AllocationFailed", 200},
		{"top-level code", `{"code":"DnsRecordInUse","message":"taken"}`, "arm.DnsRecordInUse", 400},
		{"upper-case keys and BOM", "\ufeff" + `{"Error":{"Code":"DnsRecordInUse","Message":"taken"}}`, "arm.DnsRecordInUse", 400},
		{"innererror", `{"error":{"code":"BadRequest","message":"m","innererror":{"code":"SkuNotAvailable","message":"x"}}}`, "arm.SkuNotAvailable", 400},
		{"operation's status message", `{"properties":{"statusMessage":{"error":{"code":"SubnetIsFull","message":"x"}}}}`, "arm.SubnetIsFull", 0},
		{"two details, the one with a remedy wins", `{"error":{"code":"DeploymentFailed","message":"m","details":[{"code":"Odd","message":"x"},{"code":"AllocationFailed","message":"y"}]}}`, "arm.AllocationFailed", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := problem.FromARM(tt.status, []byte(tt.body))
			if p.Code != tt.code {
				t.Errorf("Code = %q, want %q (%+v)", p.Code, tt.code, p)
			}
			complete(t, p)
		})
	}
	if p := problem.FromARMJSON(`{"error":{"code":"Conflict","message":` + string(quoted) + `}}`); !strings.Contains(p.What, "control plane node 0") {
		t.Errorf("What = %q, want the node named", p.What)
	}
}

func TestFromARMWithoutADocument(t *testing.T) {
	tests := []struct {
		status     int
		body       string
		code, what string
	}{
		{401, "", "arm.401", "login"},
		{403, "Forbidden", "arm.403", "may not"},
		{404, "<html>", "arm.404", "not"},
		{407, "", "arm.407", "proxy"},
		{429, "slow", "arm.429", "slows"},
		{502, "<html>bad gateway</html>", "arm.502", "error inside"},
		{418, "teapot", "arm.418", "refused the request"},
		{0, "boom", "arm.unknown", "error"},
		{400, `{"error":{"code":"BrandNew","message":"never seen"}}`, "arm.BrandNew", "refused"},
		{0, `{}`, "arm.unknown", "error"},
		{0, `[]`, "arm.unknown", "error"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.body), func(t *testing.T) {
			p := problem.FromARM(tt.status, []byte(tt.body))
			if p.Code != tt.code {
				t.Errorf("Code = %q, want %q", p.Code, tt.code)
			}
			contains(t, "What", p.What, tt.what)
			if p.Fix == "" {
				t.Error("no remedy")
			}
		})
	}
	p := problem.FromARM(400, []byte(`{"error":{"code":"BrandNew","message":"never seen"}}`))
	contains(t, "Why", p.Why, "BrandNew: never seen.")
}

func TestFromARMTokenErrors(t *testing.T) {
	tests := []struct{ body, code, what string }{
		{`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]}`, "token.AADSTS7000215", "secret is wrong"},
		{`{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`, "token.AADSTS7000222", "expired"},
		{`{"error":"unauthorized_client","error_description":"AADSTS700016: Application with identifier 'x' was not found."}`, "token.AADSTS700016", "not known in this tenant"},
		{`{"error":"invalid_client","error_description":"AADSTS700027: Client assertion contains an invalid signature."}`, "token.AADSTS700027", "certificate"},
		{`{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}`, "token.AADSTS90002", "tenant"},
		{`{"error":"x","error_description":"AADSTS123456: Something new."}`, "token.AADSTS123456", "refused the login"},
		{`{"error":"invalid_client","error_description":"MSIS9659: Invalid client_id."}`, "token.invalid_client", "not accepted"},
		{`{"error":"invalid_client","error_description":"MSIS9622: Client authentication failed."}`, "token.MSIS9622", "AD FS does not accept"},
		{`{"error":"invalid_client","error_description":"MSIS9607: The 'client_id' parameter in the request is invalid."}`, "token.MSIS9607", "not known to AD FS"},
		{`{"error":"invalid_resource","error_description":"MSIS9602: unknown"}`, "token.invalid_resource", "does not know this stamp"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			p := problem.FromARM(401, []byte(tt.body))
			if p.Code != tt.code {
				t.Errorf("Code = %q, want %q", p.Code, tt.code)
			}
			contains(t, "What", p.What, tt.what)
			complete(t, p)
		})
	}
}

func TestFromCSE(t *testing.T) {
	known := []int{4, 6, 11, 15, 27, 30, 31, 33, 34, 35, 36, 41, 49, 50, 51, 52, 53, 99, 100, 101, 120, 121, 122, 123, 124, 180}
	for _, code := range known {
		p := problem.FromCSE(code, "worker node 1")
		complete(t, p)
		if p.Code != fmt.Sprintf("cse.%d", code) {
			t.Errorf("Code = %q", p.Code)
		}
		contains(t, "What", p.What, problem.CSEName(code))
		if problem.CSEName(code) == "" {
			t.Errorf("%d has no name", code)
		}
	}
	complete(t, problem.FromCSE(77, ""))
	if problem.CSEName(77) != "" {
		t.Error("77 has a name")
	}
}

func FuzzFromARM(f *testing.F) {
	f.Add(400, armBody("QuotaExceeded", "x"))
	f.Add(0, `{"error":{"details":[{"details":[{}]}]}}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		p := problem.FromARM(status, []byte(body))
		if p == nil || p.What == "" || p.Fix == "" || p.Code == "" {
			t.Fatalf("incomplete: %+v", p)
		}
	})
}

func complete(t *testing.T, p *workflows.Problem) {
	t.Helper()
	if p == nil || p.Code == "" || p.What == "" || p.Why == "" || p.Fix == "" {
		t.Errorf("incomplete: %+v", p)
	}
}

func contains(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s = %q, want %q in it", what, text, part)
	}
}
