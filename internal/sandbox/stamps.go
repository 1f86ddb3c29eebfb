package sandbox

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/pki"
)

// Domain is the parent of all emulated Hub names.
const Domain = "azurestack.test"

// plan is what a stamp is made from. Ids never change, so that what people
// registered once stays right.
type plan struct {
	name, region         string
	adfs                 bool
	tenant, subscription string
	client, object       string
	secret               string
	prefix               string // of public addresses
}

func plans(block int) []plan {
	return []plan{
		{"Seattle", "seattle", false, "5ea771e0-0000-4000-8000-000000000001", "5ea771e0-1111-4000-8000-000000000002",
			"5ea771e0-2222-4000-8000-000000000003", "5ea771e0-3333-4000-8000-000000000004", "seattle-S3cret~of.the-sandbox", fmt.Sprintf("127.%d.1.", block)},
		{"Orlando", "orlando", true, "0a1a4d00-0000-4000-8000-000000000001", "0a1a4d00-1111-4000-8000-000000000002",
			"0a1a4d00-2222-4000-8000-000000000003", "0a1a4d00-3333-4000-8000-000000000004", "orlando-S3cret~of.the-sandbox", fmt.Sprintf("127.%d.2.", block)},
	}
}

// stamp is one emulated Hub with what belongs to it.
type stamp struct {
	plan
	ca        *pki.Authority
	login     *identity.Service
	hub       *arm.Hub
	cert, key []byte // of the principal, PEM
}

func (p plan) host(service string) string { return service + "." + p.region + "." + Domain }

func (p plan) loginHost() string {
	if p.adfs {
		return p.host("adfs")
	}
	return p.host("login")
}

func (p plan) audience() string {
	if p.adfs {
		return "https://management.adfs." + p.region + "." + Domain + "/" + p.tenant
	}
	return "https://management." + p.region + ".onmicrosoft.com/" + p.tenant
}

// openStamp makes the parts of a stamp and puts its names behind the door.
func (w *World) openStamp(ctx context.Context, p plan) (*stamp, error) {
	dir := filepath.Join(w.opts.Dir, "pki")
	s := &stamp{plan: p}
	var err error
	if s.ca, err = pki.Open(dir, p.region, "AzureStackSelfSignedRootCert"); err != nil {
		return nil, err
	}
	if s.cert, s.key, err = pki.OpenClient(dir, p.region+"-principal"); err != nil {
		return nil, err
	}
	sign, err := pki.OpenKey(dir, p.region+"-tokens")
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(s.cert)
	if block == nil {
		return nil, fmt.Errorf("the principal's certificate of %s is damaged", p.name)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	system := identity.Entra
	if p.adfs {
		system = identity.ADFS
	}
	s.login = identity.New(identity.Config{
		System: system, Host: p.loginHost(), TenantID: p.tenant, Audiences: []string{p.audience()}, Key: sign,
		Principals: []identity.Principal{{ClientID: p.client, ObjectID: p.object, DisplayName: "hubwright", Secret: p.secret, Next: nextSecret(p.secret), Certificates: []*x509.Certificate{leaf}}},
	})
	s.hub, err = arm.New(ctx, arm.Config{
		Region: p.region, Domain: Domain, SubscriptionID: p.subscription, TenantID: p.tenant, Audience: p.audience(), Identity: s.login, ADFS: p.adfs,
		IPPrefix: p.prefix, Speed: w.opts.Speed, Faults: w.faults, StateFile: filepath.Join(w.opts.Dir, p.region+".json"), Log: w.opts.Log,
		Roles: []arm.Role{{ObjectID: p.object, Name: "Contributor"}}, Hooks: w.hooks(s),
	})
	if err != nil {
		return nil, err
	}
	w.play(p.host("management"), p.region, s.ca, s.hub, true)
	w.play(p.loginHost(), p.region, w.loginCA(s), s.login, false)
	return s, nil
}

// nextSecret is the second secret of a principal that has one.
func nextSecret(secret string) string {
	if secret == "" {
		return ""
	}
	return secret + "-next"
}

// loginCA signs the token service's name: AD FS stands on the stamp, Entra ID
// does not.
func (w *World) loginCA(s *stamp) *pki.Authority {
	if s.adfs {
		return s.ca
	}
	return w.public
}

// hooks say what happens in the world when ARM has made or deleted a machine.
func (w *World) hooks(s *stamp) arm.Hooks {
	return arm.Hooks{
		VMUp:        func(ctx context.Context, m arm.Machine) error { return w.bootHelper(ctx, s, m) },
		NodeJoins:   func(ctx context.Context, m arm.Machine, c arm.ClusterFacts) error { return w.joinNode(ctx, s, m, c) },
		VMGoing:     func(ctx context.Context, m arm.Machine) { w.vmGoing(ctx, s, m) },
		VMGone:      func(ctx context.Context, m arm.Machine) { w.vmGone(ctx, s, m) },
		VMPower:     func(ctx context.Context, m arm.Machine, on bool) error { return w.vmPower(ctx, s, m, on) },
		VMRestarted: func(ctx context.Context, m arm.Machine) error { return w.vmRestarted(ctx, s, m) },
	}
}

// clusters are the ids of the stamp's clusters, each with the public name of
// its API server.
func (s *stamp) clusters() map[string]string {
	out := map[string]string{}
	for _, m := range s.hub.Machines() {
		suffix := m.Tags["resourceNameSuffix"]
		id := clusterID(s, suffix, m.Group)
		if _, known := out[id]; known || !m.IsNode() {
			continue
		}
		if fqdn := s.hub.ClusterName(m.Group, suffix); fqdn != "" {
			out[id] = fqdn
		}
	}
	return out
}
