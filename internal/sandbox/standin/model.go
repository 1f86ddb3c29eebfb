package standin

// ContainerService is an API model: what -m names.
type ContainerService struct {
	ID         string                `json:"id,omitempty"`
	Location   string                `json:"location,omitempty"`
	Name       string                `json:"name,omitempty"`
	Plan       *ResourcePurchasePlan `json:"plan,omitempty"`
	Tags       map[string]string     `json:"tags,omitempty"`
	Type       string                `json:"type,omitempty"`
	Properties *Properties           `json:"properties"`
}

// ResourcePurchasePlan is the plan of a marketplace product.
type ResourcePurchasePlan struct {
	Name          string `json:"name,omitempty"`
	Product       string `json:"product,omitempty"`
	PromotionCode string `json:"promotionCode,omitempty"`
	Publisher     string `json:"publisher,omitempty"`
}

// Properties are the parts of an API model.
type Properties struct {
	ProvisioningState       string                   `json:"provisioningState,omitempty"`
	OrchestratorProfile     *OrchestratorProfile     `json:"orchestratorProfile,omitempty"`
	MasterProfile           *MasterProfile           `json:"masterProfile,omitempty"`
	AgentPoolProfiles       []*AgentPoolProfile      `json:"agentPoolProfiles,omitempty"`
	LinuxProfile            *LinuxProfile            `json:"linuxProfile,omitempty"`
	ExtensionProfiles       []*ExtensionProfile      `json:"extensionProfiles,omitempty"`
	WindowsProfile          *WindowsProfile          `json:"windowsProfile,omitempty"`
	ServicePrincipalProfile *ServicePrincipalProfile `json:"servicePrincipalProfile,omitempty"`
	CertificateProfile      *CertificateProfile      `json:"certificateProfile,omitempty"`
	AADProfile              *AADProfile              `json:"aadProfile,omitempty"`
	FeatureFlags            *FeatureFlags            `json:"featureFlags,omitempty"`
	CustomCloudProfile      *CustomCloudProfile      `json:"customCloudProfile,omitempty"`
	TelemetryProfile        *TelemetryProfile        `json:"telemetryProfile,omitempty"`
}

// OrchestratorProfile says which Kubernetes to deploy.
type OrchestratorProfile struct {
	OrchestratorType    string            `json:"orchestratorType"`
	OrchestratorRelease string            `json:"orchestratorRelease,omitempty"`
	OrchestratorVersion string            `json:"orchestratorVersion,omitempty"`
	KubernetesConfig    *KubernetesConfig `json:"kubernetesConfig,omitempty"`
}

