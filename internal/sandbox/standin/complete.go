package standin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// baseImage is the node image that this version of the engine asks for.
const (
	imagePublisher = "microsoft-aks"
	imageOffer     = "aks"
	imageSKU       = "aks-engine-azurestack-ubuntu-2204"
	imageVersion   = "2026.139.1"
)

var errImages = "validating OS base images required by %s: OS base image not available in target cloud: some VM images are missing on the target cloud"

// complete settles all defaults, validates again, makes the certificates and
// writes the output folder.
func (p *process) complete(ctx context.Context, j *job) error {
	p.defaults(j)
	if err := p.validate(j.cs); err != nil {
		return fmt.Errorf("validating API model after populating values: %w", err)
	}
	j.fresh = j.props.CertificateProfile == nil || j.props.CertificateProfile.CaPrivateKey == ""
	if err := j.ensureSSHKey(p.bits()); err != nil {
		return err
	}
	if j.fresh {
		if err := p.makeCertificates(j.props, j.fqdn); err != nil {
			return fmt.Errorf("generating certificates: %w", err)
		}
	}
	if j.subscription != "" {
		if err := p.checkImage(ctx, j); err != nil {
			return err
		}
	}
	return p.write(j)
}

func (p *process) defaults(j *job) {
	k := j.props.OrchestratorProfile.KubernetesConfig
	again := j.props.CertificateProfile != nil // a model that went through here before
	if !again {
		p.log.warn(`apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to "mcr.microsoft.com/"`)
		p.log.warn(`apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBaseType forced to "mcr"`)
		if k.ContainerRuntime != "containerd" {
			p.log.warn("The docker runtime is no longer supported for v1.24+ clusters, setting ContainerRuntime to 'containerd'")
		}
		if j.props.MasterProfile.Count == 1 {
			p.log.warn("Running only 1 control plane VM not recommended for production clusters, use 3 or 5 for control plane redundancy")
		}
	}
	k.KubernetesImageBase, k.KubernetesImageBaseType, k.ContainerRuntime = "mcr.microsoft.com/", "mcr", "containerd"
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&k.ClusterSubnet, "10.244.0.0/16")
	if k.NetworkPlugin == "azure" && k.ClusterSubnet == "10.244.0.0/16" {
		k.ClusterSubnet = "10.240.0.0/12"
	}
	set(&k.ServiceCidr, "10.0.0.0/16")
	set(&k.DNSServiceIP, "10.0.0.10")
	set(&k.EtcdVersion, "3.3.25")
	set(&k.EtcdDiskSizeGB, "512")
	set(&k.LoadBalancerSku, "Basic")
	set(&k.ContainerdVersion, "1.6.36")
	if k.EtcdEncryptionKey == "" {
		var key [32]byte
		_, _ = rand.Read(key[:])
		k.EtcdEncryptionKey = base64.StdEncoding.EncodeToString(key[:])
	}
	set(&j.props.MasterProfile.FirstConsecutiveStaticIP, firstMaster)
	set(&j.props.MasterProfile.Distro, "aks-ubuntu-22.04")
	for _, a := range j.props.AgentPoolProfiles {
		set(&a.Distro, "aks-ubuntu-22.04")
		set(&a.OSType, "Linux")
		set(&a.StorageProfile, "ManagedDisks")
	}
	if j.props.LinuxProfile == nil {
		j.props.LinuxProfile = &LinuxProfile{}
	}
	set(&j.props.LinuxProfile.AdminUsername, "azureuser")
	if j.props.ServicePrincipalProfile == nil {
		j.props.ServicePrincipalProfile = &ServicePrincipalProfile{}
	}
	set(&j.props.ServicePrincipalProfile.ClientID, j.clientID)
	set(&j.props.ServicePrincipalProfile.Secret, j.clientSecret)
}

// ensureSSHKey makes a key pair when the model has none; the private half
// goes into the output folder.
func (j *job) ensureSSHKey(bits int) error {
	keys := &j.props.LinuxProfile.SSH.PublicKeys
	if len(*keys) > 0 && (*keys)[0].KeyData != "" {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return err
	}
	pub, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	j.sshKey = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	*keys = []PublicKey{{KeyData: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))}}
	return nil
}

func (p *process) checkImage(ctx context.Context, j *job) error {
	target := fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Compute/locations/%s/publishers/%s/artifacttypes/vmimage/offers/%s/skus/%s/versions/%s?api-version=2020-06-01",
		j.subscription, j.cs.Location, imagePublisher, imageOffer, imageSKU, imageVersion)
	a, err := j.arm.call(ctx, http.MethodGet, target, nil)
	if err == nil && a.status == http.StatusOK {
		return nil
	}
	if err == nil {
		err = a.failure()
	}
	p.log.error("error: %v", err)
	p.log.error("Image Publisher: %s, Offer: %s, SKU: %s, Version: %s", imagePublisher, imageOffer, imageSKU, imageVersion)
	return fmt.Errorf(errImages, j.model)
}

