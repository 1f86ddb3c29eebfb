package problem

import (
	"fmt"
	"regexp"
	"strings"
)

// words are what we say about an error code.
type words struct {
	what, why, fix, link string
	told                 bool                        // the Hub's own message belongs to the reason
	facts                func(message string) string // numbers and names from the message
}

const (
	docPrereq = "https://learn.microsoft.com/azure-stack/user/azure-stack-kubernetes-aks-engine-set-up"
	docQuota  = "https://learn.microsoft.com/azure-stack/operator/azure-stack-quota-types"
	docEngine = "https://github.com/Azure/aks-engine-azurestack/blob/master/docs/topics/azure-stack.md"
)

const askOperator = "Ask the stamp's operator to look at the alerts of the region; then try again."

// armCodes is by code in lower case.
var armCodes = map[string]words{
	// Who may do it.
	"invalidauthenticationtoken":           tokenRefused,
	"invalidauthenticationtokentenant":     tokenRefused,
	"invalidauthenticationtokenaudience":   tokenRefused,
	"authenticationfailed":                 tokenRefused,
	"authenticationfailedmissingtoken":     tokenRefused,
	"expiredauthenticationtoken":           {what: "The Hub takes our login for expired", why: "The access token's time is over for the Hub: the clocks of this server and of the stamp disagree, or the Hub's keys were changed.", fix: "Retry: it logs in anew. If it happens again, compare the clocks of this server and of the stamp."},
	"authorizationfailed":                  {what: "The service principal may not do this", why: "It can log in, but has no role that allows this action.", fix: "Give the service principal the Contributor role on the subscription in the user portal (Access control), wait a few minutes, and try again.", link: docPrereq, facts: forbiddenAction},
	"linkedauthorizationfailed":            {what: "The service principal may not use a resource that this refers to", why: "The resource (often a subnet of an own virtual network) lies where the principal has no role.", fix: "Give the service principal the Contributor role on that resource's group as well.", told: true},
	"requestdisallowedbypolicy":            {what: "A policy of the subscription forbids this", why: "An administrator set a policy that refuses such a resource.", fix: "Ask who runs the subscription for an exception, or change names, tags or region as the policy wants.", told: true},
	"scopelocked":                          {what: "A lock stops this change", why: "The resource or its group carries a read-only or delete lock.", fix: "Remove the lock in the user portal, then try again.", told: true},
	"readonlydisabledsubscription":         {what: "The subscription is disabled", why: "A disabled subscription is read-only.", fix: "Ask the stamp's operator to enable the subscription."},
	"subscriptionnotfound":                 subscriptionMissing,
	"invalidsubscriptionid":                subscriptionMissing,
	"subscriptionnotregistered":            providerMissing,
	"missingsubscriptionregistration":      providerMissing,
	"noregisteredproviderfound":            {what: "The stamp does not know this kind of resource in this version", why: "The API version or the location is not one that this Azure Stack Hub offers.", fix: "Check that the region of the stack is spelled as the stamp spells it, and that the stamp runs a supported build (2102 or newer).", told: true},
	"missingapiversionparameter":           {what: "The request had no API version", why: "Something between this server and the Hub changed the request.", fix: "Look at the proxy on the way: it must not rewrite requests."},
	"invalidapiversionparameter":           {what: "The stamp does not know this API version", why: "The build of this Azure Stack Hub is older than the API profile 2020-09-01.", fix: "The stamp must run build 2102 or newer.", told: true},
	"locationnotavailableforresourcetype":  {what: "The region is not one of this stamp", why: "The location in the request is not the stamp's region.", fix: "Correct the region of the stack (it is the part behind management. in the ARM endpoint).", told: true},
	"locationnotavailableforresourcegroup": {what: "The region is not one of this stamp", why: "The location in the request is not the stamp's region.", fix: "Correct the region of the stack (it is the part behind management. in the ARM endpoint).", told: true},

	// What is not there.
	"resourcegroupnotfound":      {what: "The resource group does not exist", why: "It was deleted, or is in another subscription.", fix: "Check the name of the resource group and the subscription of the stack.", told: true},
	"resourcenotfound":           {what: "Something that should be there is not", why: "The resource does not exist on the stamp, or was deleted by somebody.", fix: "Look in the user portal who deleted it, then run the workflow again: it makes what is missing.", told: true},
	"notfound":                   {what: "Something that should be there is not", why: "The resource does not exist on the stamp, or was deleted by somebody.", fix: "Look in the user portal who deleted it, then run the workflow again: it makes what is missing.", told: true},
	"deploymentnotfound":         {what: "The deployment is not there", why: "The Hub has not taken it yet, or somebody deleted it.", fix: "Retry: it is sent again.", told: true},
	"parentresourcenotfound":     {what: "The resource that this belongs to is not there", why: "It was deleted while the work went on.", fix: "Run the workflow again: it makes what is missing.", told: true},
	"invalidresourcereference":   {what: "A resource refers to another one that is not there", why: "The referred resource was deleted, or was never made.", fix: "Check own subnets and their ids, then try again.", told: true},
	"platformimagenotfound":      {what: "The image is not on this stamp", why: "The marketplace of the stamp does not hold exactly this version of the image.", fix: "Ask the stamp's operator to download the image in exactly this version into the marketplace (Marketplace management, Add from Azure), then try again.", link: docPrereq, facts: imageName},
	"imagenotfound":              {what: "The image is not on this stamp", why: "The marketplace of the stamp does not hold exactly this version of the image.", fix: "Ask the stamp's operator to download the image in exactly this version into the marketplace (Marketplace management, Add from Azure), then try again.", link: docPrereq, facts: imageName},
	"vmextensionhandlernotfound": {what: "The VM extension is not on this stamp", why: "The marketplace of the stamp does not hold Custom Script for Linux 2.0.", fix: "Ask the stamp's operator to download \"Custom Script for Linux 2.0\" into the marketplace, then try again.", link: docPrereq, told: true},
	"artifactnotfound":           {what: "An image or extension is not on this stamp", why: "The marketplace of the stamp does not hold it.", fix: "Ask the stamp's operator to download it into the marketplace, then try again.", link: docPrereq, told: true},

	// What does not fit.
	"quotaexceeded":                    quota,
	"operationnotallowed":              quota,
	"operationnotallowed.other":        {what: "The Hub does not allow this now", why: "The resource is in a state or of a kind in which this cannot be done.", fix: "Look at the resource in the user portal; when nothing else works on it, try again.", told: true},
	"deploymentquotaexceeded":          {what: "The resource group's deployment history is full", why: "ARM keeps at most 800 deployments a resource group.", fix: "Delete old entries under Deployments of the resource group in the user portal, then try again."},
	"publicipcountlimitreached":        quota,
	"networkinglimitreached":           quota,
	"subnetisfull":                     {what: "The subnet has no free address", why: "More nodes are wanted than the subnet has addresses.", fix: "Use a larger subnet or fewer nodes.", told: true},
	"skunotavailable":                  {what: "The VM size is not available", why: "This stamp does not offer the size, or the operator took it out.", fix: "Choose another VM size from the list that the wizard shows for this stamp.", told: true},
	"allocationfailed":                 {what: "The stamp has no room for the VM", why: "Its hosts have not enough free memory or cores for this size, though the quota would allow it.", fix: "Choose a smaller size or fewer nodes, or ask the stamp's operator to free capacity.", told: true},
	"zonalallocationfailed":            {what: "The stamp has no room for the VM", why: "Its hosts have not enough free memory or cores for this size, though the quota would allow it.", fix: "Choose a smaller size or fewer nodes, or ask the stamp's operator to free capacity.", told: true},
	"overconstrainedallocationrequest": {what: "The stamp has no room for the VM", why: "No host fits size, availability set and disks together.", fix: "Choose another size, or ask the stamp's operator to free capacity.", told: true},
	"invalidtemplate":                  {what: "The Hub refused the deployment's template", why: "Its validation found a value or a reference that does not fit.", fix: "Correct the answer that the message names (sizes and names most often), then try again.", told: true},
	"invalidtemplatedeployment":        {what: "The Hub refused the deployment before it began", why: "Its validation found something that cannot work.", fix: "Correct what the message names, then try again.", told: true},
	"deploymentfailed":                 {what: "The deployment failed", why: "At least one of its resources could not be made; ARM gave no further reason.", fix: "Open the resource group's Deployments in the user portal, look at the failed operation, correct it, and retry."},
	"resourcedeploymentfailure":        {what: "A resource could not be made", why: "It ended in the state Failed; ARM gave no further reason.", fix: "Look at the resource in the user portal, then retry.", told: true},
	"invalidparameter":                 {what: "The Hub refused a value", why: "", fix: "Correct the value, then try again. A VM size must be one that this stamp offers.", told: true},
	"invalidrequestcontent":            {what: "The Hub did not understand the request", why: "", fix: "Correct the value that the message names, then try again.", told: true},
	"invalidrequestformat":             {what: "The Hub did not understand the request", why: "", fix: "Correct the value that the message names, then try again.", told: true},
	"linkedinvalidpropertyid":          {what: "An id in the request has not the form of a resource id", why: "", fix: "Correct the subnet's id: it begins with /subscriptions/ and ends with /subnets/<name>.", told: true},
	"badrequest":                       {what: "The Hub refused the request", why: "", fix: "Correct what the message names, then try again.", told: true},

	// What is in the way.
	"conflict":                                 {what: "Something else is in the way", why: "", fix: "Wait until other work on the resource has ended, then try again.", told: true},
	"anotheroperationinprogress":               {what: "Something else works on this resource just now", why: "The Hub does one change after another on a network and what hangs on it.", fix: "Wait a minute and try again.", told: true},
	"retryableerror":                           {what: "The Hub was busy with the same resource", why: "A change that it depends on had not ended.", fix: "Wait a minute and try again.", told: true},
	"deploymentactive":                         {what: "A deployment of the same name still runs", why: "The former attempt goes on inside the Hub.", fix: "Wait until it has ended (see Deployments of the resource group), then retry.", told: true},
	"resourcegroupbeingdeleted":                {what: "The resource group is being deleted", why: "Nothing can be made in it until that has ended.", fix: "Wait until it is gone, or choose another name.", told: true},
	"dnsrecordinuse":                           {what: "The DNS name is taken", why: "Another public IP address of this region already has the label.", fix: "Choose another DNS prefix or label, or delete the public IP address that holds it.", told: true},
	"publicipaddressinuse":                     {what: "The public IP address is in use", why: "Another network interface or load balancer holds it.", fix: "Free the address in the user portal, or choose another name.", told: true},
	"privateipaddressinuse":                    {what: "A private address is in use", why: "Another network interface in the subnet holds an address that the control plane wants.", fix: "Choose another first static IP address, or free the range.", told: true},
	"privateipaddressnotinsubnet":              {what: "The first static IP address is outside the subnet", why: "", fix: "Choose an address inside the control plane's subnet with room for all control plane nodes.", told: true},
	"subnetsnotinsamevnet":                     {what: "The subnets are in different virtual networks", why: "All parts of a cluster must be in one virtual network.", fix: "Choose subnets of one virtual network for the control plane and all pools.", told: true},
	"netcfginvalidsubnet":                      {what: "The subnet does not fit its virtual network", why: "Its range is outside the network's range or overlaps with another subnet.", fix: "Correct the address ranges, then try again.", told: true},
	"netcfgsubnetrangesoverlap":                {what: "Two subnets overlap", why: "Their address ranges have addresses in common.", fix: "Correct the address ranges, then try again.", told: true},
	"inusesubnetcannotbedeleted":               {what: "The subnet cannot be deleted", why: "Network interfaces are still in it.", fix: "Delete what uses the subnet first.", told: true},
	"networksecuritygroupinusecannotbedeleted": {what: "The network security group cannot be deleted", why: "A subnet or network interface still uses it.", fix: "Take it off the subnet or network interface first.", told: true},

	// What went wrong while making.
	"vmextensionprovisioningerror":        {what: "A VM's set-up script failed", why: "The VM was made, but the script that makes a node of it ended with an error.", fix: "Read /var/log/azure/cluster-provision.log on that VM over SSH, correct the cause, and retry.", link: docEngine, told: true},
	"vmextensionprovisioningtimeout":      {what: "A VM's set-up script did not end in time", why: "It waits for something that never comes: often a download, or the API server.", fix: "Read /var/log/azure/cluster-provision.log on that VM over SSH, check that nodes reach what they download, and retry.", link: docEngine, told: true},
	"vmextensionhandlernontransienterror": {what: "The VM's agent could not run the set-up script", why: "The extension on the VM reported an error of its own.", fix: "Look at the extension of the VM in the user portal, then retry.", told: true},
	"osprovisioningtimedout":              {what: "A VM did not come up in time", why: "The operating system did not report that it had started; the stamp is slow or the image does not fit.", fix: "Retry once. If it stays, ask the stamp's operator to look at the load of the hosts and at the image.", told: true},
	"osprovisioningclienterror":           {what: "A VM did not come up", why: "The operating system could not apply its first configuration.", fix: "Check the admin user's name and the SSH key, then retry.", told: true},
	"osprovisioninginternalerror":         {what: "A VM did not come up", why: "The Hub failed to prepare the operating system.", fix: "Retry once; if it stays, ask the stamp's operator.", told: true},
	"vmagentstatuscommunicationerror":     {what: "A VM's agent does not report", why: "The VM started, but its agent does not reach the Hub.", fix: "Check network security groups and routes of the subnet, then retry.", told: true},
	"vmstarttimedout":                     {what: "A VM did not start in time", why: "The stamp's hosts are overloaded or being updated.", fix: askOperator, told: true},
	"internalexecutionerror":              {what: "The Hub failed at a VM", why: "Its compute service had an error inside.", fix: askOperator, told: true},
	"networkinginternaloperationerror":    {what: "The Hub failed at the network", why: "Its network service had an error inside.", fix: askOperator, told: true},
	"internalservererror":                 {what: "The Hub had an error inside", why: "Its Resource Manager could not answer.", fix: askOperator + " A stamp that is being updated answers like this for a while."},
	"serverbusy":                          {what: "The Hub is too busy", why: "Its Resource Manager turned the request away.", fix: "Wait a few minutes and try again."},
	"servertimeout":                       {what: "The Hub did not answer in time", why: "Its Resource Manager waited too long for one of its parts.", fix: "Wait a few minutes and try again. " + askOperator},
	"serviceunavailable":                  {what: "The Hub is not available just now", why: "Its Resource Manager is being updated or restarted.", fix: "Wait a few minutes and try again. " + askOperator},
	"gatewaytimeout":                      {what: "The Hub did not answer in time", why: "Its Resource Manager waited too long for one of its parts.", fix: "Wait a few minutes and try again. " + askOperator},
	"toomanyrequests":                     throttled,
	"subscriptionrequeststhrottled":       throttled,
	"operationpreempted":                  {what: "Another change took precedence", why: "Somebody changed the same resource at the same time.", fix: "Look who did, then retry.", told: true},
	"canceled":                            {what: "The deployment was cancelled on the Hub", why: "Somebody cancelled it in the portal, or it was replaced.", fix: "Retry when nobody else works on the resource group."},
}

