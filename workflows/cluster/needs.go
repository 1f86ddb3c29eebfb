package cluster

import "hubwright/workflows/operate"

// Needs is what the workflow needs of the world.
type Needs struct {
	Engine operate.Needs

	NewKeyPair         func(comment string) (privatePEM []byte, authorizedKey string, err error)
	ParseAuthorizedKey func(text string) (KeyInfo, error)
}

// KeyInfo describes an SSH public key.
type KeyInfo struct {
	Type        string // ssh-rsa
	Bits        int
	Fingerprint string
	Comment     string
}
