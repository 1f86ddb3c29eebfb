package vm

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	w "hubwright/workflows"
)

var (
	nameForm  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,51}[a-z0-9]$`)
	groupForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.()-]{0,88}[A-Za-z0-9_()-]$`)
	labelForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,61}[a-z0-9]$`)
)

// What is proposed.
const (
	UsualSize   = "Standard_F2"
	UsualImage  = Ubuntu + ":" + UsualOffer + ":22_04-lts:latest"
	UsualSource = "10.0.0.0/8"
	UsualUser   = "azureuser"
	Ubuntu      = "Canonical" // the publisher
	UsualOffer  = "0001-com-ubuntu-server-jammy"
)

// BadName says what is wrong with a VM's name, "" for nothing.
func BadName(name string) string {
	if nameForm.MatchString(name) {
		return ""
	}
	return "Use 2 to 53 small letters, digits and hyphens, beginning with a letter, not ending with a hyphen."
}

// BadGroup says what is wrong with a resource group's name, "" for nothing.
func BadGroup(name string) string {
	if groupForm.MatchString(name) {
		return ""
	}
	return "Use 2 to 90 letters, digits, hyphens, underscores, dots or brackets, not ending with a dot."
}

// BadLabel says what is wrong with a DNS label, "" for nothing.
func BadLabel(label string) string {
	if labelForm.MatchString(label) {
		return ""
	}
	return "Use 3 to 63 small letters, digits and hyphens, beginning with a letter, not ending with a hyphen."
}

// BadSize says what is wrong with the name of a size, "" for nothing.
func BadSize(size string) string {
	if size == "" || strings.ContainsAny(size, " \t\n/") || len(size) > 64 {
		return "Choose one of the Hub's VM sizes."
	}
	return ""
}

// ReadImage reads publisher:offer:sku:version.
func ReadImage(urn string) (ref w.ImageRef, why string) {
	p := strings.Split(urn, ":")
	if len(p) != 4 || slices.Contains(p, "") || len(urn) > 300 || strings.ContainsAny(urn, " /?#\n") {
		return w.ImageRef{}, "Give publisher:offer:sku:version, such as " + UsualImage + "."
	}
	return w.ImageRef{Publisher: p[0], Offer: p[1], SKU: p[2], Version: p[3]}, ""
}

// ReadSource reads from where SSH is allowed: a range or an address.
func ReadSource(v string) (cidr, why string) {
	if addr, err := netip.ParseAddr(v); err == nil && addr.Is4() {
		v += "/32"
	}
	p, why := ReadRange(v, 0, 32)
	return Text(p), why
}

// ReadRange reads an IPv4 range whose host bits are zero.
func ReadRange(v string, minBits, maxBits int) (p netip.Prefix, why string) {
	p, err := netip.ParsePrefix(v)
	switch {
	case v == "":
		return netip.Prefix{}, "Give a range in CIDR form, such as 10.100.0.0/16."
	case err != nil || !p.Addr().Is4():
		return netip.Prefix{}, fmt.Sprintf("%q is not an IPv4 range in CIDR form, such as 10.100.0.0/16.", clip(v))
	case p.Masked() != p:
		return netip.Prefix{}, fmt.Sprintf("%s is an address inside a range; the range itself is %s.", v, p.Masked())
	case p.Bits() < minBits || p.Bits() > maxBits:
		return netip.Prefix{}, fmt.Sprintf("The part behind the slash must be %d to %d.", minBits, maxBits)
	}
	return p, ""
}

// Text is a range as it is written, "" for none.
func Text(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// clip keeps a long answer out of a message.
func clip(v string) string {
	if r := []rune(v); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return v
}