// MasterProfile describes the control plane.
type MasterProfile struct {
	Count                     int               `json:"count"`
	DNSPrefix                 string            `json:"dnsPrefix"`
	SubjectAltNames           []string          `json:"subjectAltNames"`
	VMSize                    string            `json:"vmSize"`
	OSDiskSizeGB              int               `json:"osDiskSizeGB,omitempty"`
	VnetSubnetID              string            `json:"vnetSubnetID,omitempty"`
	VnetCidr                  string            `json:"vnetCidr,omitempty"`
	AgentVnetSubnetID         string            `json:"agentVnetSubnetID,omitempty"`
	FirstConsecutiveStaticIP  string            `json:"firstConsecutiveStaticIP,omitempty"`
	IPAddressCount            int               `json:"ipAddressCount,omitempty"`
	StorageProfile            string            `json:"storageProfile,omitempty"`
	HTTPSourceAddressPrefix   string            `json:"HTTPSourceAddressPrefix,omitempty"`
	OauthEnabled              bool              `json:"oauthEnabled"`
	PreProvisionExtension     *Extension        `json:"preProvisionExtension"`
	Extensions                []Extension       `json:"extensions"`
	Distro                    string            `json:"distro,omitempty"`
	KubernetesConfig          *KubernetesConfig `json:"kubernetesConfig,omitempty"`
	ImageReference            *ImageReference   `json:"imageReference,omitempty"`
	CustomFiles               *[]CustomFile     `json:"customFiles,omitempty"`
	AvailabilityProfile       string            `json:"availabilityProfile"`
	AgentSubnet               string            `json:"agentSubnet,omitempty"`
	AvailabilityZones         []string          `json:"availabilityZones,omitempty"`
	SinglePlacementGroup      *bool             `json:"singlePlacementGroup,omitempty"`
	PlatformFaultDomainCount  *int              `json:"platformFaultDomainCount,omitempty"`
	PlatformUpdateDomainCount *int              `json:"platformUpdateDomainCount"`
	AuditDEnabled             *bool             `json:"auditDEnabled,omitempty"`
	CustomVMTags              map[string]string `json:"customVMTags,omitempty"`
	SysctldConfig             map[string]string `json:"sysctldConfig,omitempty"`
	UltraSSDEnabled           *bool             `json:"ultraSSDEnabled,omitempty"`
	EncryptionAtHost          *bool             `json:"encryptionAtHost,omitempty"`
	FQDN                      string            `json:"fqdn,omitempty"`
	CosmosEtcd                *bool             `json:"cosmosEtcd,omitempty"`
	ProximityPlacementGroupID string            `json:"proximityPlacementGroupID,omitempty"`
	OSDiskCachingType         string            `json:"osDiskCachingType,omitempty"`
}

// AgentPoolProfile describes a node pool.
type AgentPoolProfile struct {
	Name                                string            `json:"name"`
	Count                               int               `json:"count"`
	VMSize                              string            `json:"vmSize"`
	OSDiskSizeGB                        int               `json:"osDiskSizeGB,omitempty"`
	DNSPrefix                           string            `json:"dnsPrefix,omitempty"`
	OSType                              string            `json:"osType,omitempty"`
	Ports                               []int             `json:"ports,omitempty"`
	AvailabilityProfile                 string            `json:"availabilityProfile"`
	ScaleSetPriority                    string            `json:"scaleSetPriority,omitempty"`
	ScaleSetEvictionPolicy              string            `json:"scaleSetEvictionPolicy,omitempty"`
	SpotMaxPrice                        *float64          `json:"spotMaxPrice,omitempty"`
	StorageProfile                      string            `json:"storageProfile"`
	DiskSizesGB                         []int             `json:"diskSizesGB,omitempty"`
	VnetSubnetID                        string            `json:"vnetSubnetID,omitempty"`
	IPAddressCount                      int               `json:"ipAddressCount,omitempty"`
	Distro                              string            `json:"distro,omitempty"`
	KubernetesConfig                    *KubernetesConfig `json:"kubernetesConfig,omitempty"`
	ImageReference                      *ImageReference   `json:"imageReference,omitempty"`
	Role                                string            `json:"role,omitempty"`
	AcceleratedNetworkingEnabled        *bool             `json:"acceleratedNetworkingEnabled,omitempty"`
	AcceleratedNetworkingEnabledWindows *bool             `json:"acceleratedNetworkingEnabledWindows,omitempty"`
	VmssOverProvisioningEnabled         *bool             `json:"vmssOverProvisioningEnabled,omitempty"`
	AuditDEnabled                       *bool             `json:"auditDEnabled,omitempty"`
	CustomVMTags                        map[string]string `json:"customVMTags,omitempty"`
	DiskEncryptionSetID                 string            `json:"diskEncryptionSetID,omitempty"`
	UltraSSDEnabled                     *bool             `json:"ultraSSDEnabled,omitempty"`
	EncryptionAtHost                    *bool             `json:"encryptionAtHost,omitempty"`
	FQDN                                string            `json:"fqdn"`
	CustomNodeLabels                    map[string]string `json:"customNodeLabels,omitempty"`
	PreProvisionExtension               *Extension        `json:"preProvisionExtension"`
	Extensions                          []Extension       `json:"extensions"`
	SinglePlacementGroup                *bool             `json:"singlePlacementGroup,omitempty"`
	PlatformFaultDomainCount            *int              `json:"platformFaultDomainCount,omitempty"`
	PlatformUpdateDomainCount           *int              `json:"platformUpdateDomainCount"`
	AvailabilityZones                   []string          `json:"availabilityZones,omitempty"`
	EnableVMSSNodePublicIP              *bool             `json:"enableVMSSNodePublicIP,omitempty"`
	LoadBalancerBackendAddressPoolIDs   []string          `json:"loadBalancerBackendAddressPoolIDs,omitempty"`
	SysctldConfig                       map[string]string `json:"sysctldConfig,omitempty"`
	ProximityPlacementGroupID           string            `json:"proximityPlacementGroupID,omitempty"`
	OSDiskCachingType                   string            `json:"osDiskCachingType,omitempty"`
	DataDiskCachingType                 string            `json:"dataDiskCachingType,omitempty"`
	VmssName                            string            `json:"vmssName,omitempty"`
}

