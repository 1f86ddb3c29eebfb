package workflows

// GatewayDefinitions are definitions (CRDs) of the Gateway API: those that a
// cluster has, or those in a file.
type GatewayDefinitions struct {
	Version, Channel string   // of the release that they are from: v1.5.1, standard; "" when they do not say
	Missing          []string // of the kinds that are needed those that are not there, or not served in v1
	Kinds            []string // that a file defines
	Digest           string   // SHA-256 of the file, hex
	Text             []byte   `json:"-"`
}

// GatewayClass is an implementation of the Gateway API on a cluster.
type GatewayClass struct {
	Name, Controller string
	Accepted         bool   // by its controller
	Why              string // not
}

// Gateway is an entrance to a cluster.
type Gateway struct {
	Namespace, Name string
	Class           string
	Address         string // "" while it has none
	Programmed      bool   // its controller has set it up
	Listeners       []GatewayListener
}

// GatewayListener is one port of a Gateway.
type GatewayListener struct {
	Name, Protocol, Host string // Host "" stands for any
	Port, Routes         int
}
