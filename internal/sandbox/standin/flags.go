package standin

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/pflag"
)

// deployFlags are the flags of deploy and generate.
type deployFlags struct {
	file, output, dnsPrefix, location, group string
	autoSuffix, force                        bool
	set                                      []string
	caCert, caKey                            string
	noPretty, parametersOnly                 bool
	loginFlags
}

// loginFlags say which cloud to use, and as whom.
type loginFlags struct {
	azureEnv, authMethod, identity, language  string
	clientID, clientSecret, certPath, keyPath string
	subscription                              string
}

func (d *deployFlags) addModelFlags(f *pflag.FlagSet) {
	f.StringVarP(&d.file, "api-model", "m", "", "path to your cluster definition file")
	f.StringVarP(&d.output, "output-directory", "o", "", "output directory (derived from FQDN if absent)")
	f.StringVar(&d.caCert, "ca-certificate-path", "", "path to the CA certificate to use for Kubernetes PKI assets")
	f.StringVar(&d.caKey, "ca-private-key-path", "", "path to the CA private key to use for Kubernetes PKI assets")
	f.StringArrayVar(&d.set, "set", []string{}, "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
}

func (d *deployFlags) addDeployFlags(f *pflag.FlagSet) {
	f.StringVarP(&d.dnsPrefix, "dns-prefix", "p", "", "dns prefix (unique name for the cluster)")
	f.BoolVar(&d.autoSuffix, "auto-suffix", false, "automatically append a compressed timestamp to the dnsPrefix to ensure cluster name uniqueness")
	f.StringVarP(&d.group, "resource-group", "g", "", "resource group to deploy to (will use the DNS prefix from the apimodel if not specified)")
	f.StringVarP(&d.location, "location", "l", "", "location to deploy to (required)")
	f.BoolVarP(&d.force, "force-overwrite", "f", false, "automatically overwrite existing files in the output directory")
}

func (l *loginFlags) add(f *pflag.FlagSet) {
	f.StringVar(&l.azureEnv, "azure-env", "AzurePublicCloud", "the target Azure cloud")
	f.StringVarP(&l.subscription, "subscription-id", "s", "", "azure subscription id (required)")
	f.StringVar(&l.authMethod, "auth-method", "client_secret", "auth method (default:`client_secret`, `client_certificate`)")
	f.StringVar(&l.clientID, "client-id", "", "client id (used with --auth-method=[client_secret|client_certificate])")
	f.StringVar(&l.clientSecret, "client-secret", "", "client secret (used with --auth-method=client_secret)")
	f.StringVar(&l.certPath, "certificate-path", "", "path to client certificate (used with --auth-method=client_certificate)")
	f.StringVar(&l.keyPath, "private-key-path", "", "path to private key (used with --auth-method=client_certificate)")
	f.StringVar(&l.identity, "identity-system", "azure_ad", "identity system (default:`azure_ad`, `adfs`)")
	f.StringVar(&l.language, "language", "en-us", "language to return error messages in")
}

// check looks at the flags that say who logs in. It is done after the model was read.
func (l *loginFlags) check() error {
	if l.authMethod == "" {
		return errors.New("--auth-method is a required parameter")
	}
	if l.authMethod == "client_secret" || l.authMethod == "client_certificate" {
		id, err := uuid.Parse(l.clientID)
		if err != nil {
			return fmt.Errorf("parsing --client-id: %w", err)
		}
		l.clientID = id.String()
		switch {
		case l.authMethod == "client_secret" && l.clientSecret == "":
			return errors.New(`--client-secret must be specified when --auth-method="client_secret"`)
		case l.authMethod == "client_certificate" && (l.certPath == "" || l.keyPath == ""):
			return errors.New(`--certificate-path and --private-key-path must be specified when --auth-method="client_certificate"`)
		}
	}
	id, err := uuid.Parse(l.subscription)
	if err != nil || id == uuid.Nil {
		return errors.New("--subscription-id is required (and must be a valid UUID)")
	}
	l.subscription = id.String()
	switch strings.ToUpper(l.azureEnv) {
	case "AZURESTACKCLOUD", "AZURECHINACLOUD", "AZUREGERMANCLOUD", "AZUREPUBLICCLOUD", "AZUREUSGOVERNMENTCLOUD":
		return nil
	}
	return errors.New("failed to parse --azure-env as a valid target Azure cloud environment")
}

// modelOf settles which file holds the model: the flag's, or the only argument's. ("", nil) means none was named.
func (p *process) modelOf(c *command, d *deployFlags, args []string) error {
	if d.file == "" && len(args) > 1 {
		fmt.Fprint(p.stderr, usage(c))
		return fmt.Errorf("too many arguments were provided to '%s'", c.name)
	}
	if d.file == "" && len(args) == 1 {
		d.file = args[0]
	}
	if d.file == "" {
		return nil
	}
	if _, err := os.Stat(d.file); os.IsNotExist(err) {
		return fmt.Errorf("specified api model does not exist (%s)", d.file)
	}
	return nil
}
