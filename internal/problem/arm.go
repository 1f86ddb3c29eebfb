package problem

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hubwright/workflows"
)

// FromARM is the Problem of an answer of Azure Resource Manager (or of a
// token service) that is not a success. Status is the HTTP status, 0 when
// there is none. It never returns nil.
func FromARM(status int, body []byte) *workflows.Problem {
	var doc any
	if err := json.Unmarshal(trimBOM(body), &doc); err != nil {
		return fromStatus(status, clip(strings.TrimSpace(string(body))))
	}
	if p, ok := fromToken(tokenText(doc)); ok {
		return p
	}
	leaves := dig(doc, 0, nil)
	if len(leaves) == 0 {
		return fromStatus(status, clip(string(trimBOM(body))))
	}
	return pick(leaves).problem(status)
}

// FromARMJSON is FromARM for an error document without an HTTP status, such
// as a deployment operation's status message.
func FromARMJSON(doc string) *workflows.Problem { return FromARM(0, []byte(doc)) }

// leaf is a code and message somewhere in an error document.
type leaf struct {
	depth         int
	code, message string
}

const maxDepth = 20 // documents nest five deep; this only stops a hostile one

// dig collects every code and message, descending into "error", "details",
// "innererror" and into messages that are JSON themselves.
func dig(node any, depth int, found []leaf) []leaf {
	if depth > maxDepth {
		return found
	}
	switch n := node.(type) {
	case []any:
		for _, item := range n {
			found = dig(item, depth+1, found)
		}
	case map[string]any:
		code, _ := field(n, "code").(string)
		message, _ := field(n, "message").(string)
		inner, isJSON := innerJSON(message)
		if code != "" && !isJSON {
			found = append(found, leaf{depth, code, message})
		}
		if isJSON {
			found = dig(inner, depth+1, found)
		}
		for _, key := range []string{"error", "details", "innererror", "statusMessage", "properties"} {
			child := field(n, key)
			if text, ok := child.(string); ok {
				child, _ = innerJSON(text)
			}
			found = dig(child, depth+1, found)
		}
	}
	return found
}

// field reads a key without regard to case, as ARM writes both.
func field(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

func innerJSON(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	var doc any
	if json.Unmarshal([]byte(text), &doc) != nil {
		return nil, false
	}
	return doc, true
}

// wrappers say only that something inside failed.
var wrappers = []string{"DeploymentFailed", "InvalidTemplateDeployment", "ResourceDeploymentFailure", "Conflict", "BadRequest", "MultipleErrorsOccurred", "PreconditionFailed"}

// pick prefers, in this order, a code that we know and that is no wrapper, any
// code that is no wrapper, and what lies deepest.
func pick(leaves []leaf) leaf {
	best, bestRank := leaves[0], -1
	for _, l := range leaves {
		rank := l.depth
		if !slices.Contains(wrappers, l.code) {
			rank += 100
			if _, known := armCodes[strings.ToLower(l.code)]; known {
				rank += 100
			}
		}
		if rank > bestRank {
			best, bestRank = l, rank
		}
	}
	return best
}

func (l leaf) problem(status int) *workflows.Problem {
	if p, ok := fromToken(l.message); ok {
		return p
	}
	detail := strings.TrimSpace(l.code + ": " + l.message)
	if l.code == "VMExtensionProvisioningError" {
		if code, vm, ok := cseExit(l.message); ok {
			p := FromCSE(code, vm)
			p.Detail = clip(detail)
			return p
		}
	}
	w, known := armCodes[strings.ToLower(l.code)]
	if l.code == "NotFound" && strings.Contains(l.message, "VMImage") {
		w, known = armCodes["platformimagenotfound"], true
	}
	if l.code == "OperationNotAllowed" && !strings.Contains(strings.ToLower(l.message), "quota") {
		w, known = armCodes["operationnotallowed.other"], true
	}
	if !known {
		p := fromStatus(status, "")
		p.Code, p.Detail = "arm."+l.code, clip(detail)
		p.Why = sentence(fmt.Sprintf("The Hub answered %s: %s", l.code, l.message))
		return p
	}
	why := w.why
	if w.told && l.message != "" {
		why = strings.TrimSpace(why + " " + sentence(l.message))
	}
	if w.facts != nil {
		if extra := w.facts(l.message); extra != "" {
			why = strings.TrimSpace(why + " " + extra)
		}
	}
	return &workflows.Problem{Code: "arm." + l.code, What: w.what, Why: why, Fix: w.fix, Detail: clip(detail), Link: w.link}
}

func fromStatus(status int, body string) *workflows.Problem {
	p := &workflows.Problem{Code: "arm.unknown", Detail: body}
	switch {
	case status == 0:
		p.What, p.Fix = "The Hub reported an error", "Try again. If it stays, show the technical detail to the stamp's operator."
	case status == http.StatusUnauthorized:
		return wordsOf("InvalidAuthenticationToken").as("arm.401", body)
	case status == http.StatusForbidden:
		return wordsOf("AuthorizationFailed").as("arm.403", body)
	case status == http.StatusNotFound:
		return wordsOf("ResourceNotFound").as("arm.404", body)
	case status == http.StatusTooManyRequests:
		return wordsOf("TooManyRequests").as("arm.429", body)
	case status == http.StatusProxyAuthRequired:
		p.What, p.Fix = "The HTTPS proxy wants a login", "Give the stack a proxy that lets this server through without one."
	case status >= 500:
		return wordsOf("InternalServerError").as("arm."+strconv.Itoa(status), body)
	default:
		p.What, p.Fix = "The Hub refused the request", "Correct what the reason names, then try again."
	}
	if status != 0 {
		p.Code = "arm." + strconv.Itoa(status)
		p.Why = sentence(strings.TrimSpace(fmt.Sprintf("The answer was HTTP %d %s", status, http.StatusText(status))))
	} else if body != "" {
		p.Why = sentence(firstLine(body))
	}
	return p
}

func wordsOf(code string) words { return armCodes[strings.ToLower(code)] }

func (w words) as(code, detail string) *workflows.Problem {
	return &workflows.Problem{Code: code, What: w.what, Why: w.why, Fix: w.fix, Link: w.link, Detail: detail}
}

var (
	exitStatus  = regexp.MustCompile(`exit(?:ed)?(?: with)?(?: code| status)?[ =:]+(\d{1,3})\b`)
	cseName     = regexp.MustCompile(`extension '([^']+)'`)
	cseNodeName = regexp.MustCompile(`^(?:.*/)?cse-(master|agent)-(\d+)$`)
)

// cseExit reads the exit code of a node's set-up script, and which node.
func cseExit(message string) (code int, vm string, ok bool) {
	m := exitStatus.FindStringSubmatch(message)
	if m == nil {
		return 0, "", false
	}
	code, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, "", false
	}
	if n := cseName.FindStringSubmatch(message); n != nil {
		vm = nodeOf(n[1])
	}
	return code, vm, true
}

func nodeOf(extension string) string {
	m := cseNodeName.FindStringSubmatch(extension)
	switch {
	case m == nil:
		return extension
	case m[1] == "master":
		return "control plane node " + m[2]
	default:
		return "worker node " + m[2]
	}
}

func trimBOM(b []byte) []byte {
	return []byte(strings.TrimPrefix(string(b), "\ufeff"))
}

const maxDetail = 4000 // characters; the log has the rest

func clip(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	return strings.ToValidUTF8(s[:maxDetail], "") + " …"
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}

// sentence ends text with a stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") {
		return text
	}
	return strings.TrimRight(text, ":;,") + "."
}
