package stacktest

import (
	"context"
	"fmt"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func lookName(ctx context.Context, _ tester, v view) (w.Finding, error) {
	addrs, err := v.hub.Resolve(ctx)
	if err != nil {
		return w.Finding{}, err
	}
	if len(addrs) == 0 {
		return w.Passed(fmt.Sprintf("The proxy %s leads to %s.", v.stack.HTTPSProxy, v.stack.ARMEndpoint)), nil
	}
	return w.Passed(fmt.Sprintf("%s has the address %s.", strings.TrimPrefix(v.stack.ARMEndpoint, "https://"), strings.Join(addrs, ", "))), nil
}

func lookTLS(ctx context.Context, _ tester, v view) (w.Finding, error) {
	if err := v.hub.TLS(ctx); err != nil {
		return w.Finding{}, err
	}
	by := "this machine's own authorities"
	if v.stack.CABundle != "" {
		by = "the stack's CA bundle"
	}
	return w.Passed("The Hub's certificate is vouched for by " + by + "."), nil
}

func lookMetadata(ctx context.Context, t tester, v view) (w.Finding, error) {
	got, region, err := t.Discover(ctx, v.stack.ARMEndpoint, v.stack.CABundle, v.stack.HTTPSProxy)
	if err != nil {
		return w.Finding{}, err
	}
	have := v.stack.Metadata
	differ := func(what, record, hub string) (w.Finding, error) {
		return w.Fail(fmt.Sprintf("The record says %s %s, the Hub says %s.", what, record, hub),
			"Open the stack's settings and let it discover the Hub again."), nil
	}
	switch {
	case got.Identity != have.Identity:
		return differ("the identity system is", have.Identity.Title(), got.Identity.Title())
	case !strings.EqualFold(region, v.stack.Region):
		return differ("the region is", v.stack.Region, region)
	case got.Audience != have.Audience:
		return differ("the audience is", have.Audience, got.Audience)
	case got.Identity == w.IdentityEntra && !strings.EqualFold(got.TenantID, v.stack.TenantID):
		return differ("the tenant is", v.stack.TenantID, got.TenantID)
	}
	return w.Passed(fmt.Sprintf("%s, region %s, login at %s.", got.Identity.Title(), region, got.LoginEndpoint)), nil
}

func lookLogin(ctx context.Context, _ tester, v view) (w.Finding, error) {
	if err := v.hub.Login(ctx); err != nil {
		return w.Finding{}, err
	}
	how := "a client secret"
	if v.stack.Credential.Method == w.AuthCertificate {
		how = "a certificate"
	}
	return w.Passed(fmt.Sprintf("%s gave %s a token for %s.", v.stack.Metadata.Identity.Title(), v.stack.Credential.ClientID, how)), nil
}

func lookSubscription(ctx context.Context, _ tester, v view) (w.Finding, error) {
	sub, err := v.hub.Subscription(ctx)
	if err != nil {
		return w.Finding{}, err
	}
	name := sub.DisplayName
	if name == "" {
		name = sub.ID
	}
	if sub.State != "" && !strings.EqualFold(sub.State, "Enabled") {
		return w.Fail(fmt.Sprintf("The subscription %s is %s.", name, sub.State), "Ask the Hub's operator to enable it."), nil
	}
	return w.Passed(fmt.Sprintf("%s is there and enabled.", name)), nil
}

func lookRole(ctx context.Context, _ tester, v view) (w.Finding, error) {
	ok, detail, err := v.hub.CanContribute(ctx)
	if err != nil {
		return w.Finding{}, err
	}
	if !ok {
		return w.Fail(fmt.Sprintf("The principal %s is no Contributor: %s.", v.stack.Credential.ClientID, detail),
			"In the Hub's user portal open the subscription, Access control (IAM), and give the principal the role Contributor."), nil
	}
	return w.Passed(fmt.Sprintf("The principal has what it takes: %s.", detail)), nil
}

var namespaces = []string{"Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage"}

func lookProviders(ctx context.Context, _ tester, v view) (w.Finding, error) {
	list, err := v.hub.Providers(ctx, namespaces...)
	if err != nil {
		return w.Finding{}, err
	}
	var missing []string
	for _, p := range list {
		if !p.Registered {
			missing = append(missing, fmt.Sprintf("%s (%s)", p.Namespace, p.State))
		}
	}
	if len(missing) > 0 {
		return w.Fail("Not registered: "+strings.Join(missing, ", ")+".",
			"In the Hub's user portal open the subscription, Resource providers, and register them."), nil
	}
	return w.Passed(strings.Join(namespaces, ", ") + " are registered."), nil
}

func lookImage(ctx context.Context, _ tester, v view) (w.Finding, error) {
	engine, ok := aksengine.Find(v.engine)
	if !ok {
		return w.Fail("AKS Engine "+v.engine+" is not in our version table.", "Choose another engine version."), nil
	}
	found, available, err := v.hub.HasImage(ctx, engine.BaseImage)
	if err != nil {
		return w.Finding{}, err
	}
	if !found {
		return w.Fail(fmt.Sprintf("%s is not there; %s.", engine.BaseImage.URN(), has(available)),
			fmt.Sprintf("Ask the Hub's operator to download %s, or use the AKS Engine version that takes an image that is there.", engine.BaseImage.URN())), nil
	}
	return w.Passed(fmt.Sprintf("%s is there, exactly the one that AKS Engine %s takes.", engine.BaseImage.URN(), engine.Version)), nil
}

func lookExtension(ctx context.Context, _ tester, v view) (w.Finding, error) {
	ext := aksengine.CustomScript
	found, available, err := v.hub.HasExtension(ctx, ext.Publisher, ext.Type, ext.MinVersion)
	if err != nil {
		return w.Finding{}, err
	}
	name := ext.Publisher + "." + ext.Type
	if !found {
		return w.Fail(fmt.Sprintf("%s %s or newer is not there; %s.", name, ext.MinVersion, has(available)),
			"Ask the Hub's operator to download \"Custom Script for Linux 2.0\" from the marketplace."), nil
	}
	return w.Passed(fmt.Sprintf("%s %s is there.", name, available[len(available)-1])), nil
}

func has(available []string) string {
	if len(available) == 0 {
		return "the marketplace has none of that kind"
	}
	return "the marketplace has " + strings.Join(available, ", ")
}
