package standin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
)

// write fills the output folder. The certificates and the kubeconfig are written only when the run made certificates.
func (j *job) write(fresh bool) error {
	model, err := indented(j.model)
	if err != nil {
		return err
	}
	template, err := j.printed(j.template(part{mark: deployMark}))
	if err != nil {
		return err
	}
	var values any = j.parameters(part{})
	if !j.noPretty {
		values = object{"$schema": "http://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": values}
	}
	parameters, err := j.printed(values)
	if err != nil {
		return err
	}
	files := map[string][]byte{"azuredeploy.parameters.json": parameters}
	if !j.parametersOnly {
		files["apimodel.json"], files["azuredeploy.json"] = model, template
	}
	if fresh {
		if err := j.addCertificates(files); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := save(j.output, name, text); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) printed(v any) ([]byte, error) {
	if !j.noPretty {
		return indented(v)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// save writes a file that only its owner may read.
func save(dir, name string, text []byte) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func (j *job) addCertificates(files map[string][]byte) error {
	for _, f := range j.props.CertificateProfile.files() {
		files[f.file+".crt"], files[f.file+".key"] = []byte(*f.cert), []byte(*f.key)
	}
	kubeconfig, err := j.kubeconfig()
	files["kubeconfig/kubeconfig."+j.model.Location+".json"] = kubeconfig
	return err
}

// fqdn is the public name of the API server.
func (j *job) fqdn() string {
	suffix := "cloudapp.azure.com"
	if c := j.props.CustomCloudProfile; c != nil && c.Environment != nil {
		suffix = c.Environment.ResourceManagerVMDNSSuffix
	}
	return j.props.MasterProfile.DNSPrefix + "." + j.model.Location + "." + suffix
}

// kubeconfig is the configuration of a cluster administrator.
func (j *job) kubeconfig() ([]byte, error) {
	c, name := j.props.CertificateProfile, j.props.MasterProfile.DNSPrefix
	b64 := base64.StdEncoding.EncodeToString
	user := name + "-admin"
	return json.MarshalIndent(object{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []object{{"name": name, "cluster": object{"certificate-authority-data": b64([]byte(c.CACertificate)), "server": "https://" + j.fqdn()}}},
		"contexts": []object{{"name": name, "context": object{"cluster": name, "user": user}}},
		"users": []object{{"name": user, "user": object{
			"client-certificate-data": b64([]byte(c.KubeConfigCertificate)), "client-key-data": b64([]byte(c.KubeConfigPrivateKey))}}},
	}, "", "    ")
}
