package operate

import (
	"fmt"
	"strings"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// Plural counts: "1 node", "3 nodes".
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Capital makes a sentence's first letter a capital one, unless it begins with
// a name.
func Capital(text string) string {
	if strings.HasPrefix(text, "the ") {
		return "T" + text[1:]
	}
	return text
}

// VMOf shortens <vm>/<extension> to the VM, whose set-up it is.
func VMOf(resource string) string {
	vm, _, _ := strings.Cut(resource, "/")
	return vm
}

// ProblemOf is why a resource could not be made. Of a node's set-up script the
// VM is known here, by its own name.
func ProblemOf(o w.DeploymentOperation) *w.Problem {
	p := problem.FromARMJSON(o.Message)
	var code int
	if n, _ := fmt.Sscanf(p.Code, "cse.%d", &code); n == 1 {
		detail := p.Detail
		p = problem.FromCSE(code, VMOf(o.ResourceName))
		p.Detail = detail
	}
	return p
}

// Some names the first few of many.
func Some(all []string) string {
	const most = 6
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