// LinuxProfile says who may log in to the nodes.
type LinuxProfile struct {
	AdminUsername string `json:"adminUsername"`
	SSH           struct {
		PublicKeys []PublicKey `json:"publicKeys"`
	} `json:"ssh"`
	Secrets                          []KeyVaultSecrets   `json:"secrets,omitempty"`
	Scriptroot                       string              `json:"scriptroot,omitempty"`
	CustomSearchDomain               *CustomSearchDomain `json:"customSearchDomain,omitempty"`
	CustomNodesDNS                   *CustomNodesDNS     `json:"customNodesDNS,omitempty"`
	RunUnattendedUpgradesOnBootstrap *bool               `json:"runUnattendedUpgradesOnBootstrap,omitempty"`
	EnableUnattendedUpgrades         *bool               `json:"enableUnattendedUpgrades,omitempty"`
	Eth0MTU                          int                 `json:"eth0MTU,omitempty"`
}

// PublicKey is an SSH public key.
type PublicKey struct {
	KeyData string `json:"keyData"`
}

// CustomSearchDomain is a DNS domain that Linux nodes join.
type CustomSearchDomain struct {
	Name          string `json:"name,omitempty"`
	RealmUser     string `json:"realmUser,omitempty"`
	RealmPassword string `json:"realmPassword,omitempty"`
}

// CustomNodesDNS is a DNS server for the nodes.
type CustomNodesDNS struct {
	DNSServer string `json:"dnsServer,omitempty"`
}

// ServicePrincipalProfile is the cluster's own identity.
type ServicePrincipalProfile struct {
	ClientID          string             `json:"clientId,omitempty"`
	Secret            string             `json:"secret,omitempty"`
	ObjectID          string             `json:"objectId,omitempty"`
	KeyvaultSecretRef *KeyvaultSecretRef `json:"keyvaultSecretRef,omitempty"`
}

// KeyvaultSecretRef names a secret in a key vault.
type KeyvaultSecretRef struct {
	VaultID    string `json:"vaultID"`
	SecretName string `json:"secretName"`
	Version    string `json:"version,omitempty"`
}

// CertificateProfile is the PKI of a cluster, in PEM.
type CertificateProfile struct {
	CaCertificate         string   `json:"caCertificate,omitempty"`
	CaPrivateKey          string   `json:"caPrivateKey,omitempty"`
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
	EnableCSERunInBackground  bool `json:"enableCSERunInBackground,omitempty"`
	BlockOutboundInternet     bool `json:"blockOutboundInternet,omitempty"`
	EnableIPv6DualStack       bool `json:"enableIPv6DualStack,omitempty"`
	EnableTelemetry           bool `json:"enableTelemetry,omitempty"`
	EnableIPv6Only            bool `json:"enableIPv6Only,omitempty"`
	EnableWinDSR              bool `json:"enableWinDSR,omitempty"`
	EnforceUbuntu2004DisaStig bool `json:"enforceUbuntu2004DisaStig,omitempty"`
	EnforceUbuntu2204DisaStig bool `json:"enforceUbuntu2204DisaStig,omitempty"`
	EnforceKubernetesDisaStig bool `json:"enforceKubernetesDisaStig,omitempty"`
}

