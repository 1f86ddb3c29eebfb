package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// FetchModel reads the engine's API model from the helper VM and keeps its
// secrets out of the log.
func (e Engine) FetchModel(ctx context.Context, g *Ground, host Host, log w.Log) ([]byte, aksengine.Output, error) {
	doc, err := host.Download(ctx, g.OutputModel(), MaxModel)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return nil, aksengine.Output{}, err
	}
	if err != nil {
		return nil, aksengine.Output{}, &w.Problem{Code: "cluster.modellost", What: "The engine left no API model", Why: "~/" + g.OutputModel() + " is not on the helper VM.", Fix: "Look at that folder, then retry.", Detail: err.Error()}
	}
	for _, secret := range aksengine.Secrets(doc) {
		log.Mask(secret)
	}
	model, err := aksengine.ReadOutput(doc)
	if err != nil {
		return nil, model, &w.Problem{Code: "cluster.modelbroken", What: "The engine's API model cannot be read", Why: err.Error() + ".", Fix: "Look at ~/" + g.OutputModel() + " on the helper VM."}
	}
	return doc, model, nil
}

// KeepModel seals the model as the cluster's newest version, unless it is that
// already, and tells the version.
func (e Engine) KeepModel(ctx context.Context, g *Ground, clusterID string, doc []byte) (int, error) {
	kept, err := e.Records.APIModels(ctx, clusterID)
	if err != nil {
		return 0, err
	}
	sum := digest(doc)
	if len(kept) > 0 && kept[0].SHA256 == sum {
		return kept[0].Version, nil
	}
	ref, err := e.Vault.Seal(ctx, "API model of "+g.DNSPrefix, doc)
	if err != nil {
		return 0, err
	}
	m := w.APIModel{ClusterID: clusterID, SHA256: sum, Size: len(doc), Document: ref, RunID: w.OriginOf(ctx).RunID, At: e.Clock()}
	if err := e.Records.SaveAPIModel(ctx, &m); err != nil {
		return 0, fmt.Errorf("keeping the API model: %w", err)
	}
	return m.Version, nil
}

// KeepKubeconfig seals the cluster-admin kubeconfig: the file that the engine
// wrote, or one from the model when there is none with the model's certificate
// authority. Its key is kept out of the log.
func (e Engine) KeepKubeconfig(ctx context.Context, g *Ground, host Host, model []byte, log w.Log) (w.SecretRef, error) {
	path := g.OutputDir() + "/" + aksengine.KubeconfigPath + g.Stack.Region + ".json"
	doc, err := host.Download(ctx, path, MaxModel)
	if errors.Is(err, w.ErrNotFound) || err == nil && !trusts(doc, model) {
		// The engine writes it only in the run that made the certificates.
		doc, err = aksengine.Kubeconfig(model)
	}
	if err != nil {
		return "", &w.Problem{Code: "cluster.kubeconfig", What: "There is no kubeconfig", Why: err.Error() + ".", Fix: "Look at ~/" + g.OutputDir() + " on the helper VM, then retry."}
	}
	var kube struct {
		Users []struct {
			User struct {
				Key string `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if json.Unmarshal(doc, &kube) == nil {
		for _, u := range kube.Users {
			log.Mask(u.User.Key)
		}
	}
	return e.Vault.Seal(ctx, "kubeconfig of "+g.DNSPrefix, doc)
}

func digest(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}
