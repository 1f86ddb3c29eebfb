package standin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// job is a model on its way to a cluster.
type job struct {
	deployFlags
	model  *Model
	props  *Properties
	arm    *client
	engine string // the version that the nodes are tagged with
}

func (p *process) deployCommand() *command {
	const short = "Deploy an Azure Resource Manager template"
	c := &command{name: "deploy", short: short, long: short + ", parameters file and other assets for a cluster", flags: newFlags("deploy")}
	j := &job{engine: p.version()}
	j.addModelFlags(c.flags)
	j.addDeployFlags(c.flags)
	j.loginFlags.add(c.flags)
	c.run = func(args []string) error { return p.deploy(context.Background(), c, j, args) }
	return c
}

// deploy goes the way of the real engine step by step: what it asks, writes and prints before an error counts too.
func (p *process) deploy(ctx context.Context, c *command, j *job, args []string) error {
	leaveTranslations()
	if err := p.modelOf(c, &j.deployFlags, args); err != nil {
		return fmt.Errorf("validating deployCmd: %w", err)
	}
	if j.location == "" {
		return errors.New("validating deployCmd: --location must be specified")
	}
	j.location = strings.ToLower(strings.ReplaceAll(j.location, " ", ""))
	if err := p.mergeModel(j); err != nil {
		return fmt.Errorf("merging API model in deployCmd: %w", err)
	}
	if err := p.loadForDeploy(ctx, j); err != nil {
		return fmt.Errorf("loading API model: %w", err)
	}
	if err := p.validate(j.model); err != nil {
		return fmt.Errorf("validating API model after populating values: %w", err)
	}
	fresh, err := p.fillIn(j)
	if err != nil {
		return fmt.Errorf("in SetPropertiesDefaults template %s: %w", j.file, err)
	}
	if err := p.checkImages(ctx, j); err != nil {
		return imagesError(j.file, err)
	}
	if err := j.write(fresh); err != nil {
		return fmt.Errorf("writing artifacts: %w", err)
	}
	return p.putDeployment(ctx, j, j.operationName(), part{mark: deployMark})
}

// loadForDeploy reads the model, logs in, and fills the model in from flags. At its end the resource group is there.
func (p *process) loadForDeploy(ctx context.Context, j *job) error {
	if err := p.read(j); err != nil {
		return err
	}
	if j.model.Location == "" {
		j.model.Location = j.location
	} else if j.model.Location != j.location {
		return errors.New("--location does not match api model location")
	}
	if c := j.props.CustomCloudProfile; c != nil {
		if err := p.findCloud(ctx, j); err != nil {
			return fmt.Errorf("error parsing the api model: %w", err)
		}
		if err := p.writeCloudProfile(c.Environment); err != nil {
			return fmt.Errorf("error writing custom cloud profile: %w", err)
		}
		c.IdentitySystem = j.identity
		if err := p.refuseOldDistros(j.props); err != nil {
			return err
		}
	}
	if err := j.loginFlags.check(); err != nil {
		return err
	}
	if err := p.connect(ctx, j); err != nil {
		return fmt.Errorf("failed to get client: %w", err)
	}
	return p.autofill(ctx, j)
}

// read reads the model and the certificate authority that the flags name.
func (p *process) read(j *job) error {
	m, err := p.loadModel(j.file, true)
	if err != nil {
		return fmt.Errorf("error parsing the api model: %w", err)
	}
	j.model, j.props = m, m.Properties
	if j.props.MasterProfile == nil {
		return errNoMaster
	}
	if (j.caCert == "") != (j.caKey == "") {
		return errors.New("--ca-certificate-path and --ca-private-key-path must be specified together")
	}
	if j.caCert == "" {
		return nil
	}
	cert, err := os.ReadFile(j.caCert)
	if err != nil {
		return fmt.Errorf("failed to read CA certificate file: %w", err)
	}
	key, err := os.ReadFile(j.caKey)
	if err != nil {
		return fmt.Errorf("failed to read CA private key file: %w", err)
	}
	if j.props.CertificateProfile == nil {
		j.props.CertificateProfile = &CertificateProfile{}
	}
	j.props.CertificateProfile.CACertificate, j.props.CertificateProfile.CAPrivateKey = string(cert), string(key)
	return nil
}

func (p *process) refuseOldDistros(props *Properties) error {
	if !props.isAzureStack() {
		return nil
	}
	old := func(whose, distro string) error {
		if distro != "aks-ubuntu-16.04" && distro != "aks-ubuntu-18.04" {
			return nil
		}
		p.log.error("Distro '%s' is not longer supported on Azure Stack Hub, use 'aks-ubuntu-20.04' instead", distro)
		return fmt.Errorf("invalid %s profile distro '%s'", whose, distro)
	}
	if err := old("master", props.MasterProfile.Distro); err != nil {
		return err
	}
	for _, a := range props.AgentPoolProfiles {
		if err := old("agent pool", a.Distro); err != nil {
			return err
		}
	}
	return nil
}

