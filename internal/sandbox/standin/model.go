package standin

import (
	"encoding/json"
	"strings"
)

const modelVersion = "vlabs"

// Model is an API model. It has the keys that a cluster on an Azure Stack Hub needs; any other key is refused. What the
// stand-in does not look at is kept as it came.
type Model struct {
	APIVersion string      `json:"apiVersion"`
	Location   string      `json:"location,omitempty"`
	Properties *Properties `json:"properties"`
}

// Properties are the parts of an API model.
type Properties struct {
	ClusterID               string                   `json:"clusterID,omitempty"`
	OrchestratorProfile     *OrchestratorProfile     `json:"orchestratorProfile,omitempty"`
	MasterProfile           *MasterProfile           `json:"masterProfile,omitempty"`
	AgentPoolProfiles       []*AgentPoolProfile      `json:"agentPoolProfiles,omitempty"`
	LinuxProfile            *LinuxProfile            `json:"linuxProfile,omitempty"`
	ServicePrincipalProfile *ServicePrincipalProfile `json:"servicePrincipalProfile,omitempty"`
	CertificateProfile      *CertificateProfile      `json:"certificateProfile,omitempty"`
	FeatureFlags            *FeatureFlags            `json:"featureFlags,omitempty"`
	CustomCloudProfile      *CustomCloudProfile      `json:"customCloudProfile,omitempty"`
}

// OrchestratorProfile says which Kubernetes it is.
type OrchestratorProfile struct {
	OrchestratorType    string            `json:"orchestratorType,omitempty"`
	OrchestratorRelease string            `json:"orchestratorRelease,omitempty"`
	OrchestratorVersion string            `json:"orchestratorVersion,omitempty"`
	KubernetesConfig    *KubernetesConfig `json:"kubernetesConfig,omitempty"`
}

// KubernetesConfig are the settings of the cluster.
type KubernetesConfig struct {
	NetworkPlugin               string  `json:"networkPlugin,omitempty"`
	NetworkPolicy               string  `json:"networkPolicy,omitempty"`
	ClusterSubnet               string  `json:"clusterSubnet,omitempty"`
	ServiceCIDR                 string  `json:"serviceCidr,omitempty"`
	DNSServiceIP                string  `json:"dnsServiceIP,omitempty"`
	MaxPods                     int     `json:"maxPods,omitempty"`
	LoadBalancerSKU             string  `json:"loadBalancerSku,omitempty"`
	ExcludeMasterFromStandardLB bool    `json:"excludeMasterFromStandardLB,omitempty"`
	ContainerRuntime            string  `json:"containerRuntime,omitempty"`
	KubernetesImageBase         string  `json:"kubernetesImageBase,omitempty"`
	KubernetesImageBaseType     string  `json:"kubernetesImageBaseType,omitempty"`
	EtcdDiskSizeGB              string  `json:"etcdDiskSizeGB,omitempty"`
	EtcdEncryptionKey           string  `json:"etcdEncryptionKey,omitempty"`
	EnableRBAC                  *bool   `json:"enableRbac,omitempty"`
	UseCloudControllerManager   *bool   `json:"useCloudControllerManager,omitempty"`
	UseInstanceMetadata         *bool   `json:"useInstanceMetadata,omitempty"`
	Addons                      []Addon `json:"addons,omitempty"`

	APIServerConfig              map[string]string `json:"apiServerConfig,omitempty"`
	ControllerManagerConfig      map[string]string `json:"controllerManagerConfig,omitempty"`
	CloudControllerManagerConfig map[string]string `json:"cloudControllerManagerConfig,omitempty"`
	SchedulerConfig              map[string]string `json:"schedulerConfig,omitempty"`
	KubeletConfig                map[string]string `json:"kubeletConfig,omitempty"`

	CloudProviderBackoff              *bool   `json:"cloudProviderBackoff,omitempty"`
	CloudProviderBackoffRetries       int     `json:"cloudProviderBackoffRetries,omitempty"`
	CloudProviderBackoffDuration      int     `json:"cloudProviderBackoffDuration,omitempty"`
	CloudProviderRateLimit            *bool   `json:"cloudProviderRateLimit,omitempty"`
	CloudProviderRateLimitQPS         float64 `json:"cloudProviderRateLimitQPS,omitempty"`
	CloudProviderRateLimitBucket      int     `json:"cloudProviderRateLimitBucket,omitempty"`
	CloudProviderRateLimitQPSWrite    float64 `json:"cloudProviderRateLimitQPSWrite,omitempty"`
	CloudProviderRateLimitBucketWrite int     `json:"cloudProviderRateLimitBucketWrite,omitempty"`
}

// Addon is an addon of the cluster.
type Addon struct {
	Name    string            `json:"name"`
	Enabled *bool             `json:"enabled,omitempty"`
	Config  map[string]string `json:"config,omitempty"`
	Data    string            `json:"data,omitempty"`
}

// Machines is what the model says in the same way of the control plane and of a pool.
type Machines struct {
	Count               int             `json:"count"`
	VMSize              string          `json:"vmSize"`
	Distro              string          `json:"distro,omitempty"`
	OSDiskSizeGB        int             `json:"osDiskSizeGB,omitempty"`
	StorageProfile      string          `json:"storageProfile,omitempty"`
	AvailabilityProfile string          `json:"availabilityProfile,omitempty"`
	VnetSubnetID        string          `json:"vnetSubnetID,omitempty"`
	ImageRef            json.RawMessage `json:"imageRef,omitempty"`
	SysctldConfig       json.RawMessage `json:"sysctldConfig,omitempty"`
	KubernetesConfig    json.RawMessage `json:"kubernetesConfig,omitempty"`
}