// put sends the template and follows the deployment to its end.
func (p *process) put(ctx context.Context, j *job) error {
	name := fmt.Sprintf("%s-%d", j.group, mathrand.Int32N(1<<31-1))
	p.log.info("Starting ARM Deployment %s in resource group %s. This will take some time...", name, j.group)
	doc, params := j.template(), j.parameters()
	target := "/subscriptions/" + j.subscription + "/resourcegroups/" + j.group + "/providers/Microsoft.Resources/deployments/" + name + "?api-version=" + groupVersion
	a, err := j.arm.call(ctx, http.MethodPut, target, map[string]any{"properties": map[string]any{"mode": "Incremental", "template": doc, "parameters": params}})
	if err != nil {
		return err
	}
	if a.status >= 300 {
		return a.failure()
	}
	if err := j.arm.follow(ctx, a); err != nil {
		p.log.info("Finished ARM Deployment (%s). Error: %v", name, err)
		return err
	}
	if a, err = j.arm.call(ctx, http.MethodGet, target, nil); err != nil || a.status != http.StatusOK {
		return errors.New("reading the deployment")
	}
	p.log.info("Finished ARM Deployment (%s). Succeeded", name)
	return nil
}

func (p *process) generate(ctx context.Context, d *deployFlags) error {
	d.force = true
	j, err := p.prepareLocal(ctx, d)
	if err != nil {
		return fmt.Errorf("loading API model in generateCmd: %w", err)
	}
	return p.complete(ctx, j)
}

// prepareLocal is prepare for generate, which takes the location from the model.
func (p *process) prepareLocal(ctx context.Context, d *deployFlags) (*job, error) {
	if d.model == "" {
		return nil, errors.New("--api-model was not supplied, nor was one specified as a positional argument")
	}
	cs, err := p.loadModel(d.model)
	if err == nil {
		d.location = cs.Location
	}
	return p.prepare(ctx, d)
}

// write puts the output folder on the disk. A run that brought its
// certificates along writes only the three JSON files.
func (p *process) write(j *job) error {
	if err := os.MkdirAll(j.output, 0o700); err != nil {
		return err
	}
	doc, err := indented(j.template())
	if err != nil {
		return err
	}
	params, err := indented(map[string]any{"$schema": "http://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": j.parameters()})
	if err != nil {
		return err
	}
	model, err := indented(modelFile{APIVersion: modelVersion, ContainerService: *j.cs})
	if err != nil {
		return err
	}
	files := map[string]string{"apimodel.json": string(model), "azuredeploy.json": string(doc), "azuredeploy.parameters.json": string(params)}
	if j.sshKey != "" {
		files[j.props.LinuxProfile.AdminUsername+"_rsa"] = j.sshKey
	}
	if j.fresh {
		if err := j.certificateFiles(files); err != nil {
			return err
		}
	}
	for name, body := range files {
		file := filepath.Join(j.output, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) certificateFiles(files map[string]string) error {
	c := j.props.CertificateProfile
	kubeconfig, err := j.kubeconfig()
	if err != nil {
		return err
	}
	files["kubeconfig/kubeconfig."+j.cs.Location+".json"] = string(kubeconfig)
	for name, p := range map[string]pair{
		"ca": {c.CaCertificate, c.CaPrivateKey}, "apiserver": {c.APIServerCertificate, c.APIServerPrivateKey}, "client": {c.ClientCertificate, c.ClientPrivateKey},
		"kubectlClient": {c.KubeConfigCertificate, c.KubeConfigPrivateKey}, "etcdserver": {c.EtcdServerCertificate, c.EtcdServerPrivateKey}, "etcdclient": {c.EtcdClientCertificate, c.EtcdClientPrivateKey},
	} {
		files[name+".crt"], files[name+".key"] = p.cert, p.key
	}
	for i := range c.EtcdPeerCertificates {
		files[fmt.Sprintf("etcdpeer%d.crt", i)], files[fmt.Sprintf("etcdpeer%d.key", i)] = c.EtcdPeerCertificates[i], c.EtcdPeerPrivateKeys[i]
	}
	return nil
}

func (j *job) kubeconfig() ([]byte, error) {
	c, name := j.props.CertificateProfile, j.props.MasterProfile.DNSPrefix
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return indented(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []any{map[string]any{"name": name, "cluster": map[string]any{"certificate-authority-data": b64(c.CaCertificate), "server": "https://" + j.fqdn}}},
		"contexts": []any{map[string]any{"name": name, "context": map[string]any{"cluster": name, "user": name + "-admin"}}},
		"users":    []any{map[string]any{"name": name + "-admin", "user": map[string]any{"client-certificate-data": b64(c.KubeConfigCertificate), "client-key-data": b64(c.KubeConfigPrivateKey)}}},
	})
}