// autofill settles names, makes an SSH key where none was given, and makes sure of the resource group.
func (p *process) autofill(ctx context.Context, j *job) error {
	l, m := j.props.LinuxProfile, j.props.MasterProfile
	if l != nil && l.AdminUsername == "" {
		p.log.warn("apimodel: no linuxProfile.adminUsername was specified. Will use 'azureuser'.")
		l.AdminUsername = "azureuser"
	}
	switch {
	case j.dnsPrefix != "" && m.DNSPrefix != "":
		return errors.New("invalid configuration: the apimodel masterProfile.dnsPrefix and --dns-prefix were both specified")
	case j.dnsPrefix == "" && m.DNSPrefix == "":
		return errors.New("apimodel: missing masterProfile.dnsPrefix and --dns-prefix was not specified")
	case m.DNSPrefix == "":
		m.DNSPrefix = j.dnsPrefix
	}
	if j.autoSuffix {
		suffix := strconv.FormatInt(time.Now().Unix(), 16)
		m.DNSPrefix += "-" + suffix
		p.log.info("Generated random suffix %s, DNS Prefix is %s", suffix, m.DNSPrefix)
	}
	if j.output == "" {
		j.output = path.Join("_output", m.DNSPrefix)
	}
	if _, err := os.Stat(j.output); err == nil && !j.force {
		return fmt.Errorf("Output directory already exists and forceOverwrite flag is not set: %s", j.output)
	}
	if j.group == "" {
		p.log.warn("--resource-group was not specified. Using the DNS prefix from the apimodel as the resource group name: %s", m.DNSPrefix)
		j.group = m.DNSPrefix
	}
	if l != nil && (len(l.SSH.PublicKeys) == 0 || l.SSH.PublicKeys[0].KeyData == "") {
		if err := p.makeSSHKey(j); err != nil {
			return fmt.Errorf("Failed to generate SSH Key: %w", err)
		}
	}
	if err := j.arm.ensureGroup(ctx, j.group, j.location); err != nil {
		return err
	}
	p.fillPrincipal(j)
	return nil
}

// makeSSHKey makes a key pair for the nodes. The private half goes into the output folder.
func (p *process) makeSSHKey(j *job) error {
	key, err := rsa.GenerateKey(rand.Reader, p.bits())
	if err != nil {
		return err
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	j.props.LinuxProfile.SSH.PublicKeys = []PublicKey{{KeyData: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))}}
	return save(j.output, j.props.LinuxProfile.AdminUsername+"_rsa", private)
}

// fillPrincipal gives the cluster the identity of the flags when the model has none.
func (p *process) fillPrincipal(j *job) {
	spp := j.props.ServicePrincipalProfile
	empty := spp == nil || ((spp.ClientID == "" || spp.ClientID == noID) && spp.Secret == "")
	if empty && j.clientID != "" && j.clientSecret != "" {
		j.props.ServicePrincipalProfile = &ServicePrincipalProfile{ClientID: j.clientID, Secret: j.clientSecret}
	}
}

const noID = "00000000-0000-0000-0000-000000000000"

// image names a marketplace image.
type image struct{ publisher, offer, sku, version string }

// imageOf is the image that this version of the engine uses for a distro.
func imageOf(distro string) image {
	switch distro {
	case "aks-ubuntu-22.04":
		return image{"microsoft-aks", "aks", "aks-engine-azurestack-ubuntu-2204", "2026.139.1"}
	case "aks-ubuntu-20.04":
		return image{"microsoft-aks", "aks", "aks-engine-azurestack-ubuntu-2004", "2024.311.1"}
	}
	return image{"Canonical", "UbuntuServer", "16.04-LTS", latest} // of the other names only "ubuntu" gets so far
}

// latest stands for the newest version of an image.
const latest = "latest"

var errImages = errors.New("some VM images are missing on the target cloud")

// checkImages asks for the image of each distro, once.
func (p *process) checkImages(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	distros := []string{j.props.MasterProfile.Distro}
	for _, a := range j.props.AgentPoolProfiles {
		distros = append(distros, a.Distro)
	}
	asked := map[string]bool{}
	var missing error
	for _, distro := range distros {
		if asked[distro] {
			continue
		}
		asked[distro] = true
		i := imageOf(distro)
		if err := j.arm.hasImage(ctx, j.location, i); err != nil {
			doing := "fetching virtual machine image"
			if i.version == latest {
				doing = "listing virtual machine images"
			}
			p.log.error("error: %v\n%s", err, doing)
			p.log.error("Image Publisher: %s, Offer: %s, SKU: %s, Version: %s", i.publisher, i.offer, i.sku, i.version)
			missing = errImages
		}
	}
	return missing
}

// operationName is the name of the deployment that an operation makes.
func (j *job) operationName() string { return fmt.Sprintf("%s-%d", j.group, mathrand.Int32()) }

// putDeployment sends the template of a part of the cluster and follows the deployment to its end.
func (p *process) putDeployment(ctx context.Context, j *job, name string, what part) error {
	ctx, cancel := context.WithTimeout(ctx, deployLimit)
	defer cancel()
	p.log.info("Starting ARM Deployment %s in resource group %s. This will take some time...", name, j.group)
	target := j.arm.groupPath(j.group) + "/providers/Microsoft.Resources/deployments/" + name + "?api-version=" + resourcesVersion
	body := object{"properties": object{"mode": "Incremental", "template": j.template(what), "parameters": j.parameters(what)}}
	a, err := j.arm.call(ctx, http.MethodPut, target, body)
	if err == nil && a.status != http.StatusOK && a.status != http.StatusCreated {
		err = a.failure()
	}
	if err != nil {
		return err
	}
	if err := j.arm.follow(ctx, a, target); err != nil {
		p.log.info("Finished ARM Deployment (%s). Error: %v", name, err)
		return err
	}
	p.log.info("Finished ARM Deployment (%s). Succeeded", name)
	return nil
}
