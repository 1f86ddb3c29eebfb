package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

const secretMode os.FileMode = 0o600

// world is what a step works with: everything read and opened anew.
type world struct {
	hub        Hub
	host       Host
	stack      w.Stack
	credential []byte // the client secret, or the PEM of certificate and key
}

func (x *world) close() {
	if x.host != nil {
		_ = x.host.Close()
	}
}

// open reads the stack anew (its credential may have been replaced since the
// draft), logs in everywhere, and keeps the credential out of the log.
func (f flow) open(ctx context.Context, s *State, log w.Log) (*world, error) {
	stack, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return nil, err
	}
	x := &world{stack: stack}
	ref := stack.Credential.Secret
	if stack.Credential.Method == w.AuthCertificate {
		ref = stack.Credential.Certificate
	}
	if x.credential, err = f.Vault.Open(ctx, ref); err != nil {
		return nil, fmt.Errorf("opening the service principal's credential: %w", err)
	}
	log.Mask(string(x.credential))
	if x.hub, err = f.OpenHub(ctx, stack); err != nil {
		return nil, err
	}
	if x.host, err = f.OpenHost(ctx, s.SiteID); err != nil {
		return nil, err
	}
	s.Stack = stack
	return x, nil
}

func (f flow) prepare(ctx context.Context, s *State, log w.Log) error {
	x, err := f.open(ctx, s, log)
	if err != nil {
		return err
	}
	defer x.close()
	if err := f.preconditions(ctx, s, x, log); err != nil {
		return err
	}
	if err := f.makeFolder(ctx, s, x); err != nil {
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
func (f flow) preconditions(ctx context.Context, s *State, x *world, log w.Log) error {
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
	if err := x.hub.Login(ctx); err != nil {
		return err
	}
	log.Good("The service principal can log in to %s.", s.Stack.Name)
	taken, by, err := x.hub.DNSLabelTaken(ctx, s.DNSPrefix)
	switch {
	case err != nil:
		return err
	case taken && !s.ours(by):
		return &w.Problem{Code: "cluster.label", What: "The DNS prefix is taken", Why: s.fqdn() + " belongs to another public IP address by now.", Fix: "Begin a new draft with another DNS prefix.", Detail: by}
	}
	out, err := x.host.Run(ctx, f.engineCall(s, "version"), nil)
	switch {
	case err != nil:
		return err
	case out.ExitCode != 0:
		return &w.Problem{Code: "cluster.engine", What: "AKS Engine is not on the helper VM", Why: aksengine.BinaryPath(s.Helper.EngineVersion) + " does not run there.", Fix: prepareAgain, Detail: out.Stderr}
	}
	return f.noOtherJob(ctx, s, x.host)
}

// noOtherJob refuses to go on while a deploy command of a former run still
// works on the same folder: the engine itself has no lock.
func (f flow) noOtherJob(ctx context.Context, s *State, host Host) error {
	list, err := host.Download(ctx, s.jobList(), 1<<20)
	if errors.Is(err, w.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for id := range strings.Lines(string(list)) {
		id = strings.TrimSpace(id)
		if id == "" || (s.JobBase != "" && id == s.jobID()) {
			continue
		}
		state, _, _, err := host.JobState(ctx, id)
		if err != nil {
			return err
		}
		if state == jobRunning {
			return &w.Problem{
				Code: "cluster.busy", What: "A former deploy command still runs on the helper VM", Why: "It is the job " + id + ", and it works on the same folder.",
				Fix: "Wait until it has ended, or stop it there, then retry.",
			}
		}
	}
	return nil
}

func (f flow) makeFolder(ctx context.Context, s *State, x *world) error {
	folder := f.Quote(s.folder())
	out, err := x.host.Run(ctx, "umask 077 && mkdir -p "+folder+"/tmp && chmod 0700 "+folder, nil)
	return ranWell(out, err, "The folder for the cluster could not be made on the helper VM")
}

func ranWell(out Output, err error, what string) error {
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		return &w.Problem{
			Code: "cluster.helper", What: what, Why: fmt.Sprintf("The command ended with exit code %d.", out.ExitCode),
			Fix: "Look whether the helper VM's disk is full or its user lost its rights, then retry.", Detail: out.Stderr,
		}
	}
	return nil
}

// keyNote remembers on the helper VM which key pair a half-made cluster got,
// so that a later run does not make another one. The reference is no secret.
type keyNote struct {
	Private w.SecretRef `json:"private"`
	Public  string      `json:"public"`
}

func (f flow) settleKey(ctx context.Context, s *State, x *world, log w.Log) error {
	if s.KeyKind == KeyGiven || s.SSHKey != "" {
		return nil
	}
	note, err := f.knownKey(ctx, s, x.host)
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
	return upload(ctx, x.host, s.keyNote(), doc)
}

// knownKey is the pair of an earlier try whose private half can still be
// opened here.
func (f flow) knownKey(ctx context.Context, s *State, host Host) (keyNote, error) {
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
func (f flow) writeInput(ctx context.Context, s *State, x *world, log w.Log) error {
	model := s.model()
	if s.Stack.Credential.Method == w.AuthCertificate {
		cert, key, err := aksengine.SplitCertificate(x.credential)
		if err != nil {
			return &w.Problem{Code: "cluster.certificate", What: "The service principal's certificate cannot be used", Why: err.Error() + ".", Fix: "Give the stack a PEM with the certificate and its unencrypted private key."}
		}
		secret, err := aksengine.CertificateSecret(x.credential, nil)
		if err != nil {
			return &w.Problem{Code: "cluster.certificate", What: "The service principal's certificate cannot be used", Why: err.Error() + ".", Fix: "Give the stack a PEM with an RSA key and its certificate."}
		}
		log.Mask(secret)
		if err := errors.Join(upload(ctx, x.host, s.certFile(), cert), upload(ctx, x.host, s.keyFile(), key)); err != nil {
			return err
		}
		model.Properties.ServicePrincipalProfile = &aksengine.ServicePrincipalProfile{ClientID: s.Stack.Credential.ClientID, Secret: secret}
	}
	doc, err := model.JSON()
	if err != nil {
		return err
	}
	if err := upload(ctx, x.host, s.input(), doc); err != nil {
		return err
	}
	back, err := x.host.Download(ctx, s.input(), maxModel)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, doc) {
		return &w.Problem{Code: "cluster.helper", What: "The API model did not arrive as it was sent", Why: "The helper VM gives back another content.", Fix: "Look whether the helper VM's disk is full, then retry."}
	}
	return nil
}

func upload(ctx context.Context, host Host, path string, doc []byte) error {
	return host.Upload(ctx, path, secretMode, int64(len(doc)), bytes.NewReader(doc), nil)
}

const maxModel = 16 << 20 // bytes; a real one has about 75 KB
