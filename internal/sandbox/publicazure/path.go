package publicazure

import "strings"

// path is a request's path in pieces, as sent.
type path []string

func split(s string) path { return strings.Split(strings.Trim(s, "/"), "/") }

// at is a piece, "" beyond the end.
func (p path) at(i int) string {
	if i < 0 || i >= len(p) {
		return ""
	}
	return p[i]
}

// has says whether the path begins with these pieces, in any case; "*" is any.
func (p path) has(pieces ...string) bool {
	for i, s := range pieces {
		if i >= len(p) || s != "*" && !strings.EqualFold(p[i], s) {
			return false
		}
	}
	return true
}

func (p path) is(pieces ...string) bool { return len(p) == len(pieces) && p.has(pieces...) }

// group is the resource group that the path is in, "" when it is in none.
func (p path) group() string {
	if p.has("subscriptions", "*", "resourceGroups", "*") {
		return p[3]
	}
	return ""
}

// provider is where "providers" stands, -1 when it doesn't.
func (p path) provider() int {
	for _, i := range []int{0, 2, 4} {
		if strings.EqualFold(p.at(i), "providers") {
			return i
		}
	}
	return -1
}

func (p path) namespace() string {
	if i := p.provider(); i >= 0 {
		return p.at(i + 1)
	}
	return ""
}

// first is the top type that the path speaks of: trafficManagerProfiles.
func (p path) first() string {
	if i := p.provider(); i >= 0 {
		return p.at(i + 2)
	}
	return ""
}

// kind is the whole resource type with its namespace.
func (p path) kind() string {
	i := p.provider()
	if i < 0 {
		if p.group() != "" {
			return "Microsoft.Resources/subscriptions/resourceGroups"
		}
		return "Microsoft.Resources/subscriptions"
	}
	out := p.at(i + 1)
	for j := i + 2; j < len(p); j += 2 {
		out += "/" + p[j]
	}
	return out
}
