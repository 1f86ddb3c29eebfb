package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

func (f flow) prepare(ctx context.Context, s *State, log w.Log) error {
	x, err := f.Open(ctx, &s.Ground, log)
	if err != nil {
		return err
	}
	defer x.Close()
	if err := f.preconditions(ctx, s, x, log); err != nil {
		return err
	}
	if err := f.MakeFolder(ctx, &s.Ground, x.Host); err != nil {
		return err
	}
	if err := f.settleKey(ctx, s, x, log); err != nil {
		return err
	}
	if err := f.writeInput(ctx, s, x, log); err != nil {
		return err
	}
	if s.JobBase == "" {
		s.JobBase = "deploy-" + s.DNSPrefix + "-" + f.Clock().UTC().Format("20060102-150405")
	}
	log.Good("The API model is at ~/%s on the helper VM.", s.input())
	return nil
}

// preconditions are the checks that may have changed since the review.
func (f flow) preconditions(ctx context.Context, s *State, x *operate.World, log w.Log) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	switch {
	case err == nil && c.ID != s.ClusterID:
		return &w.Problem{Code: "cluster.exists", What: "The site has a cluster already", Why: "It is called " + c.Name + ".", Fix: "Use that one, or a site of its own for another cluster."}
	case err != nil && !errors.Is(err, w.ErrNotFound):
		return err
	}
	if violations := aksengine.Validate(s.model(), s.surroundings()); len(violations) > 0 {
		v := violations[0]
		return &w.Problem{Code: "cluster.model", What: "The API model breaks a rule of the engine", Why: v.Message, Fix: "Begin a new draft and correct that answer.", Detail: v.Engine}
	}
	if err := x.Hub.Login(ctx); err != nil {
		return err
	}
	log.Good("The service principal can log in to %s.", s.Stack.Name)
	taken, by, err := x.Hub.DNSLabelTaken(ctx, s.DNSPrefix)
	switch {
	case err != nil:
		return err
	case taken && !s.ours(by):
		return &w.Problem{Code: "cluster.label", What: "The DNS prefix is taken", Why: s.fqdn() + " belongs to another public IP address by now.", Fix: "Begin a new draft with another DNS prefix.", Detail: by}
	}
	out, err := x.Host.Run(ctx, f.EngineCall(&s.Ground, "version"), nil)
	switch {
	case err != nil:
		return err
	case out.ExitCode != 0:
		return &w.Problem{Code: "cluster.engine", What: "AKS Engine is not on the helper VM", Why: aksengine.BinaryPath(s.Helper.EngineVersion) + " does not run there.", Fix: operate.PrepareAgain, Detail: out.Stderr}
	}
	return f.NoOtherJob(ctx, &s.Ground, x.Host)
}

// keyNote remembers on the helper VM which key pair a half-made cluster got,
// so that a later run does not make another one. The reference is no secret.
type keyNote struct {
	Private w.SecretRef `json:"private"`
	Public  string      `json:"public"`
}

func (f flow) settleKey(ctx context.Context, s *State, x *operate.World, log w.Log) error {
	if s.KeyKind == KeyGiven || s.SSHKey != "" {
		return nil
	}
	note, err := f.knownKey(ctx, s, x.Host)
	if err != nil {
		return err
	}
	if note.Public != "" {
		s.SSHKey, s.SSHPublicKey = note.Private, note.Public
		log.Info("The SSH key of an earlier try is used again.")
		return nil
	}
	private, public, err := f.NewKeyPair(s.AdminUser + "@" + s.DNSPrefix)
	if err != nil {
		return err
	}
	log.Mask(string(private))
	if s.SSHKey, err = f.Vault.Seal(ctx, "SSH key of the nodes of "+s.DNSPrefix, private); err != nil {
		return err
	}
	s.SSHPublicKey = strings.TrimSpace(public)
	doc, err := json.Marshal(keyNote{s.SSHKey, s.SSHPublicKey})
	if err != nil {
		return err
	}
	log.Info("An SSH key pair for the nodes is made; its private half is sealed on this server.")
	return operate.Upload(ctx, x.Host, s.keyNote(), doc)
}

// knownKey is the pair of an earlier try whose private half can still be
// opened here.
func (f flow) knownKey(ctx context.Context, s *State, host operate.Host) (keyNote, error) {
	var note keyNote
	doc, err := host.Download(ctx, s.keyNote(), 1<<16)
	if errors.Is(err, w.ErrNotFound) {
		return note, nil
	}
	if err != nil {
		return note, err
	}
	if json.Unmarshal(doc, &note) != nil || f.keyFault(note.Public) != "" {
		return keyNote{}, nil
	}
	if _, err := f.Vault.Open(ctx, note.Private); err != nil {
		return keyNote{}, nil
	}
	return note, nil
}

// writeInput writes the API model, and with certificate login the two files
// that the engine logs in with.
func (f flow) writeInput(ctx context.Context, s *State, x *operate.World, log w.Log) error {
	model := s.model()
	if s.Stack.Credential.Method == w.AuthCertificate {
		if err := f.WriteCertificate(ctx, &s.Ground, x); err != nil {
			return err
		}
		secret, err := aksengine.CertificateSecret(x.Credential, nil)
		if err != nil {
			return &w.Problem{Code: "cluster.certificate", What: "The service principal's certificate cannot be used", Why: err.Error() + ".", Fix: "Give the stack a PEM with an RSA key and its certificate."}
		}
		log.Mask(secret)
		model.Properties.ServicePrincipalProfile = &aksengine.ServicePrincipalProfile{ClientID: s.Stack.Credential.ClientID, Secret: secret}
	}
	doc, err := model.JSON()
	if err != nil {
		return err
	}
	if err := operate.Upload(ctx, x.Host, s.input(), doc); err != nil {
		return err
	}
	back, err := x.Host.Download(ctx, s.input(), operate.MaxModel)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, doc) {
		return &w.Problem{Code: "cluster.helper", What: "The API model did not arrive as it was sent", Why: "The helper VM gives back another content.", Fix: "Look whether the helper VM's disk is full, then retry."}
	}
	return nil
}
