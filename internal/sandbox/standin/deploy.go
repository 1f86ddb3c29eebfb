package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// deployFlags are the flags of deploy and generate.
type deployFlags struct {
	model, output, dnsPrefix, location, group string
	autoSuffix, force                         bool
	set                                       []string
	caCert, caKey                             string
	noPretty, parametersOnly                  bool
	azureEnv, authMethod, identity            string
	clientID, clientSecret, certPath, keyPath string
	subscription, language                    string
}

func (d *deployFlags) shared(f *pflag.FlagSet) {
	f.StringVarP(&d.model, "api-model", "m", "", "path to your cluster definition file")
	f.StringVarP(&d.output, "output-directory", "o", "", "output directory (derived from FQDN if absent)")
	f.StringArrayVar(&d.set, "set", nil, "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	f.StringVar(&d.caCert, "ca-certificate-path", "", "path to the CA certificate to use for Kubernetes PKI assets")
	f.StringVar(&d.caKey, "ca-private-key-path", "", "path to the CA private key to use for Kubernetes PKI assets")
	f.StringVar(&d.clientID, "client-id", "", "client id")
	f.StringVar(&d.clientSecret, "client-secret", "", "client secret")
}

func (p *process) deployCommand() *command {
	d := &deployFlags{}
	c := &command{name: "deploy", short: "Deploy an Azure Resource Manager template", long: "Deploy an Azure Resource Manager template, parameters file and other assets for a cluster", flags: newFlags("deploy")}
	d.shared(c.flags)
	f := c.flags
	f.StringVarP(&d.dnsPrefix, "dns-prefix", "p", "", "dns prefix (unique name for the cluster)")
	f.BoolVar(&d.autoSuffix, "auto-suffix", false, "automatically append a compressed timestamp to the dnsPrefix to ensure unique cluster name automatically")
	f.BoolVarP(&d.force, "force-overwrite", "f", false, "automatically overwrite existing files in the output directory")
	f.StringVarP(&d.group, "resource-group", "g", "", "resource group to deploy to (will use the DNS prefix from the apimodel if not specified)")
	f.StringVarP(&d.location, "location", "l", "", "location to deploy to (required)")
	f.StringVar(&d.azureEnv, "azure-env", "AzureStackCloud", "the target Azure cloud")
	f.StringVar(&d.authMethod, "auth-method", "client_secret", "auth method (options: client_secret, client_certificate)")
	f.StringVar(&d.identity, "identity-system", "azure_ad", "identity system (options: azure_ad, adfs)")
	f.StringVar(&d.certPath, "certificate-path", "", "path to client certificate (used with --auth-method=client_certificate)")
	f.StringVar(&d.keyPath, "private-key-path", "", "path to private key (used with --auth-method=client_certificate)")
	f.StringVarP(&d.subscription, "subscription-id", "s", "", "azure subscription id (required)")
	f.StringVar(&d.language, "language", "en-us", "language to return error messages in")
	c.run = func([]string) error { return p.deploy(context.Background(), d) }
	return c
}

func (p *process) generateCommand() *command {
	d := &deployFlags{}
	c := &command{name: "generate", short: "Generate an Azure Resource Manager template", long: "Generates an Azure Resource Manager template, parameters file and other assets for a cluster", flags: newFlags("generate")}
	d.shared(c.flags)
	c.flags.BoolVar(&d.noPretty, "no-pretty-print", false, "skip pretty printing the output")
	c.flags.BoolVar(&d.parametersOnly, "parameters-only", false, "only output parameters files")
	c.run = func([]string) error { return p.generate(context.Background(), d) }
	return c
}

// job is one deployment on its way.
type job struct {
	*deployFlags
	cs     *ContainerService
	props  *Properties
	arm    *client
	suffix string
	fqdn   string
	fresh  bool // certificates are made in this run
	sshKey string
}

func (p *process) deploy(ctx context.Context, d *deployFlags) error {
	if err := d.check(); err != nil {
		return err
	}
	j, err := p.prepare(ctx, d)
	if err != nil {
		return fmt.Errorf("loading API model: %w", err)
	}
	system := principal{
		adfs: d.identity == "adfs", certificate: d.authMethod == "client_certificate", clientID: d.clientID, secret: d.clientSecret,
		certPath: d.certPath, keyPath: d.keyPath, loginEndpoint: j.props.CustomCloudProfile.Environment.ActiveDirectoryEndpoint,
		audience: strings.TrimSuffix(j.props.CustomCloudProfile.Environment.ServiceManagementEndpoint, "/"),
	}
	if err := j.arm.login(ctx, system, d.subscription); err != nil {
		if errors.As(err, new(*crashError)) {
			return err
		}
		return fmt.Errorf("loading API model: %w", err)
	}
	if err := j.ready(ctx); err != nil {
		return err
	}
	if err := p.complete(ctx, j); err != nil {
		return err
	}
	return p.put(ctx, j)
}

func (d *deployFlags) check() error {
	switch {
	case d.location == "":
		return errors.New("--location must be specified")
	case d.subscription == "":
		return errors.New("--subscription-id is required (and must be a valid UUID)")
	case d.authMethod == "client_secret" && (d.clientID == "" || d.clientSecret == ""):
		return errors.New(`--client-id and --client-secret must be specified when --auth-method="client_secret"`)
	case d.authMethod == "client_certificate" && (d.clientID == "" || d.certPath == "" || d.keyPath == ""):
		return errors.New(`--client-id and --certificate-path, and --private-key-path must be specified when --auth-method="client_certificate"`)
	case d.authMethod != "client_secret" && d.authMethod != "client_certificate":
		return fmt.Errorf("--auth-method: ERROR: method unsupported. method=%q", d.authMethod)
	}
	return nil
}

// prepare loads the model, fills it from the flags and finds the cloud.
func (p *process) prepare(ctx context.Context, d *deployFlags) (*job, error) {
	if d.model == "" {
		return nil, errors.New("--api-model was not supplied, nor was one specified as a positional argument")
	}
	file, err := p.override(d.model, d.set)
	if err != nil {
		return nil, err
	}
	cs, err := p.loadModel(file)
	if err != nil {
		var crash *crashError
		if errors.As(err, &crash) {
			return nil, err
		}
		return nil, fmt.Errorf("error parsing the api model: %w", err)
	}
	j := &job{deployFlags: d, cs: cs, props: cs.Properties}
	if cs.Location != "" && d.location != "" && cs.Location != d.location {
		return nil, errors.New("--location does not match api model location")
	}
	if cs.Location == "" {
		cs.Location = d.location
	}
	if j.props.MasterProfile == nil {
		return nil, errNoMaster
	}
	if err := j.names(); err != nil {
		return nil, err
	}
	if err := p.findCloud(ctx, j); err != nil {
		return nil, err
	}
	return j, j.outputFolder()
}

func (j *job) names() error {
	m := j.props.MasterProfile
	if j.dnsPrefix != "" {
		m.DNSPrefix = j.dnsPrefix
	}
	if m.DNSPrefix == "" {
		return errors.New("apimodel: missing masterProfile.dnsPrefix and --dns-prefix was not specified")
	}
	if j.group == "" {
		j.group = m.DNSPrefix
	}
	j.suffix = suffixOf(m.DNSPrefix)
	return nil
}

// suffixOf is the eight digits that AKS Engine derives from a DNS prefix.
func suffixOf(dnsPrefix string) string {
	h := fnv.New64a()
	h.Write([]byte(dnsPrefix))
	r := rand.New(rand.NewSource(int64(h.Sum64()))) //nolint:gosec // a name, not a secret
	return fmt.Sprintf("%08d", r.Uint32())[:8]
}

func (j *job) outputFolder() error {
	if j.output == "" {
		j.output = filepath.Join("_output", j.props.MasterProfile.DNSPrefix)
	}
	if _, err := os.Stat(j.output); err == nil && !j.force {
		return fmt.Errorf("Output directory already exists and forceOverwrite flag is not set: %s", j.output)
	}
	return nil
}

// override applies --set to a copy of the model.
func (p *process) override(file string, set []string) (string, error) {
	if len(set) == 0 {
		return file, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("error reading file %s: %w", file, err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return "", err
	}
	props, _ := doc["properties"].(map[string]any)
	for _, s := range set {
		for _, one := range strings.Split(s, ",") {
			key, value, ok := strings.Cut(one, "=")
			if !ok || props == nil {
				return "", fmt.Errorf("error merging --set values with the api model: failed parsing --set flag data %q", one)
			}
			assign(props, strings.Split(key, "."), value)
		}
	}
	text, err := indented(doc)
	if err != nil {
		return "", err
	}
	return p.tempFile("mergedApiModel", text)
}

func assign(at map[string]any, path []string, value string) {
	for len(path) > 1 {
		next, _ := at[path[0]].(map[string]any)
		if next == nil {
			next = map[string]any{}
			at[path[0]] = next
		}
		at, path = next, path[1:]
	}
	at[path[0]] = value
	if n, err := strconv.Atoi(value); err == nil {
		at[path[0]] = n
	} else if b, err := strconv.ParseBool(value); err == nil {
		at[path[0]] = b
	}
}

// findCloud fills in the endpoints, from the model or from the Hub's metadata.
func (p *process) findCloud(ctx context.Context, j *job) error {
	c := j.props.CustomCloudProfile
	if c == nil {
		return errors.New("apimodel: only Azure Stack clouds are supported")
	}
	web, err := newClient(p.getenv)
	if err != nil {
		return err
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(c.PortalURL, "/"), "https://portal."+j.cs.Location+".")
	if !ok {
		return fmt.Errorf("portalURL needs to start with https://portal.%s. ", j.cs.Location)
	}
	j.arm = &client{http: web, endpoint: "https://management." + j.cs.Location + "." + rest}
	if c.Environment == nil || c.Environment.ServiceManagementEndpoint == "" || c.Environment.ActiveDirectoryEndpoint == "" {
		m, err := j.arm.endpoints(ctx)
		if err != nil {
			return fmt.Errorf("error parsing the api model: %w", err)
		}
		c.Environment = environment(m, j.arm.endpoint, j.cs.Location, rest)
	}
	if j.identity != "" {
		c.IdentitySystem = j.identity
	}
	if j.authMethod != "" {
		c.AuthenticationMethod = j.authMethod
	}
	j.arm.endpoint = strings.TrimSuffix(c.Environment.ResourceManagerEndpoint, "/")
	j.fqdn = j.props.MasterProfile.DNSPrefix + "." + j.cs.Location + "." + c.Environment.ResourceManagerVMDNSSuffix
	text, err := json.Marshal(c.Environment)
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

func environment(m metadata, endpoint, location, rest string) *Environment {
	login := strings.TrimSuffix(m.Authentication.Login, "/")
	login = strings.TrimSuffix(login, "adfs")
	return &Environment{
		Name: "AzureStackCloud", ManagementPortalURL: m.Portal, GalleryEndpoint: m.Gallery, GraphEndpoint: m.Graph,
		ServiceManagementEndpoint: m.Authentication.Audiences[0], TokenAudience: m.Authentication.Audiences[0],
		ResourceManagerEndpoint: endpoint + "/", ActiveDirectoryEndpoint: strings.TrimSuffix(login, "/") + "/",
		ResourceManagerVMDNSSuffix: "cloudapp." + rest, StorageEndpointSuffix: location + "." + rest, KeyVaultDNSSuffix: "vault." + location + "." + rest,
	}
}

// ready registers providers and makes the resource group.
func (j *job) ready(ctx context.Context) error {
	sub := "/subscriptions/" + j.subscription
	flat := fmt.Errorf("loading API model: failed to get client: Error listing registered providers for subscription %s", j.subscription)
	a, err := j.arm.call(ctx, http.MethodGet, sub+"/providers?api-version=2019-10-01", nil)
	if err != nil || a.status != http.StatusOK {
		return flat
	}
	var list struct {
		Value []struct {
			Namespace string `json:"namespace"`
			State     string `json:"registrationState"`
		} `json:"value"`
	}
	if err := a.json(&list); err != nil {
		return flat
	}
	for _, p := range list.Value {
		if (p.Namespace == "Microsoft.Compute" || p.Namespace == "Microsoft.Network" || p.Namespace == "Microsoft.Storage") && p.State != "Registered" {
			if a, err := j.arm.call(ctx, http.MethodPost, sub+"/providers/"+p.Namespace+"/register?api-version=2019-10-01", nil); err != nil || a.status != http.StatusOK {
				return flat
			}
		}
	}
	group := sub + "/resourcegroups/" + j.group + "?api-version=" + groupVersion
	body := map[string]any{"location": j.cs.Location, "name": j.group}
	if a, err := j.arm.call(ctx, http.MethodGet, group, nil); err == nil && a.status == http.StatusOK {
		var have struct {
			Tags map[string]string `json:"tags"`
		}
		if a.json(&have) == nil && have.Tags != nil {
			body["tags"] = have.Tags
		}
	}
	a, err = j.arm.call(ctx, http.MethodPut, group, body)
	if err != nil {
		return err
	}
	if a.status >= 300 {
		return a.failure()
	}
	return nil
}