// MasterProfile is the control plane.
type MasterProfile struct {
	DNSPrefix                string   `json:"dnsPrefix"`
	SubjectAltNames          []string `json:"subjectAltNames,omitempty"`
	VnetCIDR                 string   `json:"vnetCidr,omitempty"`
	FirstConsecutiveStaticIP string   `json:"firstConsecutiveStaticIP,omitempty"`
	Machines
}

// AgentPoolProfile is a node pool.
type AgentPoolProfile struct {
	Name                         string            `json:"name"`
	OSType                       string            `json:"osType,omitempty"`
	AcceleratedNetworkingEnabled *bool             `json:"acceleratedNetworkingEnabled,omitempty"`
	CustomNodeLabels             map[string]string `json:"customNodeLabels,omitempty"`
	Machines
}

// LinuxProfile says who may log in to the nodes.
type LinuxProfile struct {
	AdminUsername                    string `json:"adminUsername"`
	SSH                              SSH    `json:"ssh"`
	EnableUnattendedUpgrades         *bool  `json:"enableUnattendedUpgrades,omitempty"`
	RunUnattendedUpgradesOnBootstrap *bool  `json:"runUnattendedUpgradesOnBootstrap,omitempty"`
}

// SSH holds the nodes' authorized keys.
type SSH struct {
	PublicKeys []PublicKey `json:"publicKeys"`
}

// PublicKey is one authorized key.
type PublicKey struct {
	KeyData string `json:"keyData"`
}

// ServicePrincipalProfile is the cluster's own identity.
type ServicePrincipalProfile struct {
	ClientID string `json:"clientId,omitempty"`
	Secret   string `json:"secret,omitempty"`
}

// CertificateProfile is the PKI of a cluster, in PEM.
type CertificateProfile struct {
	CACertificate         string   `json:"caCertificate,omitempty"`
	CAPrivateKey          string   `json:"caPrivateKey,omitempty"`
	APIServerCertificate  string   `json:"apiServerCertificate,omitempty"`
	APIServerPrivateKey   string   `json:"apiServerPrivateKey,omitempty"`
	ClientCertificate     string   `json:"clientCertificate,omitempty"`
	ClientPrivateKey      string   `json:"clientPrivateKey,omitempty"`
	KubeConfigCertificate string   `json:"kubeConfigCertificate,omitempty"`
	KubeConfigPrivateKey  string   `json:"kubeConfigPrivateKey,omitempty"`
	EtcdServerCertificate string   `json:"etcdServerCertificate,omitempty"`
	EtcdServerPrivateKey  string   `json:"etcdServerPrivateKey,omitempty"`
	EtcdClientCertificate string   `json:"etcdClientCertificate,omitempty"`
	EtcdClientPrivateKey  string   `json:"etcdClientPrivateKey,omitempty"`
	EtcdPeerCertificates  []string `json:"etcdPeerCertificates,omitempty"`
	EtcdPeerPrivateKeys   []string `json:"etcdPeerPrivateKeys,omitempty"`
}

// FeatureFlags switch features on.
type FeatureFlags struct {
	EnableTelemetry bool `json:"enableTelemetry,omitempty"`
}

// CustomCloudProfile says where the Hub is.
type CustomCloudProfile struct {
	PortalURL            string       `json:"portalURL,omitempty"`
	IdentitySystem       string       `json:"identitySystem,omitempty"`
	AuthenticationMethod string       `json:"authenticationMethod,omitempty"`
	DependenciesLocation string       `json:"dependenciesLocation,omitempty"`
	Environment          *Environment `json:"environment,omitempty"`
}

// Environment holds the endpoints of a Hub.
type Environment struct {
	Name                       string `json:"name,omitempty"`
	ResourceManagerEndpoint    string `json:"resourceManagerEndpoint,omitempty"`
	ServiceManagementEndpoint  string `json:"serviceManagementEndpoint,omitempty"`
	ActiveDirectoryEndpoint    string `json:"activeDirectoryEndpoint,omitempty"`
	GraphEndpoint              string `json:"graphEndpoint,omitempty"`
	GalleryEndpoint            string `json:"galleryEndpoint,omitempty"`
	ResourceManagerVMDNSSuffix string `json:"resourceManagerVMDNSSuffix,omitempty"`
	StorageEndpointSuffix      string `json:"storageEndpointSuffix,omitempty"`
	KeyVaultDNSSuffix          string `json:"keyVaultDNSSuffix,omitempty"`
	TokenAudience              string `json:"tokenAudience,omitempty"`
}

// complete says whether the endpoints are known, so that the Hub need not be asked.
func (e *Environment) complete() bool {
	for _, needed := range []string{e.Name, e.ServiceManagementEndpoint, e.ActiveDirectoryEndpoint, e.GraphEndpoint, e.ResourceManagerVMDNSSuffix, e.TokenAudience} {
		if needed == "" {
			return false
		}
	}
	return true
}

// isAzureStack says whether a model is for an Azure Stack Hub.
func (p *Properties) isAzureStack() bool {
	c := p.CustomCloudProfile
	return c != nil && (c.Environment == nil || c.Environment.Name == "" || strings.EqualFold(c.Environment.Name, "AzureStackCloud"))
}

// nodes is how many the cluster has.
func (p *Properties) nodes() int {
	n := p.MasterProfile.Count
	for _, a := range p.AgentPoolProfiles {
		n += a.Count
	}
	return n
}

// pool is the pool of that name, or nil.
func (p *Properties) pool(name string) *AgentPoolProfile {
	for _, a := range p.AgentPoolProfiles {
		if a.Name == name {
			return a
		}
	}
	return nil
}
