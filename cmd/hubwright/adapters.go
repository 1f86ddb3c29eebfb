package main

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/archives"
	"hubwright/internal/azure"
	"hubwright/internal/azurestack"
	"hubwright/internal/devops"
	"hubwright/internal/redact"
	"hubwright/internal/remote"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/workflows"
)

// adapters hands the outside systems to the workflows, in the shapes that
// their needs declare. The zero value serves to print the catalogue.
type adapters struct {
	db       *store.DB
	vault    *maskingVault
	hubs     *azurestack.Hubs
	clouds   *azure.Clouds
	rotation *azure.Rotation
	shelf    *archives.Shelf
	files    *archives.RunFiles
	fetched  *fetchedCharts
	// uploads are files that people gave to drafts.
	uploads *archives.Uploads
	// probing is how often clusters are asked how they are.
	probing time.Duration
}

func newAdapters(db *store.DB, vault *secrets.Vault, masker *redact.Redactor, shelf *archives.Shelf) adapters {
	v := &maskingVault{vault: vault, masker: masker}
	clouds := azure.New(v)
	return adapters{fetched: &fetchedCharts{}, db: db, vault: v, hubs: azurestack.New(v), clouds: clouds, rotation: azure.NewRotation(db, clouds), shelf: shelf}
}

func (a adapters) organizations() *devops.Organizations { return devops.New(a.vault) }

// maskingVault makes every secret that is sealed or opened unreadable in every
// log from then on.
type maskingVault struct {
	vault  *secrets.Vault
	masker *redact.Redactor
}

// Seal stores a secret.
func (v *maskingVault) Seal(ctx context.Context, purpose string, plain []byte) (workflows.SecretRef, error) {
	v.masker.Add(string(plain))
	return v.vault.Seal(ctx, purpose, plain)
}

// Open reads a secret.
func (v *maskingVault) Open(ctx context.Context, ref workflows.SecretRef) ([]byte, error) {
	plain, err := v.vault.Open(ctx, ref)
	if err == nil {
		v.masker.Add(string(plain))
	}
	return plain, err
}

// helperTarget is the SSH login of a Site's helper VM.
func (a adapters) helperTarget(ctx context.Context, siteID string) (remote.Target, error) {
	vm, err := a.db.HelperVM(ctx, siteID)
	if err != nil {
		return remote.Target{}, fmt.Errorf("the Site has no helper VM: %w", err)
	}
	site, err := a.db.Site(ctx, siteID)
	if err != nil {
		return remote.Target{}, err
	}
	stack, err := a.db.Stack(ctx, site.StackID)
	if err != nil {
		return remote.Target{}, err
	}
	key, err := a.vault.Open(ctx, vm.PrivateKey)
	if err != nil {
		return remote.Target{}, err
	}
	t := remote.Target{Host: vm.Address, Port: vm.Port, User: vm.User, PrivateKey: key, HostKey: vm.HostKey}
	if vm.ViaProxy {
		t.Proxy = stack.HTTPSProxy
	}
	return t, nil
}

func (a adapters) dialHelper(ctx context.Context, siteID string) (*remote.Host, error) {
	t, err := a.helperTarget(ctx, siteID)
	if err != nil {
		return nil, err
	}
	return remote.Dial(ctx, t)
}
