package azurestack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	w "hubwright/workflows"
)

// Discover asks a Hub who it is: its metadata document, and for Entra ID the
// tenant from ARM's 401 challenge. The region is the one in the endpoint's
// name. caBundle and httpsProxy are as in a Stack.
func Discover(ctx context.Context, armEndpoint, caBundle, httpsProxy string) (w.HubMetadata, string, error) {
	base, region, err := splitEndpoint(armEndpoint)
	if err != nil {
		return w.HubMetadata{}, "", err
	}
	t, err := newTransporter(caBundle, httpsProxy)
	if err != nil {
		return w.HubMetadata{}, "", err
	}
	defer t.close()
	doc, err := askMetadata(ctx, t, base)
	if err != nil {
		return w.HubMetadata{}, region, err
	}
	meta := w.HubMetadata{
		Identity:      identityOf(doc.Authentication.LoginEndpoint),
		LoginEndpoint: doc.Authentication.LoginEndpoint,
		Audience:      strings.TrimSuffix(doc.Authentication.Audiences[0], "/.default"),
		GraphEndpoint: doc.GraphEndpoint,
		PortalURL:     doc.PortalEndpoint,
	}
	if meta.PortalURL == "" {
		meta.PortalURL = "https://portal." + strings.TrimPrefix(hostOf(base), "management.") + "/"
	}
	if meta.Identity == w.IdentityADFS {
		meta.TenantID = "adfs"
		return meta, region, nil
	}
	meta.TenantID, err = askTenant(ctx, t, base)
	return meta, region, err
}

// splitEndpoint cleans https://management.<region>.<fqdn>.
func splitEndpoint(armEndpoint string) (base, region string, err error) {
	u, perr := url.Parse(strings.TrimSpace(armEndpoint))
	bad := func(why string) error {
		return &w.Problem{
			Code: "stack.endpoint",
			What: "The ARM endpoint is not one of an Azure Stack Hub",
			Why:  why,
			Fix:  "Give it as https://management.<region>.<fqdn>. The Hub's operator knows it; the portal's address has the same ending.",
		}
	}
	switch {
	case perr != nil:
		return "", "", bad(fmt.Sprintf("%q is not an address.", armEndpoint))
	case u.Scheme != "https":
		return "", "", bad("It does not begin with https://.")
	case u.User != nil:
		return "", "", bad("It holds a user name or password.")
	}
	labels := strings.Split(u.Hostname(), ".")
	if len(labels) < 4 || labels[0] != "management" {
		return "", "", bad(fmt.Sprintf("The name %q does not begin with management.<region>.", u.Hostname()))
	}
	return "https://" + u.Host, labels[1], nil
}

type metadataDoc struct {
	GalleryEndpoint string `json:"galleryEndpoint"`
	GraphEndpoint   string `json:"graphEndpoint"`
	PortalEndpoint  string `json:"portalEndpoint"`
	Authentication  struct {
		LoginEndpoint string   `json:"loginEndpoint"`
		Audiences     []string `json:"audiences"`
	} `json:"authentication"`
}

// askMetadata tries the two versions of the document that stamps are known to
// answer.
func askMetadata(ctx context.Context, t *transporter, base string) (metadataDoc, error) {
	var last error
	for _, version := range []string{"2015-01-01", "1.0"} {
		resp, body, err := t.get(ctx, base+"/metadata/endpoints?api-version="+version)
		if err != nil {
			return metadataDoc{}, err
		}
		if resp.StatusCode != http.StatusOK {
			last = metadataProblem(base, fmt.Sprintf("It answered %s to /metadata/endpoints.", resp.Status))
			continue
		}
		doc, why := parseMetadata(body)
		if why == "" {
			return doc, nil
		}
		last = metadataProblem(base, why)
	}
	return metadataDoc{}, last
}

// parseMetadata reads the document in the shapes in which stamps send it: an
// object or an array of one, with or without a byte order mark. why says what is wrong with it.
func parseMetadata(body []byte) (doc metadataDoc, why string) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	var err error
	if bytes.HasPrefix(body, []byte("[")) {
		var docs []metadataDoc
		if err = json.Unmarshal(body, &docs); err == nil && len(docs) > 0 {
			doc = docs[0]
		}
	} else {
		err = json.Unmarshal(body, &doc)
	}
	switch {
	case err != nil:
		return metadataDoc{}, "What it sent is not the metadata document."
	case doc.Authentication.LoginEndpoint == "":
		return metadataDoc{}, "The metadata names no login endpoint."
	case len(doc.Authentication.Audiences) == 0 || doc.Authentication.Audiences[0] == "":
		return metadataDoc{}, "The metadata names no audience."
	}
	return doc, ""
}

func metadataProblem(base, why string) error {
	return &w.Problem{
		Code: "stack.metadata",
		What: hostOf(base) + " does not describe itself as an Azure Stack Hub",
		Why:  why,
		Fix:  "Check that the ARM endpoint is the tenant one (management.<region>.<fqdn>, not adminmanagement) and that no proxy answers in its place.",
	}
}

// identityOf tells the identity system from the login endpoint: AD FS lives
// at https://adfs.<region>.<fqdn>/adfs.
func identityOf(loginEndpoint string) w.IdentitySystem {
	u, err := url.Parse(loginEndpoint)
	if err == nil && strings.EqualFold(path.Base(strings.TrimSuffix(u.Path, "/")), "adfs") {
		return w.IdentityADFS
	}
	if err == nil && strings.HasPrefix(strings.ToLower(u.Hostname()), "adfs.") {
		return w.IdentityADFS
	}
	return w.IdentityEntra
}

var challengeTenant = regexp.MustCompile(`authorization_uri="[^"]*/([0-9a-fA-F-]{36})/?"`)

// askTenant asks for something without a token: the refusal names the tenant.
func askTenant(ctx context.Context, t *transporter, base string) (string, error) {
	link := base + "/subscriptions/00000000-0000-0000-0000-000000000000?api-version=2016-06-01"
	resp, _, err := t.get(ctx, link)
	if err != nil {
		return "", err
	}
	for _, v := range resp.Header.Values("WWW-Authenticate") {
		if m := challengeTenant.FindStringSubmatch(v); m != nil {
			return strings.ToLower(m[1]), nil
		}
	}
	return "", &w.Problem{
		Code: "stack.tenant",
		What: "The Hub does not say which Entra ID tenant it trusts",
		Why:  fmt.Sprintf("A request without a token was answered with %s and no authorization_uri.", resp.Status),
		Fix:  "Check that no proxy answers in place of the Hub; or ask the Hub's operator for the tenant ID.",
	}
}

func hostOf(link string) string {
	if u, err := url.Parse(link); err == nil {
		return u.Hostname()
	}
	return link
}

func readUpTo(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}
