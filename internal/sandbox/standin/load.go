package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

var (
	errNoMaster = errors.New("MasterProfile can't be nil")
	noSuchField = `json: unknown field "`
)

// decode reads a document of the model. A key that there isn't is refused, wherever it stands.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) { // the document doesn't know that fields are shared here
		kind.Field = strings.Replace(kind.Field, "Machines.", "", 1)
	}
	if _, key, ok := strings.Cut(err.Error(), noSuchField); ok {
		return errors.New("Unknown JSON tag " + strings.TrimSuffix(key, `"`))
	}
	return err
}

// loadModel reads an API model. A new cluster's Kubernetes settings are checked at once.
func (p *process) loadModel(file string, fresh bool) (*Model, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("error reading file %s: %w", file, err)
	}
	var meta struct{ APIVersion string }
	if err := json.Unmarshal(text, &meta); err != nil {
		return nil, err
	}
	if meta.APIVersion != modelVersion {
		return nil, fmt.Errorf("unrecognized APIVersion '%s'", meta.APIVersion)
	}
	m := &Model{}
	if err := decode(text, m); err != nil {
		return nil, err
	}
	if m.Properties == nil {
		return nil, &crashError{}
	}
	o := m.Properties.OrchestratorProfile
	if o == nil {
		o = &OrchestratorProfile{}
		m.Properties.OrchestratorProfile = o
	}
	o.OrchestratorType = "Kubernetes"
	if fresh {
		if err := checkKubernetes(m.Properties); err != nil {
			return nil, err
		}
		o.OrchestratorVersion = resolveVersion(o.OrchestratorRelease, o.OrchestratorVersion)
		o.OrchestratorRelease = minorOf(o.OrchestratorVersion)
	}
	if o.KubernetesConfig == nil {
		o.KubernetesConfig = &KubernetesConfig{}
	}
	if !fresh && m.Properties.MasterProfile != nil { // an older version may have made what this one refuses
		return m, validate(m, func() {})
	}
	return m, nil
}

// writeDefaultModel prints the model that deploy uses without -m.
func writeDefaultModel(w io.Writer) error {
	three := Machines{Count: 3, VMSize: "Standard_DS2_v2", OSDiskSizeGB: 200}
	text, err := json.MarshalIndent(Model{APIVersion: modelVersion, Properties: &Properties{
		OrchestratorProfile: &OrchestratorProfile{OrchestratorType: "Kubernetes"},
		MasterProfile:       &MasterProfile{Machines: three},
		AgentPoolProfiles:   []*AgentPoolProfile{{Name: "agent", Machines: three}},
		LinuxProfile:        &LinuxProfile{AdminUsername: "azureuser"},
	}}, "", "\t")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
