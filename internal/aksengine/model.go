package aksengine

import (
	"encoding/json"
	"fmt"
	"strings"

	"hubwright/workflows"
)

// Model is the API model that we give the engine, in the engine's own shape.
// It carries what a deployment on Azure Stack Hub uses; the field names are
// those of the JSON document.
type Model struct {
	APIVersion string     `json:"apiVersion"`
	Location   string     `json:"location"`
	Properties Properties `json:"properties"`
}

// Properties are the parts of an API model.
type Properties struct {
	OrchestratorProfile     OrchestratorProfile      `json:"orchestratorProfile"`
	CustomCloudProfile      CustomCloudProfile       `json:"customCloudProfile"`
	FeatureFlags            *FeatureFlags            `json:"featureFlags,omitempty"`
	MasterProfile           MasterProfile            `json:"masterProfile"`
	AgentPoolProfiles       []AgentPoolProfile       `json:"agentPoolProfiles"`
	LinuxProfile            LinuxProfile             `json:"linuxProfile"`
	ServicePrincipalProfile *ServicePrincipalProfile `json:"servicePrincipalProfile,omitempty"`
}

// OrchestratorProfile names the Kubernetes version and its settings.
type OrchestratorProfile struct {
	OrchestratorType    string           `json:"orchestratorType,omitempty"`
	OrchestratorRelease string           `json:"orchestratorRelease"`
	OrchestratorVersion string           `json:"orchestratorVersion"`
	KubernetesConfig    KubernetesConfig `json:"kubernetesConfig"`
}

// KubernetesConfig are the settings of the cluster.
type KubernetesConfig struct {
	CloudProviderBackoff              bool              `json:"cloudProviderBackoff,omitempty"`
	CloudProviderBackoffRetries       int               `json:"cloudProviderBackoffRetries,omitempty"`
	CloudProviderBackoffDuration      int               `json:"cloudProviderBackoffDuration,omitempty"`
	CloudProviderRateLimit            bool              `json:"cloudProviderRateLimit,omitempty"`
	CloudProviderRateLimitQPS         float64           `json:"cloudProviderRateLimitQPS,omitempty"`
	CloudProviderRateLimitBucket      int               `json:"cloudProviderRateLimitBucket,omitempty"`
	CloudProviderRateLimitQPSWrite    float64           `json:"cloudProviderRateLimitQPSWrite,omitempty"`
	CloudProviderRateLimitBucketWrite int               `json:"cloudProviderRateLimitBucketWrite,omitempty"`
	UseCloudControllerManager         *bool             `json:"useCloudControllerManager,omitempty"`
	UseInstanceMetadata               *bool             `json:"useInstanceMetadata,omitempty"`
	NetworkPlugin                     string            `json:"networkPlugin,omitempty"`
	NetworkPolicy                     string            `json:"networkPolicy,omitempty"`
	ClusterSubnet                     string            `json:"clusterSubnet,omitempty"`
	ServiceCIDR                       string            `json:"serviceCidr,omitempty"`
	DNSServiceIP                      string            `json:"dnsServiceIP,omitempty"`
	MaxPods                           int               `json:"maxPods,omitempty"`
	ContainerRuntime                  string            `json:"containerRuntime,omitempty"`
	LoadBalancerSKU                   string            `json:"loadBalancerSku,omitempty"`
	ExcludeMasterFromStandardLB       *bool             `json:"excludeMasterFromStandardLB,omitempty"`
	EtcdDiskSizeGB                    string            `json:"etcdDiskSizeGB,omitempty"`
	KubeletConfig                     map[string]string `json:"kubeletConfig,omitempty"`
	ControllerManagerConfig           map[string]string `json:"controllerManagerConfig,omitempty"`
	Addons                            []Addon           `json:"addons,omitempty"`
}

// Addon is an addon of the cluster.
type Addon struct {
	Name    string            `json:"name"`
	Enabled *bool             `json:"enabled,omitempty"`
	Config  map[string]string `json:"config,omitempty"`
	Data    string            `json:"data,omitempty"`
}

// On says whether the model switches the addon on.
func (a Addon) On() bool { return a.Enabled != nil && *a.Enabled }

// CustomCloudProfile says which stamp it is.
type CustomCloudProfile struct {
	PortalURL            string                   `json:"portalURL"`
	IdentitySystem       workflows.IdentitySystem `json:"identitySystem"`
	AuthenticationMethod workflows.AuthMethod     `json:"authenticationMethod,omitempty"`
	DependenciesLocation string                   `json:"dependenciesLocation,omitempty"`
}

// FeatureFlags are switches of the engine.
type FeatureFlags struct {
	EnableTelemetry bool `json:"enableTelemetry"`
}

