package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"hubwright/internal/azurestack"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/workflows"
)

// seed is a file that registers stacks and deployments at start. What is
// registered already, by name, keeps what people changed, except the way to it.
type seed struct {
	Stacks      []seedStack      `json:"stacks"`
	Connections []seedConnection `json:"connections"`
	Deployments []seedDeployment `json:"deployments"`
}

type seedStack struct {
	Name           string `json:"name"`
	ARMEndpoint    string `json:"armEndpoint"`
	PortalURL      string `json:"portalURL"`
	SubscriptionID string `json:"subscriptionID"`
	ClientID       string `json:"clientID"`
	ClientSecret   string `json:"clientSecret"`
	// Certificate is PEM of certificate and key. With it the secret is not used.
	Certificate string `json:"certificate"`
	CABundle    string `json:"caBundle"`
	HTTPSProxy  string `json:"httpsProxy"`
	AirGapped   bool   `json:"airGapped"`
}

type seedDeployment struct {
	Name  string   `json:"name"`
	Sites []string `json:"sites"` // names of stacks
}

func loadSeed(ctx context.Context, path string, db *store.DB, vault *secrets.Vault) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var s seed
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	byName := map[string]string{}
	for _, st := range s.Stacks {
		id, err := seedOneStack(ctx, st, db, vault)
		if err != nil {
			return fmt.Errorf("registering the stack %s: %w", st.Name, err)
		}
		byName[st.Name] = id
	}
	for _, c := range s.Connections {
		if err := seedOneConnection(ctx, c, db, vault); err != nil {
			return fmt.Errorf("registering the connection %s: %w", c.Name, err)
		}
	}
	for _, d := range s.Deployments {
		if err := seedOneDeployment(ctx, d, byName, db); err != nil {
			return fmt.Errorf("registering the deployment %s: %w", d.Name, err)
		}
	}
	return nil
}

func seedOneStack(ctx context.Context, in seedStack, db *store.DB, vault *secrets.Vault) (string, error) {
	known, err := db.Stacks(ctx)
	if err != nil {
		return "", err
	}
	for _, k := range known {
		if k.Name != in.Name {
			continue
		}
		if k.HTTPSProxy == in.HTTPSProxy && k.CABundle == in.CABundle {
			return k.ID, nil
		}
		k.HTTPSProxy, k.CABundle = in.HTTPSProxy, in.CABundle
		return k.ID, db.SaveStack(ctx, &k)
	}
	meta, region, err := azurestack.Discover(ctx, in.ARMEndpoint, in.CABundle, in.HTTPSProxy)
	if err != nil {
		return "", err
	}
	st := workflows.Stack{
		Name: in.Name, ARMEndpoint: in.ARMEndpoint, PortalURL: in.PortalURL, Region: region, Metadata: meta,
		TenantID: meta.TenantID, SubscriptionID: in.SubscriptionID, CABundle: in.CABundle,
		HTTPSProxy: in.HTTPSProxy, AirGapped: in.AirGapped, CreatedBy: "seed",
	}
	st.Credential = workflows.Credential{Method: workflows.AuthSecret, ClientID: in.ClientID}
	if in.Certificate != "" {
		st.Credential.Method = workflows.AuthCertificate
		st.Credential.Certificate, err = vault.Seal(ctx, "stack.certificate", []byte(in.Certificate))
	} else {
		st.Credential.Secret, err = vault.Seal(ctx, "stack.secret", []byte(in.ClientSecret))
	}
	if err != nil {
		return "", err
	}
	err = db.SaveStack(ctx, &st)
	return st.ID, err
}

func seedOneDeployment(ctx context.Context, in seedDeployment, stacks map[string]string, db *store.DB) error {
	known, err := db.Deployments(ctx)
	if err != nil {
		return err
	}
	for _, k := range known {
		if k.Name == in.Name {
			return nil
		}
	}
	d := workflows.Deployment{Name: in.Name, CreatedBy: "seed"}
	if err := db.SaveDeployment(ctx, &d); err != nil {
		return err
	}
	for i, name := range in.Sites {
		id, ok := stacks[name]
		if !ok {
			return errors.New("there is no stack " + name)
		}
		if err := db.SaveSite(ctx, &workflows.Site{DeploymentID: d.ID, StackID: id, Name: name, Position: i}); err != nil {
			return err
		}
	}
	return nil
}
