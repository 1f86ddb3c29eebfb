package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// metadata is what a Hub says about itself.
type metadata struct {
	Gallery        string `json:"galleryEndpoint"`
	Graph          string `json:"graphEndpoint"`
	Authentication *struct {
		Login     string   `json:"loginEndpoint"`
		Audiences []string `json:"audiences"`
	} `json:"authentication"`
}

// findCloud fills in the endpoints of the cloud from the Hub's metadata, unless the model has them.
func (p *process) findCloud(ctx context.Context, j *job) error {
	c := j.props.CustomCloudProfile
	if c.Environment == nil {
		c.Environment = &Environment{}
	}
	env := c.Environment
	if env.complete() {
		return nil
	}
	env.Name = "AzureStackCloud"
	suffix, ok := strings.CutPrefix(c.PortalURL, "https://portal."+j.model.Location+".")
	if !ok {
		return fmt.Errorf("portalURL needs to start with https://portal.%s. ", j.model.Location)
	}
	suffix = strings.TrimSuffix(suffix, "/")
	env.ResourceManagerEndpoint = "https://management." + j.model.Location + "." + suffix + "/"
	m, err := p.askMetadata(ctx, env.ResourceManagerEndpoint)
	if err != nil {
		return err
	}
	audience := m.Authentication.Audiences[0]
	env.GraphEndpoint, env.GalleryEndpoint = m.Graph, m.Gallery
	env.ServiceManagementEndpoint, env.TokenAudience = audience, audience
	env.ActiveDirectoryEndpoint = m.Authentication.Login
	if c.IdentitySystem == "adfs" {
		env.ActiveDirectoryEndpoint = strings.TrimSuffix(strings.TrimSuffix(env.ActiveDirectoryEndpoint, "/"), "adfs")
	}
	env.ResourceManagerVMDNSSuffix = "cloudapp." + suffix
	env.StorageEndpointSuffix = j.model.Location + "." + suffix
	env.KeyVaultDNSSuffix = "vault." + j.model.Location + "." + suffix
	return nil
}

// askMetadata asks once, without a second try.
func (p *process) askMetadata(ctx context.Context, endpoint string) (*metadata, error) {
	target := strings.TrimSuffix(endpoint, "/") + "/metadata/endpoints?api-version=1.0"
	web, err := newHTTPClient(p.getenv)
	if err != nil {
		return nil, err
	}
	failed := func(err error, what string) error {
		if err == nil { // the real engine prints Go's word for "no error" here
			return fmt.Errorf("%%!s(<nil>) . apimodel invalid: %s %s", what, target)
		}
		return fmt.Errorf("%w . apimodel invalid: %s %s", err, what, target)
	}
	a, err := (&client{http: web}).once(ctx, http.MethodGet, target, nil, nil)
	if err != nil || a.status != http.StatusOK {
		return nil, failed(err, "failed to retrieve custom endpoints from metadataURL")
	}
	var m metadata
	if err := json.Unmarshal(a.body, &m); err != nil {
		return nil, failed(err, "failed to parse the response from metadataURL")
	}
	if m.Graph == "" || m.Authentication == nil || m.Authentication.Login == "" || len(m.Authentication.Audiences) == 0 || m.Authentication.Audiences[0] == "" {
		return nil, failed(nil, "invalid response from")
	}
	return &m, nil
}

func (p *process) writeCloudProfile(env *Environment) error {
	text, err := json.Marshal(env)
	if err != nil {
		return err
	}
	file, err := p.tempFile("azurestackcloud.json", text)
	if err != nil {
		return err
	}
	p.log.info("Writing cloud profile to: %s", file)
	return nil
}