// MasterProfile is the control plane.
type MasterProfile struct {
	DNSPrefix                string `json:"dnsPrefix"`
	Distro                   string `json:"distro"`
	Count                    int    `json:"count"`
	VMSize                   string `json:"vmSize"`
	OSDiskSizeGB             int    `json:"osDiskSizeGB,omitempty"`
	VnetSubnetID             string `json:"vnetSubnetId,omitempty"`
	VnetCIDR                 string `json:"vnetCidr,omitempty"`
	FirstConsecutiveStaticIP string `json:"firstConsecutiveStaticIP,omitempty"`
	AvailabilityProfile      string `json:"availabilityProfile,omitempty"`
}

// AgentPoolProfile is one node pool.
type AgentPoolProfile struct {
	Name                         string            `json:"name"`
	Count                        int               `json:"count"`
	VMSize                       string            `json:"vmSize"`
	OSDiskSizeGB                 int               `json:"osDiskSizeGB,omitempty"`
	Distro                       string            `json:"distro"`
	AvailabilityProfile          string            `json:"availabilityProfile"`
	AcceleratedNetworkingEnabled bool              `json:"AcceleratedNetworkingEnabled"`
	VnetSubnetID                 string            `json:"vnetSubnetId,omitempty"`
	CustomNodeLabels             map[string]string `json:"customNodeLabels,omitempty"`
}

// LinuxProfile is how people log in to the nodes.
type LinuxProfile struct {
	AdminUsername                    string `json:"adminUsername"`
	SSH                              SSH    `json:"ssh"`
	EnableUnattendedUpgrades         bool   `json:"enableUnattendedUpgrades"`
	RunUnattendedUpgradesOnBootstrap bool   `json:"runUnattendedUpgradesOnBootstrap"`
}

// SSH holds the nodes' authorized keys.
type SSH struct {
	PublicKeys []PublicKey `json:"publicKeys"`
}

// PublicKey is one authorized key.
type PublicKey struct {
	KeyData string `json:"keyData"`
}

// ServicePrincipalProfile is the principal that the cluster itself uses.
type ServicePrincipalProfile struct {
	ClientID string `json:"clientId"`
	Secret   string `json:"secret"`
}

// New is a model with the values that the engine's sample for Azure Stack Hub
// has, without telemetry: the caller fills in names, counts and sizes.
func New() Model {
	yes, no := true, false
	return Model{
		APIVersion: "vlabs",
		Properties: Properties{
			OrchestratorProfile: OrchestratorProfile{
				OrchestratorType: "Kubernetes",
				KubernetesConfig: KubernetesConfig{
					// Resource Manager on a stamp is slow to answer and quick to throttle.
					CloudProviderBackoff: true, CloudProviderBackoffRetries: 1, CloudProviderBackoffDuration: 30,
					CloudProviderRateLimit: true, CloudProviderRateLimitQPS: 100, CloudProviderRateLimitBucket: 150,
					CloudProviderRateLimitQPSWrite: 25, CloudProviderRateLimitBucketWrite: 30,
					UseCloudControllerManager: &yes, UseInstanceMetadata: &no,
					NetworkPlugin: "kubenet",
					KubeletConfig: map[string]string{"--node-status-update-frequency": "1m"},
					ControllerManagerConfig: map[string]string{
						"--node-monitor-grace-period":   "5m",
						"--pod-eviction-timeout":        "5m",
						"--route-reconciliation-period": "1m",
					},
				},
			},
			FeatureFlags:  &FeatureFlags{},
			MasterProfile: MasterProfile{Distro: Distro, Count: 3, VMSize: "Standard_DS2_v2"},
			LinuxProfile:  LinuxProfile{AdminUsername: "azureuser", SSH: SSH{PublicKeys: []PublicKey{}}},
			// Empty: with a client secret the engine fills in what comes with its command line.
			ServicePrincipalProfile: &ServicePrincipalProfile{},
		},
	}
}

// NewPool is a pool with the values that Azure Stack Hub needs.
func NewPool(name string, count int, size string) AgentPoolProfile {
	return AgentPoolProfile{Name: name, Count: count, VMSize: size, Distro: Distro, AvailabilityProfile: "AvailabilitySet"}
}

// SetVersion sets the Kubernetes version and the release that belongs to it.
func (m *Model) SetVersion(version string) {
	m.Properties.OrchestratorProfile.OrchestratorVersion = version
	m.Properties.OrchestratorProfile.OrchestratorRelease = release(version)
}

func release(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}

// JSON is the model as a document for --api-model. It holds the principal's
// secret when the model does; show it through Masked.
func (m Model) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("rendering the API model: %w", err)
	}
	return append(b, '\n'), nil
}
