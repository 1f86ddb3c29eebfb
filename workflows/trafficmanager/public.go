package trafficmanager

import (
	"net/netip"
	"slices"
	"strings"
)

// reserved are networks that the Internet does not lead to, each with what it
// is. Traffic Manager refuses addresses in them.
var reserved = []struct {
	net  netip.Prefix
	what string
}{
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address of a carrier's own network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("0.0.0.0/8"), "a reserved address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("198.51.100.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "an address for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for measurements"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("::/127"), "a loopback address"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documentation"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// notPublic says what an address is that the Internet does not lead to, ""
// for a public one and for what is no address.
func notPublic(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	a = a.Unmap()
	i := slices.IndexFunc(reserved, func(r struct {
		net  netip.Prefix
		what string
	}) bool {
		return r.net.Contains(a)
	})
	if i < 0 {
		return ""
	}
	return reserved[i].what
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

const otherWay = "Publish the ingress on an address of the Hub that the Internet reaches, or go back to the first page and choose your own load balancer, which can stand inside your network."

// targetError says what is wrong with an endpoint's target, "" when nothing.
func targetError(target string, method string) string {
	what := notPublic(target)
	switch {
	case target == "":
		return "Give the public name or address of the Site's application. Deploy the application first, and it is filled in."
	case strings.Contains(target, "://") || strings.ContainsAny(target, "/ :") && !isAddress(target):
		return "Give a name or an address alone, without scheme, port and path."
	case what != "":
		return target + " is " + what + ": Traffic Manager looks from the Internet and cannot get there, so Azure refuses it. " + otherWay
	case isAddress(target):
		return ""
	case method == "MultiValue":
		return "With the method MultiValue a target must be an IP address, not a name."
	case strings.HasSuffix(target, Suffix):
		return "This is a Traffic Manager name. A target is what one Site answers on."
	case !hostName.MatchString(target):
		return "This is not a full host name, such as ratings.seattle.cloudapp.example.com."
	}
	return ""
}