// connect logs in and makes sure that the subscription may use the resource providers.
func (p *process) connect(ctx context.Context, j *job) error {
	if !strings.EqualFold(j.azureEnv, "AzureStackCloud") {
		// Public Azure is out of the sandbox's reach, and the real engine panics when it can't reach it.
		return &crashError{}
	}
	if j.props.CustomCloudProfile == nil {
		return errors.New("failed to get azure stack cloud client, API model Properties.CustomCloudProfile.Environment cannot be nil")
	}
	if (j.authMethod != "client_secret" && j.authMethod != "client_certificate") || (j.identity != "azure_ad" && j.identity != "adfs") {
		return fmt.Errorf("--auth-method: ERROR: method unsupported. method=%q identitysystem=%q", j.authMethod, j.identity)
	}
	web, err := newHTTPClient(p.getenv)
	if err != nil {
		return err
	}
	env := j.props.CustomCloudProfile.Environment
	j.arm = &client{http: web, endpoint: strings.TrimSuffix(env.ResourceManagerEndpoint, "/"), subscription: j.subscription, hasten: p.hasten}
	who := principal{loginFlags: j.loginFlags, authority: env.ActiveDirectoryEndpoint, scope: env.ServiceManagementEndpoint + "/.default"}
	if err := who.readCertificate(); err != nil {
		return err
	}
	tenant := "adfs"
	if j.identity == "azure_ad" {
		if tenant, err = j.arm.tenant(ctx); err != nil {
			return err
		}
	}
	// A token is asked for with the first request; when there is none, that request is what failed.
	if j.arm.token, err = who.logIn(ctx, web, tenant); err != nil {
		return errProviders(j.subscription)
	}
	if err := p.ensureProviders(ctx, j.arm); err != nil {
		return err
	}
	j.arm.language = j.language
	return nil
}

func errProviders(subscription string) error {
	return fmt.Errorf("Error listing registered providers for subscription %s", subscription)
}

// ensureProviders registers the resource providers that a cluster needs.
func (p *process) ensureProviders(ctx context.Context, c *client) error {
	registered := map[string]bool{}
	for target := c.subscriptionPath() + "/providers?api-version=" + resourcesVersion; target != ""; {
		a, err := c.call(ctx, http.MethodGet, target, nil)
		if err != nil || a.status != http.StatusOK {
			return errProviders(c.subscription)
		}
		var page struct {
			Value []struct {
				Namespace string `json:"namespace"`
				State     string `json:"registrationState"`
			} `json:"value"`
			Next string `json:"nextLink"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return errProviders(c.subscription)
		}
		for _, v := range page.Value {
			registered[strings.ToLower(v.Namespace)] = v.State == "Registered"
		}
		target = page.Next
	}
	for _, name := range []string{"Microsoft.Compute", "Microsoft.Storage", "Microsoft.Network"} {
		done, known := registered[strings.ToLower(name)]
		if !known {
			return fmt.Errorf("Unknown resource provider %q", name)
		}
		if done {
			p.log.detail("Already registered for %q", name)
			continue
		}
		p.log.info("Registering subscription to resource provider. provider=%q subscription=%q", name, c.subscription)
		a, err := c.call(ctx, http.MethodPost, c.subscriptionPath()+"/providers/"+name+"/register?api-version="+resourcesVersion, nil)
		if err == nil && a.status != http.StatusOK {
			err = a.failure()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ensureGroup makes the resource group, or makes it again with the tags that it has.
func (c *client) ensureGroup(ctx context.Context, group, location string) error {
	target := c.groupPath(group) + "?api-version=" + resourcesVersion
	body := object{"location": location, "name": group}
	if a, err := c.call(ctx, http.MethodGet, target, nil); err == nil && a.status == http.StatusOK {
		var have struct {
			Tags map[string]string `json:"tags"`
		}
		if json.Unmarshal(a.body, &have) == nil && have.Tags != nil {
			body["tags"] = have.Tags
		}
	}
	a, err := c.call(ctx, http.MethodPut, target, body)
	if err == nil && a.status != http.StatusOK && a.status != http.StatusCreated {
		err = a.failure()
	}
	return err
}

// hasImage says why an image can't be used, or nil.
func (c *client) hasImage(ctx context.Context, location string, i image) error {
	target := fmt.Sprintf("%s/providers/Microsoft.Compute/locations/%s/publishers/%s/artifacttypes/vmimage/offers/%s/skus/%s/versions",
		c.subscriptionPath(), location, i.publisher, i.offer, i.sku)
	if i.version == latest {
		target += "?%24top=10&api-version=" + computeVersion
	} else {
		target += "/" + i.version + "?api-version=" + computeVersion
	}
	a, err := c.call(ctx, http.MethodGet, target, nil)
	if err == nil && a.status != http.StatusOK {
		err = a.failure()
	}
	if err != nil || i.version != latest {
		return err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(a.body, &list); err != nil || len(list) == 0 {
		return errors.New("%!v(<nil>)") // as printed where the list is empty
	}
	return nil
}
