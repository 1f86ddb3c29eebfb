package faults

import (
	"net/http"
	"slices"
)

// Preset answers the ready-made rule of a kind for one stamp ("" for all). What
// strikes a place that belongs to no stamp, such as a download, strikes all.
func Preset(kind, stamp string) (Rule, bool) {
	for _, r := range presets() {
		if r.Kind == kind {
			if r.Match.Host == "" {
				r.Match.Stamp = stamp
			}
			return r, true
		}
	}
	return Rule{}, false
}

// Kinds lists all presets, for a page or a help text.
func Kinds() []Rule { return presets() }

const (
	vmType     = "Microsoft.Compute/virtualMachines"
	scriptType = "Microsoft.Compute/virtualMachines/extensions"
	ipType     = "Microsoft.Network/publicIPAddresses"
	armPath    = `^/subscriptions/`
	writing    = `^/subscriptions/[^/]+/resourcegroups/`
	tokenPath  = `/oauth2/(v2\.0/)?token/?$`

	// downloads is the host that has the engine's archives.
	downloads = "release-assets.githubusercontent.com"
	// organizations is the host of Azure DevOps Services.
	organizations = "dev.azure.com"
)

func presets() []Rule {
	return slices.Concat(onTheWay(), onRequests(), onLogin(), onDevOps(), onSubscription(), onResources(), onMachines())
}

func onTheWay() []Rule {
	return []Rule{
		{Kind: "stamp-unreachable", Title: "The Hub's names cannot be reached",
			Match: Match{At: AtConnect}, Effect: Effect{Unreachable: true}},
		{Kind: "slow-network", Title: "Each new connection takes 20 seconds",
			Match: Match{At: AtConnect}, Effect: Effect{Delay: 20}},
		{Kind: "download-cut", Title: "The engine's release cannot be downloaded",
			Match: Match{At: AtConnect, Host: "github.com"}, Effect: Effect{Unreachable: true}},
		{Kind: "download-missing", Title: "The engine's release is not on the download site",
			Match: Match{At: AtRequest, Host: downloads}, Effect: Effect{Status: http.StatusNotFound, Message: "Not Found"}},
		{Kind: "download-damaged", Title: "The engine's release arrives damaged",
			Match: Match{At: AtRequest, Host: downloads}, Effect: Effect{Damaged: true}},
		{Kind: "tls-untrusted", Title: "The Hub shows a certificate of an authority that nobody knows",
			Match: Match{At: AtConnect, Name: `^(management|adfs)\.`}, Effect: Effect{Untrusted: true}},
		{Kind: "api-unreachable", Title: "The clusters' API servers cannot be reached",
			Match: Match{At: AtConnect, Name: `\.cloudapp\.[^:]*:443$`}, Effect: Effect{Unreachable: true}},
		{Kind: "app-unreachable", Title: "What the clusters publish cannot be reached from the Internet",
			Match: Match{At: AtConnect, Name: `(^25\.|\.cloudapp\.)[^:]*:80$`}, Effect: Effect{Unreachable: true}},
		{Kind: "connection-cut", Title: "ARM cuts the connection in place of an answer, twice",
			Match: Match{At: AtRequest, Path: armPath, Times: 2}, Effect: Effect{Unreachable: true}},
	}
}

func onRequests() []Rule {
	return []Rule{
		{Kind: "throttled", Title: "ARM answers 429 three times",
			Match: Match{At: AtRequest, Path: armPath, Times: 3},
			Effect: Effect{Status: http.StatusTooManyRequests, RetryAfter: 1, Code: "TooManyRequests",
				Message: "The request is being throttled as the limit has been reached for operation type - Read. For more information, see https://aka.ms/requestlimits."}},
		{Kind: "server-error", Title: "ARM answers 500 twice",
			Match: Match{At: AtRequest, Path: armPath, Times: 2},
			Effect: Effect{Status: http.StatusInternalServerError, Code: "InternalServerError",
				Message: "Encountered internal server error. Diagnostic information: timestamp, subscription id, tracking id and request correlation id."}},
		{Kind: "forbidden", Title: "The service principal may not write",
			Match: Match{At: AtRequest, Method: http.MethodPut, Path: writing},
			Effect: Effect{Status: http.StatusForbidden, Code: "AuthorizationFailed",
				Message: "The client does not have authorization to perform this write action over the scope, or the scope is invalid. If access was recently granted, please refresh your credentials."}},
		{Kind: "token-expired", Title: "ARM takes the access token for expired, once",
			Match: Match{At: AtRequest, Path: armPath, Times: 1},
			Effect: Effect{Status: http.StatusUnauthorized, Code: "ExpiredAuthenticationToken",
				Message: "The access token expiry UTC time is earlier than current UTC time."}},
		{Kind: "unavailable", Title: "ARM answers 503 twice",
			Match: Match{At: AtRequest, Path: armPath, Times: 2},
			Effect: Effect{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable",
				Message: "The service is temporarily unavailable. Please retry later."}},
		{Kind: "slow-arm", Title: "Each answer of ARM takes a minute",
			Match: Match{At: AtRequest, Path: armPath}, Effect: Effect{Delay: 60}},
	}
}

