package aksengine

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

// Exit codes with a meaning.
const (
	exitPanic      = 2
	exitNotRunning = 126
	exitNotFound   = 127
	exitKilled     = 137
	exitTerminated = 143
)

var (
	responseLine = regexp.MustCompile(`^RESPONSE (\d{3}): `)
	dashes       = regexp.MustCompile(`^-{20,}\s*$`)
	imageLine    = regexp.MustCompile(`Image Publisher: ([^,]+), Offer: ([^,]+), SKU: ([^,]+), Version: (\S+)`)
	errorLine    = regexp.MustCompile(`^Error: (.*)`)
)

// FromOutput puts a failed engine command into words, from its output (both
// streams, in the order in which they came; colours allowed) and its exit
// code. It never returns nil.
func FromOutput(lines []string, exitCode int) *workflows.Problem {
	text := make([]string, len(lines))
	for i, l := range lines {
		_, text[i] = message(l)
	}
	text = withoutUsage(text)
	if p := fromResponse(text); p != nil {
		return p
	}
	said := lastError(text)
	if p := fromWords(said, text); p != nil {
		return p
	}
	if p, ok := problem.FromText(strings.Join(tail(text, 60), "\n")); ok {
		return p
	}
	return fromExit(exitCode, said, text)
}

// withoutUsage cuts the help text that the engine prints after every error.
func withoutUsage(text []string) []string {
	for i, l := range text {
		if strings.TrimSpace(l) == "Usage:" {
			return text[:i]
		}
	}
	return text
}

// fromResponse finds the last answer of Resource Manager that was printed: a
// line with the status, dashes, the JSON body, dashes.
func fromResponse(text []string) *workflows.Problem {
	for i := len(text) - 1; i >= 0; i-- {
		m := responseLine.FindStringSubmatch(text[i])
		if m == nil {
			continue
		}
		status, _ := strconv.Atoi(m[1])
		body := between(text[i+1:])
		p := problem.FromARM(status, []byte(body))
		if urn := wantedImage(text); urn != "" && strings.Contains(p.What, "image is not on this stamp") {
			p.Why += " Wanted: " + urn + "."
		}
		return p
	}
	return nil
}

// between is what stands between the next two lines of dashes.
func between(text []string) string {
	start := -1
	for i, l := range text {
		switch {
		case !dashes.MatchString(l):
		case start < 0:
			start = i + 1
		default:
			return strings.Join(text[start:i], "\n")
		}
	}
	if start >= 0 {
		return strings.Join(text[start:], "\n")
	}
	return ""
}

func wantedImage(text []string) string {
	for _, l := range text {
		if m := imageLine.FindStringSubmatch(l); m != nil {
			return strings.Join(m[1:], ":")
		}
	}
	return ""
}

func lastError(text []string) string {
	for i := len(text) - 1; i >= 0; i-- {
		if m := errorLine.FindStringSubmatch(text[i]); m != nil {
			return strings.TrimSpace(m[1])
		}
	}
	return ""
}

type saying struct {
	part           string // of the engine's error
	code           string
	what, why, fix string
}

const correctAnswer = "Correct that answer in the wizard and start again; nothing but the resource group was made."

