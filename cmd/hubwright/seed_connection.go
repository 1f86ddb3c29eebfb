package main

import (
	"context"
	"time"

	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/workflows"
)

// seedConnection is a Connection to Azure or to Azure DevOps.
type seedConnection struct {
	Name           string                   `json:"name"`
	Kind           workflows.ConnectionKind `json:"kind"` // azure, azure_devops
	Endpoint       string                   `json:"endpoint"`
	LoginEndpoint  string                   `json:"loginEndpoint,omitempty"`
	TenantID       string                   `json:"tenantID,omitempty"`
	SubscriptionID string                   `json:"subscriptionID,omitempty"`
	ClientID       string                   `json:"clientID,omitempty"`
	ClientSecret   string                   `json:"clientSecret,omitempty"`
	// Certificate is PEM of certificate and key. With it the secret is not used.
	Certificate string    `json:"certificate,omitempty"`
	Token       string    `json:"token,omitempty"` // a personal access token of Azure DevOps
	ExpiresAt   time.Time `json:"expiresAt,omitzero"`
	CABundle    string    `json:"caBundle,omitempty"`
	HTTPSProxy  string    `json:"httpsProxy,omitempty"`
	DNSServer   string    `json:"dnsServer,omitempty"`
}

func seedOneConnection(ctx context.Context, in seedConnection, db *store.DB, vault *secrets.Vault) error {
	known, err := db.Connections(ctx)
	if err != nil {
		return err
	}
	for _, k := range known {
		if k.Name != in.Name {
			continue
		}
		if k.HTTPSProxy == in.HTTPSProxy && k.CABundle == in.CABundle && k.DNSServer == in.DNSServer {
			return nil
		}
		k.HTTPSProxy, k.CABundle, k.DNSServer = in.HTTPSProxy, in.CABundle, in.DNSServer
		return db.SaveConnection(ctx, &k)
	}
	c := workflows.Connection{
		Name: in.Name, Kind: in.Kind, Endpoint: in.Endpoint, LoginEndpoint: in.LoginEndpoint, TenantID: in.TenantID, SubscriptionID: in.SubscriptionID,
		ExpiresAt: in.ExpiresAt, CABundle: in.CABundle, HTTPSProxy: in.HTTPSProxy, DNSServer: in.DNSServer, CreatedBy: "seed",
	}
	c.Credential = workflows.Credential{Method: workflows.AuthSecret, ClientID: in.ClientID}
	switch {
	case in.Certificate != "":
		c.Credential.Method = workflows.AuthCertificate
		c.Credential.Certificate, err = vault.Seal(ctx, "connection.certificate", []byte(in.Certificate))
	case in.Token != "":
		c.Credential.Method = workflows.AuthToken
		c.Credential.Secret, err = vault.Seal(ctx, "connection.token", []byte(in.Token))
	default:
		c.Credential.Secret, err = vault.Seal(ctx, "connection.secret", []byte(in.ClientSecret))
	}
	if err != nil {
		return err
	}
	return db.SaveConnection(ctx, &c)
}