// CustomCloudProfile says where the cloud is.
type CustomCloudProfile struct {
	Environment                 *Environment   `json:"environment,omitempty"`
	AzureEnvironmentSpecConfig  map[string]any `json:"azureEnvironmentSpecConfig,omitempty"`
	IdentitySystem              string         `json:"identitySystem,omitempty"`
	AuthenticationMethod        string         `json:"authenticationMethod,omitempty"`
	DependenciesLocation        string         `json:"dependenciesLocation,omitempty"`
	PortalURL                   string         `json:"portalURL,omitempty"`
	CustomCloudRootCertificates string         `json:"customCloudRootCertificates,omitempty"`
	CustomCloudSourcesList      string         `json:"customCloudSourcesList,omitempty"`
}

// Environment holds the endpoints of a cloud.
type Environment struct {
	Name                         string             `json:"name"`
	ManagementPortalURL          string             `json:"managementPortalURL"`
	PublishSettingsURL           string             `json:"publishSettingsURL"`
	ServiceManagementEndpoint    string             `json:"serviceManagementEndpoint"`
	ResourceManagerEndpoint      string             `json:"resourceManagerEndpoint"`
	ActiveDirectoryEndpoint      string             `json:"activeDirectoryEndpoint"`
	GalleryEndpoint              string             `json:"galleryEndpoint"`
	KeyVaultEndpoint             string             `json:"keyVaultEndpoint"`
	GraphEndpoint                string             `json:"graphEndpoint"`
	ServiceBusEndpoint           string             `json:"serviceBusEndpoint"`
	BatchManagementEndpoint      string             `json:"batchManagementEndpoint"`
	StorageEndpointSuffix        string             `json:"storageEndpointSuffix"`
	SqlDatabaseDNSSuffix         string             `json:"sqlDatabaseDNSSuffix"`
	TrafficManagerDNSSuffix      string             `json:"trafficManagerDNSSuffix"`
	KeyVaultDNSSuffix            string             `json:"keyVaultDNSSuffix"`
	ServiceBusEndpointSuffix     string             `json:"serviceBusEndpointSuffix"`
	ServiceManagementVMDNSSuffix string             `json:"serviceManagementVMDNSSuffix"`
	ResourceManagerVMDNSSuffix   string             `json:"resourceManagerVMDNSSuffix"`
	ContainerRegistryDNSSuffix   string             `json:"containerRegistryDNSSuffix"`
	CosmosDBDNSSuffix            string             `json:"cosmosDBDNSSuffix"`
	TokenAudience                string             `json:"tokenAudience"`
	APIManagementHostNameSuffix  string             `json:"apiManagementHostNameSuffix"`
	SynapseEndpointSuffix        string             `json:"synapseEndpointSuffix"`
	ResourceIdentifiers          ResourceIdentifier `json:"resourceIdentifiers"`
}

// ResourceIdentifier holds the identifiers of public services.
type ResourceIdentifier struct {
	Graph               string `json:"graph"`
	KeyVault            string `json:"keyVault"`
	Datalake            string `json:"datalake"`
	Batch               string `json:"batch"`
	OperationalInsights string `json:"operationalInsights"`
	Storage             string `json:"storage"`
	Synapse             string `json:"synapse"`
	ServiceBus          string `json:"serviceBus"`
}

// TelemetryProfile says where telemetry goes.
type TelemetryProfile struct {
	ApplicationInsightsKey string `json:"applicationInsightsKey,omitempty"`
}