// sayings are errors in the engine's own words, the more special ones first.
var sayings = []saying{
	{"Output directory already exists", "engine.exists", "The output folder is already there", "A former attempt left it on the helper VM, and the engine does not overwrite it by itself.", "Retry: the run goes on with the model in that folder, so that the certificates stay the same."},
	{"some VM images are missing", "engine.image", "The base image is not on this stamp", "The marketplace of the stamp does not hold the image in exactly the version that this engine needs.", "Ask the stamp's operator to download it into the marketplace (Marketplace management, Add from Azure), then retry."},
	{"Error listing registered providers", "engine.login", "The engine could not log in to the Hub", "The service principal was refused, or Resource Manager did not answer; the engine does not say which.", "Test the stack: that shows whether secret or certificate, tenant and role are right. Then retry."},
	{"Unexpected response from Get Subscription", "engine.tenant", "The engine could not find the tenant of the Hub", "Resource Manager did not answer as expected to the question which tenant it belongs to.", "Test the stack. A proxy on the way must not answer by itself. Then retry."},
	{"WWW-Authenticate not found", "engine.tenant", "The engine could not find the tenant of the Hub", "Resource Manager, or a proxy before it, left out where to log in.", "Test the stack. A proxy on the way must not remove headers. Then retry."},
	{"Unknown resource provider", "engine.provider", "A resource provider is missing on the stamp", "Compute, Network and Storage must be offered to the subscription.", "Ask the stamp's operator to put the three providers into the subscription's offer, then retry."},
	{"Unknown JSON tag", "engine.model", "The engine does not know a field of the API model", "", correctAnswer},
	{"OrchestratorProfile configuration is not supported", "engine.version", "This engine cannot make that Kubernetes version", "", "Choose one of the versions that it offers, or install the engine version that offers it on the helper VM."},
	{"portalURL needs to start with", "engine.portal", "The portal's address does not fit the region", "", "Correct the stack's portal URL or region, then start again."},
	{"--location does not match", "engine.location", "The API model is for another region", "", "Correct the stack's region, then start again."},
	{"longer supported on Azure Stack", "engine.distro", "The nodes' operating system is too old", "", correctAnswer},
	{"invalid master profile distro", "engine.distro", "The nodes' operating system is too old", "", correctAnswer},
	{"invalid agent pool profile distro", "engine.distro", "The nodes' operating system is too old", "", correctAnswer},
	{"validating API model", "engine.rule", "The engine refused the API model", "", correctAnswer},
	{"error parsing the api model: invalid character", "engine.model", "The API model is not valid JSON", "", "Start again from the wizard; the file on the helper VM was changed or cut."},
	{"key mismatch", "engine.hostkey", "The SSH host shows another host key than before", "The engine knows it by the key that it showed first. After an upgrade the first control plane VM is a new one with a new key; else somebody else may answer there.", "If the change is explained, begin anew and choose to take the host key that the host shows now."},
	{"Strict host key check failed", "engine.hostkey", "The SSH host shows another host key than before", "The engine knows it by the key that it showed first. After an upgrade the first control plane VM is a new one with a new key; else somebody else may answer there.", "If the change is explained, begin anew and choose to take the host key that the host shows now."},
	{"ssh: unable to authenticate", "engine.sshkey", "The nodes refuse the SSH key", "It is not the one that the cluster was deployed with.", "Begin anew with the private key that belongs to the public key in the API model's linuxProfile."},
	{"validating ssh configuration", "engine.ssh", "The engine could not log in to the SSH host", "", "Look whether the helper VM can resolve the name and reach its port 22, or begin anew with the public address of the cluster's load balancer."},
	{"dialing jumpbox", "engine.ssh", "The engine could not log in to the SSH host", "", "Look whether the helper VM can resolve the name and reach its port 22, or begin anew with the public address of the cluster's load balancer."},
	{"_rotate_certs_backup already exists", "engine.rotated", "A former rotation left its copies of the certificates", "", "Retry: the run finds out whether that rotation had finished."},
	{"/api/v1/", "engine.api", "The engine could not reach the cluster's API server", "", "Look on the Hub whether the control plane's VMs run, and whether the helper VM has a way to port 443 of the API server's name. Then retry: it goes on with what is there."},
	{"Node was not ready within", "engine.node", "A node did not become Ready in time", "", "Look at the node's VM and its kubelet over SSH, then retry."},
}

func fromWords(said string, text []string) *workflows.Problem {
	if said == "" {
		return nil
	}
	for _, s := range sayings {
		if !strings.Contains(said, s.part) {
			continue
		}
		// A network failure or a violated rule is wrapped in these words as well.
		p := &workflows.Problem{Code: s.code, What: s.what, Why: s.why, Fix: s.fix, Detail: said}
		if p.Why == "" {
			p.Why = innermost(said)
		}
		if urn := wantedImage(text); urn != "" && s.code == "engine.image" {
			p.Why += " Wanted: " + urn + "."
		}
		return p
	}
	return nil
}

// innermost cuts the outer words of a wrapped error of the engine.
func innermost(said string) string {
	for _, outer := range []string{"loading API model: ", "error parsing the api model: ", "validating API model after populating values: "} {
		said = strings.TrimPrefix(said, outer)
	}
	return "The engine says: " + strings.TrimRight(strings.TrimSpace(said), ".") + "."
}

func fromExit(code int, said string, text []string) *workflows.Problem {
	p := &workflows.Problem{Code: fmt.Sprintf("engine.exit.%d", code), Detail: strings.Join(tail(text, 20), "\n")}
	switch code {
	case exitPanic:
		p.What = "The engine could not reach the Hub"
		p.Why = "It crashed (exit code 2), which it does when Resource Manager does not answer or its certificate is not trusted on the helper VM."
		p.Fix = "Run the Helper VM workflow again: it tests the way to the Hub and installs its certificate. Then retry."
	case exitKilled, exitTerminated:
		p.What = "The engine was stopped on the helper VM"
		p.Why = "It got a signal: a cancel, a restart of the helper VM, or too little memory there."
		p.Fix = "Retry: it goes on with what is there."
	case exitNotRunning, exitNotFound:
		p.What = "The engine could not be started on the helper VM"
		p.Why = "Its file is missing or cannot be executed."
		p.Fix = "Run the Helper VM workflow again: it installs the engine. Then retry."
	default:
		p.What = fmt.Sprintf("The engine failed (exit code %d)", code)
		p.Why = "It gave no reason that we know; its last lines are in the log."
		if said != "" {
			p.Why = innermost(said)
		}
		p.Fix = "Read the last lines of the log, correct the cause, and retry: it goes on with what is there."
	}
	return p
}

func tail(text []string, n int) []string {
	if len(text) > n {
		return text[len(text)-n:]
	}
	return text
}
