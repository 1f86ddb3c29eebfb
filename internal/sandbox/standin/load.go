package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
)

const modelVersion = "vlabs"

// modelFile is an API model with its version, as it stands in a file.
type modelFile struct {
	APIVersion string `json:"apiVersion"`
	ContainerService
}

// UnmarshalJSON refuses orchestrators other than Kubernetes.
func (o *OrchestratorProfile) UnmarshalJSON(text []byte) error {
	type plain OrchestratorProfile
	var v plain
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if v.OrchestratorType != "" && !strings.EqualFold(v.OrchestratorType, "Kubernetes") {
		return fmt.Errorf("OrchestratorType has unknown orchestrator: %s", v.OrchestratorType)
	}
	v.OrchestratorType = "Kubernetes"
	*o = OrchestratorProfile(v)
	return nil
}

// loadModel reads an API model and checks what concerns its versions and its Kubernetes configuration.
func (p *process) loadModel(file string) (*ContainerService, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("error reading file %s: %w", file, err)
	}
	var meta struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return nil, err
	}
	if meta.APIVersion != modelVersion {
		return nil, fmt.Errorf("unrecognized APIVersion '%s'", meta.APIVersion)
	}
	cs := &ContainerService{}
	if err := json.Unmarshal(text, cs); err != nil {
		return nil, err
	}
	if cs.Properties == nil {
		return nil, &crashError{}
	}
	if cs.Properties.OrchestratorProfile == nil {
		cs.Properties.OrchestratorProfile = &OrchestratorProfile{OrchestratorType: "Kubernetes"}
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	if err := checkKeys(raw, reflect.TypeFor[ContainerService](), "apiversion"); err != nil {
		return nil, err
	}
	if err := p.validateOrchestrator(cs.Properties); err != nil {
		return nil, err
	}
	adopt(cs.Properties)
	return cs, nil
}

// adopt settles what a model may leave open or say in an old way.
func adopt(props *Properties) {
	o := props.OrchestratorProfile
	o.OrchestratorVersion = resolveVersion(o.OrchestratorRelease, o.OrchestratorVersion)
	o.OrchestratorRelease = minorOf(o.OrchestratorVersion)
	if o.KubernetesConfig == nil {
		o.KubernetesConfig = &KubernetesConfig{}
	}
	k := o.KubernetesConfig
	switch {
	case k.NetworkPlugin == "" && k.NetworkPolicy == "azure":
		k.NetworkPlugin, k.NetworkPolicy = "azure", ""
	case k.NetworkPolicy == "none":
		k.NetworkPlugin, k.NetworkPolicy = "kubenet", ""
	}
	if k.NetworkPlugin == "" && (k.NetworkPolicy == "" || k.NetworkPolicy == "calico") {
		k.NetworkPlugin = "kubenet"
	}
	if f := props.FeatureFlags; f != nil {
		// Both spellings mean the same, and the newer one is kept.
		f.EnforceUbuntu2204DisaStig = f.EnforceUbuntu2004DisaStig || f.EnforceUbuntu2204DisaStig
		f.EnforceUbuntu2004DisaStig = false
	}
}

// checkKeys finds a key that the type doesn't have. Keys count without regard to case, as when JSON is decoded.
func checkKeys(object map[string]any, t reflect.Type, more ...string) error {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[strings.ToLower(tag)] = t.Field(i).Type
	}
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		field, ok := fields[strings.ToLower(key)]
		if !ok && slices.Contains(more, strings.ToLower(key)) {
			continue
		}
		if !ok {
			return fmt.Errorf("Unknown JSON tag %s", key)
		}
		if err := checkValue(object[key], field); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(value any, t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer:
		return checkValue(value, t.Elem())
	case reflect.Struct:
		if object, ok := value.(map[string]any); ok {
			return checkKeys(object, t)
		}
	case reflect.Slice:
		list, _ := value.([]any)
		for _, item := range list {
			if err := checkValue(item, t.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeDefaultModel prints the model that deploy uses without -m.
func writeDefaultModel(w io.Writer) error {
	props := &Properties{
		OrchestratorProfile: &OrchestratorProfile{OrchestratorType: "Kubernetes"},
		MasterProfile:       &MasterProfile{Count: 3, VMSize: "Standard_DS2_v2", OSDiskSizeGB: 200},
		AgentPoolProfiles:   []*AgentPoolProfile{{Name: "agent", Count: 3, VMSize: "Standard_DS2_v2", OSDiskSizeGB: 200}},
		LinuxProfile:        &LinuxProfile{AdminUsername: "azureuser"},
	}
	text, err := json.MarshalIndent(struct {
		APIVersion string      `json:"apiVersion"`
		Properties *Properties `json:"properties"`
	}{modelVersion, props}, "", "\t")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// isAzureStack says whether a model is for an Azure Stack Hub.
func (p *Properties) isAzureStack() bool {
	c := p.CustomCloudProfile
	return c != nil && (c.Environment == nil || c.Environment.Name == "" || strings.EqualFold(c.Environment.Name, "AzureStackCloud"))
}

func (p *Properties) hasWindows() bool {
	return slices.ContainsFunc(p.AgentPoolProfiles, func(a *AgentPoolProfile) bool { return a.OSType == "Windows" })
}

func isTrue(b *bool) bool { return b != nil && *b }

// errNoMaster is what a model without a control plane gets.
var errNoMaster = errors.New("MasterProfile can't be nil")