var (
	tokenRefused        = words{what: "The Hub does not accept our login", why: "The token is missing, expired or made for another stamp or tenant.", fix: "Test the stack: check tenant, identity system and the service principal, and that the clocks of this server and of the stamp agree."}
	subscriptionMissing = words{what: "The subscription is not there", why: "The id is wrong, belongs to another stamp, or the service principal cannot see it.", fix: "Copy the subscription's id from the user portal of this stamp, and give the service principal the Contributor role on it."}
	providerMissing     = words{what: "A resource provider is not registered", why: "The subscription has not been told yet that it may use this kind of resource.", fix: "Run the stack's test: it registers Microsoft.Compute, Microsoft.Network and Microsoft.Storage; or register it in the user portal under Resource providers.", told: true}
	quota               = words{what: "The subscription's quota is too small", why: "More is wanted than the plan of the subscription allows.", fix: "Ask the stamp's operator to raise the quota, delete what is not needed, or choose fewer or smaller VMs. A raised quota can take up to two hours to count.", link: docQuota, facts: quotaNumbers}
	throttled           = words{what: "The Hub slows us down", why: "Too many requests came in a short time, from us or from others with the same service principal.", fix: "Wait a few minutes and try again. If it comes often, give each site its own service principal."}
)

var (
	quotaOld   = regexp.MustCompile(`quota limits? of ([\w ]+?)\.? Maximum allowed: (\d+), Current in use: (\d+), Additional requested: (\d+)`)
	quotaNew   = regexp.MustCompile(`exceeding approved (.+?) quota\b.*?Current Limit: (\d+), Current Usage: (\d+), Additional Required: (\d+)`)
	deniedDo   = regexp.MustCompile(`perform action '([^']+)'`)
	deniedOver = regexp.MustCompile(`over scope '([^']+)'`)
	urn        = regexp.MustCompile(`'([\w.-]+:[\w.-]+:[\w.-]+:[\w.-]+)'`)
)

func quotaNumbers(message string) string {
	for _, re := range []*regexp.Regexp{quotaOld, quotaNew} {
		if m := re.FindStringSubmatch(message); m != nil {
			return fmt.Sprintf("%s: %s allowed, %s in use, %s more wanted.", m[1], m[2], m[3], m[4])
		}
	}
	return sentence(message)
}

func forbiddenAction(message string) string {
	m := deniedDo.FindStringSubmatch(message)
	if m == nil {
		return sentence(message)
	}
	if over := deniedOver.FindStringSubmatch(message); over != nil {
		return fmt.Sprintf("Refused: %s on %s.", m[1], over[1])
	}
	return "Refused: " + m[1] + "."
}

func imageName(message string) string {
	if m := urn.FindStringSubmatch(message); m != nil {
		return "Wanted: " + m[1] + "."
	}
	if strings.HasPrefix(message, "Artifact:") {
		return ""
	}
	return sentence(message)
}
