package sandbox

// Seed is what a person would be told about the emulated world: all that is
// needed to register its Hubs. It can be written as JSON; it holds secrets,
// which open nothing but the sandbox.
type Seed struct {
	Proxy        string      `json:"proxy"`        // http://127.0.0.1:18080: the one door
	PublicCA     string      `json:"publicCA"`     // PEM of the "public" CA, which github.com and the Entra login use
	PublicCAFile string      `json:"publicCAFile"` // the same, and the machine's own roots, in a file for SSL_CERT_FILE
	Stacks       []SeedStack `json:"stacks"`
	DevOps       SeedDevOps  `json:"devOps"`
	Azure        SeedAzure   `json:"azure"`
}

// SeedAzure is the emulated public Azure and the principal that may use it.
type SeedAzure struct {
	Name           string `json:"name"`          // Contoso Azure
	ARMEndpoint    string `json:"armEndpoint"`   // https://management.azure.com
	LoginEndpoint  string `json:"loginEndpoint"` // https://login.microsoftonline.com
	TenantID       string `json:"tenantID"`
	SubscriptionID string `json:"subscriptionID"`
	ClientID       string `json:"clientID"`
	ClientSecret   string `json:"clientSecret"`
	Certificate    string `json:"certificate"`    // PEM, registered for the same principal
	CertificateKey string `json:"certificateKey"` // PEM
	CABundle       string `json:"caBundle"`
	Proxy          string `json:"proxy"`
	DNSServer      string `json:"dnsServer"`     // host:port that answers for *.trafficmanager.net
	ResourceGroup  string `json:"resourceGroup"` // that is there already
}

// SeedStack is one emulated Azure Stack Hub and the principal that may use it.
type SeedStack struct {
	Name           string     `json:"name"`   // Seattle
	Region         string     `json:"region"` // seattle
	ARMEndpoint    string     `json:"armEndpoint"`
	PortalURL      string     `json:"portalURL"`
	IdentitySystem string     `json:"identitySystem"` // azure_ad, adfs
	TenantID       string     `json:"tenantID"`       // a GUID; the literal "adfs" with AD FS
	SubscriptionID string     `json:"subscriptionID"`
	ClientID       string     `json:"clientID"`
	ClientSecret   string     `json:"clientSecret"`
	Certificate    string     `json:"certificate"`    // PEM, registered for the same principal
	CertificateKey string     `json:"certificateKey"` // PEM
	CABundle       string     `json:"caBundle"`       // PEM of the Hub's own root CA
	Proxy          string     `json:"proxy"`
	AirGapped      bool       `json:"airGapped"`
	Hosts          []SeedHost `json:"hosts,omitempty"` // machines that exist beside the Hub
}

// SeedHost is a machine that was there before Hubwright: a Linux host that can
// become a Helper VM, or a Windows host that must be refused.
type SeedHost struct {
	Name       string `json:"name"`
	Address    string `json:"address"` // reached directly, not through the proxy
	Port       int    `json:"port"`
	User       string `json:"user"`
	PrivateKey string `json:"privateKey"` // PEM
	Windows    bool   `json:"windows,omitempty"`
}

// SeedDevOps is the emulated organization of Azure DevOps Services and a token
// that may do everything in it.
type SeedDevOps struct {
	Organization string `json:"organization"` // https://dev.azure.com/contoso
	OnPremises   string `json:"onPremises"`   // a collection of a server on premises, with the same token
	Token        string `json:"token"`
}
