// Package publicip plays the public IP addresses of public Azure: an address
// with a name, which is what a Traffic Manager endpoint can lead to. Nothing
// answers there by itself.
package publicip

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"hubwright/internal/sandbox/publicazure"
)

// Type is the resource type.
const Type = "Microsoft.Network/publicIPAddresses"

const (
	suffix = ".cloudapp.azure.com"
	most   = 250 // of a network with 256 addresses
)

var label = regexp.MustCompile(`^[a-z][a-z0-9-]{1,61}[a-z0-9]$`)

// Address is a public IP address.
type Address struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties properties        `json:"properties"`
}

type properties struct {
	State   string    `json:"provisioningState"`
	IP      string    `json:"ipAddress"`
	Method  string    `json:"publicIPAllocationMethod"`
	Version string    `json:"publicIPAddressVersion"`
	DNS     *dnsNames `json:"dnsSettings,omitempty"`
}

type dnsNames struct {
	Label string `json:"domainNameLabel"`
	FQDN  string `json:"fqdn"`
}

// FQDN is the address' name, "" without one.
func (a Address) FQDN() string {
	if a.Properties.DNS == nil {
		return ""
	}
	return a.Properties.DNS.FQDN
}

// Service keeps public IP addresses. It may be used from any goroutine.
type Service struct {
	azure  *publicazure.Azure
	prefix string

	changing sync.Mutex
}

// New mounts the service on public Azure. Addresses are given out below a
// prefix: "25.40.9.".
func New(azure *publicazure.Azure, prefix string) *Service {
	s := &Service{azure: azure, prefix: prefix}
	azure.Mount(publicazure.Provider{
		Namespace: "Microsoft.Network", Handler: http.HandlerFunc(s.serve),
		Versions: map[string][]string{"publicIPAddresses": {"2024-05-01", "2023-09-01", "2022-07-01", "2020-11-01", "2018-11-01"}},
	})
	return s
}

// Find is the address with a resource id.
func (s *Service) Find(id string) (a Address, ok bool) { return a, s.azure.Store.Get(id, &a) }

// Lookup is the address that a name has, "" when nothing has that name.
func (s *Service) Lookup(fqdn string) string {
	fqdn = strings.ToLower(strings.TrimSuffix(fqdn, "."))
	if !strings.HasSuffix(fqdn, suffix) {
		return ""
	}
	for _, a := range s.all(s.azure.GroupID("")) {
		if a.FQDN() == fqdn {
			return a.Properties.IP
		}
	}
	return ""
}

func (s *Service) all(prefix string) []Address {
	out := []Address{}
	for _, id := range s.azure.Store.Below(prefix) {
		if !strings.Contains(id, "/providers/"+strings.ToLower(Type)+"/") {
			continue
		}
		if a, ok := s.Find(id); ok {
			out = append(out, a)
		}
	}
	return out
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	s.changing.Lock()
	defer s.changing.Unlock()
	seg := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	i := slices.IndexFunc(seg, func(x string) bool { return strings.EqualFold(x, "providers") })
	switch rest := seg[i+2:]; {
	case len(rest) == 1 && r.Method == http.MethodGet && i == 4:
		publicazure.Answer(w, http.StatusOK, map[string]any{"value": s.all(s.azure.GroupID(seg[3]) + "/")})
	case len(rest) == 1 && r.Method == http.MethodGet:
		publicazure.Answer(w, http.StatusOK, map[string]any{"value": s.all(s.azure.GroupID(""))})
	case len(rest) == 2 && i == 4:
		s.one(w, r, s.azure.GroupID(seg[3])+"/providers/"+Type+"/"+rest[1], rest[1])
	default:
		publicazure.Fail(w, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at '%s'.", r.Method, r.URL.Path)
	}
}

func (s *Service) one(w http.ResponseWriter, r *http.Request, id, name string) {
	old, exists := s.Find(id)
	switch {
	case r.Method == http.MethodPut:
		s.put(w, r, id, name, old, exists)
	case !exists && r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	case !exists:
		publicazure.Fail(w, http.StatusNotFound, "ResourceNotFound", "The Resource '%s/%s' was not found.", Type, name)
	case r.Method == http.MethodGet:
		publicazure.Answer(w, http.StatusOK, old)
	case r.Method == http.MethodDelete:
		if _, err := s.azure.Store.Drop(id); err != nil {
			publicazure.Fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
			return
		}
		w.WriteHeader(http.StatusOK)
	default:
		publicazure.Fail(w, http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at scope '%s'.", r.Method, Type)
	}
}

func (s *Service) put(w http.ResponseWriter, r *http.Request, id, name string, old Address, exists bool) {
	var a Address
	if !publicazure.Read(w, r, &a) {
		return
	}
	status := http.StatusCreated
	a.ID, a.Name, a.Type = id, name, Type
	a.Location = strings.ToLower(strings.ReplaceAll(a.Location, " ", ""))
	a.Properties.State, a.Properties.Version, a.Properties.IP = "Succeeded", "IPv4", s.free()
	if a.Properties.Method == "" {
		a.Properties.Method = "Dynamic"
	}
	if exists {
		status, a.Properties.IP = http.StatusOK, old.Properties.IP
	}
	if a.Properties.DNS != nil {
		a.Properties.DNS.FQDN = a.Properties.DNS.Label + "." + a.Location + suffix
	}
	if code, text := s.refusal(a); code != "" {
		publicazure.Fail(w, http.StatusBadRequest, code, "%s", text)
		return
	}
	if err := s.azure.Store.Put(id, a); err != nil {
		publicazure.Fail(w, http.StatusInternalServerError, "InternalServerError", "%v", err)
		return
	}
	publicazure.Answer(w, status, a)
}

func (s *Service) refusal(a Address) (code, text string) {
	switch {
	case !publicazure.KnownRegion(a.Location):
		return "LocationNotAvailableForResourceType", fmt.Sprintf("The provided location '%s' is not available for resource type '%s'.", a.Location, Type)
	case a.Properties.IP == "":
		return "PublicIPCountLimitReached", "The sandbox has no more public IP addresses."
	case a.Properties.DNS == nil:
		return "", ""
	case !label.MatchString(a.Properties.DNS.Label):
		return "InvalidDomainNameLabel", fmt.Sprintf("The domain name label '%s' is invalid. It must have 3 to 63 small letters, digits and hyphens.", a.Properties.DNS.Label)
	}
	for _, other := range s.all(s.azure.GroupID("")) {
		if other.FQDN() == a.FQDN() && !strings.EqualFold(other.ID, a.ID) {
			return "DnsRecordInUse", fmt.Sprintf("DNS record %s is already used by another public IP.", a.FQDN())
		}
	}
	return "", ""
}

// free is an address that nothing has, "" when there is none left.
func (s *Service) free() string {
	all := s.all(s.azure.GroupID(""))
	for n := 1; n <= most; n++ {
		ip := fmt.Sprintf("%s%d", s.prefix, n)
		if !slices.ContainsFunc(all, func(a Address) bool { return a.Properties.IP == ip }) {
			return ip
		}
	}
	return ""
}