func onLogin() []Rule {
	return []Rule{
		{Kind: "secret-wrong", Title: "The login refuses the client secret",
			Match: Match{At: AtRequest, Method: http.MethodPost, Path: tokenPath},
			Effect: Effect{Status: http.StatusUnauthorized,
				Body: []byte(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.","error_codes":[7000215]}`)}},
		{Kind: "secret-expired", Title: "The client secret has expired",
			Match: Match{At: AtRequest, Method: http.MethodPost, Path: tokenPath},
			Effect: Effect{Status: http.StatusUnauthorized,
				Body: []byte(`{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app are expired. Create new keys for the app, or use certificate credentials.","error_codes":[7000222]}`)}},
		{Kind: "principal-disabled", Title: "The service principal was disabled in its tenant",
			Match: Match{At: AtRequest, Method: http.MethodPost, Path: tokenPath},
			Effect: Effect{Status: http.StatusUnauthorized,
				Body: []byte(`{"error":"unauthorized_client","error_description":"AADSTS7000112: Application is disabled.","error_codes":[7000112]}`)}},
		{Kind: "adfs-refused", Title: "AD FS does not accept the principal's secret or certificate",
			Match: Match{At: AtRequest, Method: http.MethodPost, Path: tokenPath},
			Effect: Effect{Status: http.StatusBadRequest,
				Body: []byte(`{"error":"invalid_client","error_description":"MSIS9622: Client authentication failed. Please verify the credential provided for client authentication is valid."}`)}},
	}
}

func onDevOps() []Rule {
	return []Rule{
		{Kind: "pat-expired", Title: "The personal access token of Azure DevOps has expired: a login page comes with status 203",
			Match: Match{At: AtRequest, Host: organizations, Path: `/_apis/?`},
			Effect: Effect{Status: http.StatusNonAuthoritativeInfo, Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
				Message: "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head></html>"}},
		{Kind: "devops-throttled", Title: "Azure DevOps answers 429 three times",
			Match:  Match{At: AtRequest, Host: organizations, Path: `/_apis/`, Times: 3},
			Effect: Effect{Status: http.StatusTooManyRequests, RetryAfter: 1, Header: map[string]string{"X-RateLimit-Remaining": "0"}, Body: []byte(`{"$id":"1","message":"TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource in namespace 'User'.","typeKey":"RequestBlockedException"}`)}},
		{Kind: "agent-offline", Title: "Agents of Azure DevOps lose their way to it",
			Match: Match{At: AtRequest, Host: organizations, Path: `/messages$`}, Effect: Effect{Unreachable: true}},
		{Kind: "endpoint-refused", Title: "Azure DevOps refuses to make a service connection, once",
			Match:  Match{At: AtRequest, Host: organizations, Method: http.MethodPost, Path: `/_apis/serviceendpoint/endpoints$`, Times: 1},
			Effect: Effect{Status: http.StatusInternalServerError, Body: []byte(`{"$id":"1","message":"TF400898: An Internal Error Occurred.","typeKey":"Exception"}`)}},
	}
}

func onSubscription() []Rule {
	few := int64(4)
	return []Rule{
		{Kind: "subscription-disabled", Title: "The subscription is disabled",
			Match: Match{At: AtSubscription}, Effect: Effect{State: "Disabled"}},
		{Kind: "quota-exceeded", Title: "The subscription may use four cores only",
			Match: Match{At: AtQuota, Name: `^cores$`}, Effect: Effect{Limit: &few}},
		{Kind: "image-missing", Title: "The AKS base image is not in the marketplace",
			Match: Match{At: AtArtifact, Name: `^microsoft-aks:aks:`}, Effect: Effect{Missing: true}},
		{Kind: "script-extension-missing", Title: "The Custom Script extension is not in the marketplace",
			Match: Match{At: AtArtifact, Name: `^Microsoft\.Azure\.Extensions:CustomScript:`}, Effect: Effect{Missing: true}},
		{Kind: "policy", Title: "A policy forbids public IP addresses",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: ipType},
			Effect: Effect{Code: "RequestDisallowedByPolicy",
				Message: "Resource was disallowed by policy. Policy identifiers: 'no-public-addresses'."}},
	}
}

func onResources() []Rule {
	return []Rule{
		{Kind: "operation-failed", Title: "Making a virtual machine fails inside the Hub",
			Match:  Match{At: AtOperation, Method: http.MethodPut, Type: vmType, Times: 1},
			Effect: Effect{Code: "InternalExecutionError", Message: "An internal execution error occurred. Please retry later."}},
		{Kind: "allocation-failed", Title: "The Hub has no room for another virtual machine",
			Match:  Match{At: AtOperation, Method: http.MethodPut, Type: vmType},
			Effect: Effect{Code: "AllocationFailed", Message: "Allocation failed. We do not have sufficient capacity for the requested VM size in this region."}},
		{Kind: "provisioning-timeout", Title: "A virtual machine starts but never reports",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: vmType, Times: 1},
			Effect: Effect{Delay: 600, Code: "OSProvisioningTimedOut",
				Message: "OS Provisioning did not finish in the allotted time. The VM may still finish provisioning successfully. Please check provisioning state later."}},
		{Kind: "script-failed", Title: "The first control plane node's script ends with exit code 50 (no way out to the Internet)",
			Match:  Match{At: AtOperation, Method: http.MethodPut, Type: scriptType, Name: `cse-master-0$`},
			Effect: Effect{ExitCode: 50}},
		{Kind: "stuck-creating", Title: "A virtual machine stays in Creating until this is lifted",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: vmType, Times: 1}, Effect: Effect{Stuck: true}},
		{Kind: "slow-vm", Title: "Each virtual machine takes ten minutes longer",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: vmType}, Effect: Effect{Delay: 600}},
		{Kind: "delete-failed", Title: "Deleting a virtual machine fails",
			Match:  Match{At: AtOperation, Method: http.MethodDelete, Type: vmType, Times: 1},
			Effect: Effect{Code: "InternalExecutionError", Message: "An internal execution error occurred while deleting the VM."}},
		{Kind: "dns-label-taken", Title: "The DNS label belongs to another public IP",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: ipType},
			Effect: Effect{Code: "DnsRecordInUse",
				Message: "DNS record is already used by another public IP."}},
		{Kind: "size-not-available", Title: "The Hub does not offer the size of a virtual machine any more",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: vmType},
			Effect: Effect{Code: "SkuNotAvailable",
				Message: "The requested size for resource is currently not available in this location. Please try another size or deploy to a different location."}},
		{Kind: "network-busy", Title: "Somebody else changes the same network just now, once",
			Match: Match{At: AtOperation, Method: http.MethodPut, Type: "Microsoft.Network/virtualNetworks", Times: 1},
			Effect: Effect{Code: "AnotherOperationInProgress",
				Message: "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri in the Azure-AsyncOperation header."}},
	}
}

func onMachines() []Rule {
	return []Rule{
		{Kind: "ssh-refused", Title: "Machines close SSH connections before they say a word",
			Match: Match{At: AtSSH}, Effect: Effect{Unreachable: true}},
		{Kind: "ssh-cut", Title: "SSH connections break when they are a minute old",
			Match: Match{At: AtSSH}, Effect: Effect{CutAfter: 60}},
		{Kind: "host-key-changed", Title: "Machines show another SSH host key",
			Match: Match{At: AtSSH}, Effect: Effect{OtherKey: true}},
		{Kind: "disk-full", Title: "The disks of the helper VMs are full",
			Match: Match{At: AtDisk}, Effect: Effect{Full: true}},
		{Kind: "node-never-ready", Title: "A node joins its cluster and does not get Ready until this is lifted",
			Match: Match{At: AtNode, Times: 1}, Effect: Effect{Stuck: true}},
		{Kind: "budget-blocks", Title: "A disruption budget lets no pod go from any node",
			Match: Match{At: AtCluster}, Effect: Effect{Frozen: true}},
	}
}
