package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

const (
	secretMode os.FileMode = 0o600
	// MaxModel is how large an API model may be, in bytes; a real one has about 75 KB.
	MaxModel = 16 << 20
)

// World is what a step works with: everything read and opened anew.
type World struct {
	Hub        Hub
	Host       Host
	Stack      w.Stack
	Credential []byte // the client secret, or the PEM of certificate and key
}

// Close ends the login at the helper VM.
func (x *World) Close() {
	if x.Host != nil {
		_ = x.Host.Close()
	}
}

// Open reads the stack anew (its credential may have been replaced since the
// draft), logs in everywhere, and keeps the credential out of the log.
func (e Engine) Open(ctx context.Context, g *Ground, log w.Log) (*World, error) {
	stack, err := e.Records.Stack(ctx, g.Stack.ID)
	if err != nil {
		return nil, err
	}
	x := &World{Stack: stack}
	ref := stack.Credential.Secret
	if stack.Credential.Method == w.AuthCertificate {
		ref = stack.Credential.Certificate
	}
	if x.Credential, err = e.Vault.Open(ctx, ref); err != nil {
		return nil, fmt.Errorf("opening the service principal's credential: %w", err)
	}
	log.Mask(string(x.Credential))
	if x.Hub, err = e.OpenHub(ctx, stack); err != nil {
		return nil, err
	}
	if x.Host, err = e.OpenHost(ctx, g.SiteID); err != nil {
		return nil, err
	}
	g.Stack = stack
	return x, nil
}

// MakeFolder makes the cluster's folder.
func (e Engine) MakeFolder(ctx context.Context, g *Ground, host Host) error {
	folder := e.Quote(g.Folder())
	out, err := host.Run(ctx, "umask 077 && mkdir -p "+folder+"/tmp && chmod 0700 "+folder, nil)
	return RanWell(out, err, "The folder for the cluster could not be made on the helper VM")
}

// WriteCertificate writes the two files that the engine logs in with by
// certificate. With a secret there is nothing to write.
func (e Engine) WriteCertificate(ctx context.Context, g *Ground, x *World) error {
	if g.Stack.Credential.Method != w.AuthCertificate {
		return nil
	}
	cert, key, err := aksengine.SplitCertificate(x.Credential)
	if err != nil {
		return &w.Problem{Code: "cluster.certificate", What: "The service principal's certificate cannot be used", Why: err.Error() + ".", Fix: "Give the stack a PEM with the certificate and its unencrypted private key."}
	}
	return errors.Join(Upload(ctx, x.Host, g.CertFile(), cert), Upload(ctx, x.Host, g.KeyFile(), key))
}

// Upload writes a file that only the user may read.
func Upload(ctx context.Context, host Host, path string, doc []byte) error {
	return host.Upload(ctx, path, secretMode, int64(len(doc)), bytes.NewReader(doc), nil)
}

// RanWell makes a problem of a command that failed.
func RanWell(out Output, err error, what string) error {
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
