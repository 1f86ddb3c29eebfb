package workflows

import "regexp"

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// IsDNSLabel says whether Kubernetes takes a name for a namespace, a service
// account or a Secret: a label of RFC 1123, at most 63 letters long.
func IsDNSLabel(name string) bool { return dnsLabel.MatchString(name) }
