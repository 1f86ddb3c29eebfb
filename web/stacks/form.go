package stacks

import (
	"slices"
	"strings"

	"hubwright/workflows"
)

// Fingerprint writes a SHA-256 in pairs, the way people read it to each other.
func Fingerprint(sha string) string {
	sha = strings.ToUpper(strings.ReplaceAll(sha, ":", ""))
	var b strings.Builder
	for i := 0; i < len(sha); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(sha[i:min(i+2, len(sha))])
	}
	return b.String()
}

func (p FormProps) target() string {
	if !p.full() {
		return "/stacks/discover"
	}
	return p.Form.action()
}

func (p FormProps) submit() string {
	if !p.full() {
		return "Ask the Hub"
	}
	return p.Form.submit()
}

func (p FormProps) cancelURL() string {
	if p.Form.ID != "" {
		return "/stacks/" + p.Form.ID
	}
	return "/stacks"
}

func lead(p FormProps) string {
	switch {
	case p.Form.ID != "":
		return "What is in progress goes on with what it started with."
	case p.full():
		return "The Hub was found. Now say who you are to it."
	}
	return "Start with its address. Hubwright asks the Hub for region, identity system and certificates."
}

func tenantHelp(i workflows.IdentitySystem) string {
	if i == workflows.IdentityADFS {
		return "With AD FS this is always adfs."
	}
	return "The directory's ID, as the Hub named it."
}

// rootsFirst shows the authority before the endpoint's own certificate: it is
// the better one to trust, as it outlives the other.
func rootsFirst(chain []Cert) []Cert {
	out := slices.Clone(chain)
	slices.SortStableFunc(out, func(a, b Cert) int {
		switch {
		case a.IsCA == b.IsCA:
			return 0
		case a.IsCA:
			return -1
		}
		return 1
	})
	return out
}
