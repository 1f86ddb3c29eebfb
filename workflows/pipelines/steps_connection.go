package pipelines

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	w "hubwright/workflows"
)

// soon is how long before its end a token is renewed, though at least a third
// of its life has to be over.
const soon = 14 * 24 * time.Hour

// observe finds the project and decides whether the service connection stays
// as it is.
func (f flow) observe(ctx context.Context, s *State, log w.Log) error {
	raw, _, err := f.admin(ctx, s)
	if err != nil {
		return err
	}
	cluster, err := f.Credential(raw)
	if err != nil {
		return err
	}
	s.Found.Server = cluster.Server
	return f.inOrganization(ctx, s, func(o Organization) error {
		p, err := o.Project(ctx, s.Project)
		if err != nil {
			return err
		}
		s.Found.Project = p
		log.Info("Project %s is %s", p.Name, p.ID)
		there, err := o.EndpointByName(ctx, p.ID, s.Name)
		if err != nil {
			return err
		}
		if err := s.mayTake(there); err != nil {
			return err
		}
		switch why := f.renewal(s, there); {
		case there == nil:
			log.Info("There is no service connection %s yet", s.Name)
		case why != "":
			s.Found.EndpointID = there.ID
			log.Info("The service connection %s is there and is renewed: %s", s.Name, why)
		default:
			s.Found.Keep, s.Found.EndpointID, s.Found.Expires = true, there.ID, s.Before.ExpiresAt
			log.Good("The service connection %s is there and stays as it is", s.Name)
		}
		return nil
	})
}

// mayTake keeps somebody else's service connection from being overwritten.
func (s *State) mayTake(e *Endpoint) error {
	if e == nil || s.known() && s.Before.EndpointID == e.ID {
		return nil
	}
	if !strings.EqualFold(e.Type, "kubernetes") || s.Found.Server != "" && !sameServer(e.URL, s.Found.Server) {
		return &w.Problem{Code: "pipelines.taken", What: "Another service connection is called " + s.Name, Why: fmt.Sprintf("it is of the kind %s and leads to %s", e.Type, e.URL),
			Fix: "Choose another name, or delete that connection in Azure DevOps if nobody needs it."}
	}
	return nil
}

func sameServer(a, b string) bool {
	norm := func(s string) string { return strings.TrimSuffix(strings.TrimRight(strings.ToLower(s), "/"), ":443") }
	return norm(a) == norm(b)
}

// renewal says why the credential has to be sent anew, "" when it is good.
func (f flow) renewal(s *State, e *Endpoint) string {
	b := s.Before
	switch {
	case e == nil || !s.known() || b.EndpointID != e.ID:
		return "no run of ours has recorded what is in it"
	case b.Method != s.Method || b.Namespace != s.Namespace || b.Account != s.Account:
		return "it is to log in with something else"
	case !sameServer(b.Server, s.Found.Server):
		return "the cluster has another address now"
	case !e.Ready:
		return "Azure DevOps says that it is not ready"
	case !b.ExpiresAt.IsZero() && b.ExpiresAt.Sub(f.Clock()) < f.margin(s):
		return "its token ends on " + day(b.ExpiresAt)
	}
	return ""
}

func (f flow) margin(s *State) time.Duration {
	return min(soon, time.Duration(s.Days)*24*time.Hour/3)
}

// account makes the service account and seals a new token of it.
func (f flow) account(ctx context.Context, s *State, log w.Log) error {
	if s.Found.Credential != "" && f.Clock().Before(s.Found.Expires) {
		log.Info("The account's token is in custody already")
		return nil
	}
	if err := f.intend(ctx, s, func(b *w.ServiceConnection) { b.Namespace, b.Account, b.Method = s.Namespace, s.Account, "" }); err != nil {
		return err
	}
	return f.onCluster(ctx, s, func(k Kube) error {
		ctx, done := w.Settled(ctx)
		defer done()
		asked := time.Duration(s.Days) * 24 * time.Hour
		got, err := k.EnsureAccount(ctx, Account{Namespace: s.Namespace, Name: s.Account, TTL: asked})
		if err != nil {
			return err
		}
		if s.Found.Credential, err = f.Vault.Seal(ctx, "kubeconfig.pipelines", got.Kubeconfig); err != nil {
			return err
		}
		s.Found.Expires = got.Expires
		if got.Existed {
			log.Info("The account was there already: it gets a new token")
		}
		if got.Expires.Before(f.Clock().Add(asked - time.Hour)) {
			log.Warn("The API server gives tokens a shorter life than the %d days that were asked for", s.Days)
		}
		log.Good("Service account %s in %s, its token good until %s", s.Account, s.Namespace, day(got.Expires))
		s.did("new token for " + s.Account)
		return nil
	})
}

// given is the kubeconfig that the service connection gets.
func (f flow) given(ctx context.Context, s *State) ([]byte, w.Stack, error) {
	raw, stack, err := f.admin(ctx, s)
	if err != nil || !s.usesAccount() {
		return raw, stack, err
	}
	raw, err = f.Vault.Open(ctx, s.Found.Credential)
	return raw, stack, err
}

// credential logs in as the pipeline will, and asks what it may do.
func (f flow) credential(ctx context.Context, s *State, log w.Log) error {
	raw, stack, err := f.given(ctx, s)
	if err != nil {
		return err
	}
	cred, err := f.Credential(raw)
	if err != nil {
		return err
	}
	k, err := f.OpenKube(ctx, raw, stack, s.SiteID)
	if err != nil {
		return err
	}
	defer k.Close()
	v, err := k.ServerVersion(ctx)
	if err != nil {
		return err
	}
	log.Good("%s lets it in and answers as %s", cred.Server, v)
	for _, right := range [][2]string{{"apps", "deployments"}, {"", "services"}, {"", "secrets"}, {"networking.k8s.io", "ingresses"}} {
		may, err := k.Can(ctx, s.Namespace, "create", right[0], right[1])
		if err != nil {
			return err
		}
		if !may {
			return &w.Problem{Code: "pipelines.rights", What: "The credential cannot deploy", Why: fmt.Sprintf("it may not create %s in %s", right[1], s.Namespace),
				Fix: "Something took the role away, an admission policy or a person. Look at the role hubwright-deployer in the namespace, then retry."}
		}
	}
	log.Good("It may create deployments, services, secrets and ingresses%s", inNamespace(s))
	if !s.usesAccount() {
		log.Warn("It is cluster-admin: whoever may edit a pipeline that uses it owns the cluster")
		return nil
	}
	if may, err := k.Can(ctx, "", "list", "", "nodes"); err != nil || !may {
		return err
	}
	log.Warn("It may also list nodes, which its role does not give: somebody bound another role to the account")
	return nil
}

func inNamespace(s *State) string {
	if s.Namespace == "" {
		return ""
	}
	return " in " + s.Namespace
}

// connection makes the service connection or gives the one that is there the
// new credential: there is never a second one.
func (f flow) connection(ctx context.Context, s *State, log w.Log) error {
	raw, _, err := f.given(ctx, s)
	if err != nil {
		return err
	}
	cred, err := f.Credential(raw)
	if err != nil {
		return err
	}
	spec := Spec{Name: s.Name, Description: s.description(), Server: cred.Server, Project: s.Found.Project, Token: cred.Token, CA: cred.CA}
	if !s.usesAccount() {
		spec.Token, spec.CA, spec.Kubeconfig, spec.Context = "", nil, raw, cred.Context
		s.Found.Expires = time.Time{}
	}
	return f.inOrganization(ctx, s, func(o Organization) error {
		there, err := o.EndpointByName(ctx, spec.Project.ID, s.Name)
		if err != nil {
			return err
		}
		if err := s.mayTake(there); err != nil {
			return err
		}
		if err := f.send(ctx, s, o, there, spec); err != nil {
			return err
		}
		return f.readBack(ctx, s, o, log)
	})
}

// send makes or renews it, and records what it is now.
func (f flow) send(ctx context.Context, s *State, o Organization, there *Endpoint, spec Spec) error {
	if there == nil {
		if err := f.intend(ctx, s, func(b *w.ServiceConnection) { b.Name, b.EndpointID = s.Name, "" }); err != nil {
			return err
		}
	}
	ctx, done := w.Settled(ctx)
	defer done()
	if there != nil {
		s.Found.EndpointID = there.ID
		if _, err := o.UpdateEndpoint(ctx, there.ID, spec); err != nil {
			return err
		}
		s.did("service connection " + s.Name + " renewed")
		return f.record(ctx, s)
	}
	made, err := o.CreateEndpoint(ctx, spec)
	if err != nil {
		if e, look := o.EndpointByName(ctx, spec.Project.ID, s.Name); look == nil && e == nil {
			s.Before.Name = ""
			return errors.Join(err, f.Records.SaveServiceConnection(ctx, &s.Before))
		}
		return err
	}
	s.Found.EndpointID = made.ID
	s.did("service connection " + s.Name + " made")
	return f.record(ctx, s)
}

// readBack takes the service connection for made when Azure DevOps says that it
// is ready.
func (f flow) readBack(ctx context.Context, s *State, o Organization, log w.Log) error {
	for try := 0; ; try++ {
		e, err := o.Endpoint(ctx, s.Found.Project.ID, s.Found.EndpointID)
		if err != nil {
			return err
		}
		if e != nil && e.Ready {
			log.Good("Azure DevOps has the service connection %s and says that it is ready", s.Name)
			return nil
		}
		if try >= 10 {
			state := "it cannot be read back: the credential may lack the role User on it"
			if e != nil {
				state = "its state is " + e.State
			}
			return &w.Problem{Code: "pipelines.notready", What: "The service connection " + s.Name + " does not get ready", Why: state, Fix: "Look at it in Azure DevOps (Project settings, Service connections), then retry from this step."}
		}
		log.Progress(-1, "waiting for Azure DevOps to say that it is ready")
		if err := f.Pause(ctx, 3*time.Second); err != nil {
			return err
		}
	}
}

// record remembers what is there now, so that the next run finds it and it can
// be taken away.
func (f flow) record(ctx context.Context, s *State) error {
	b := &s.Before
	b.SiteID, b.ConnectionID, b.EndpointID, b.Name = s.SiteID, s.ConnectionID, s.Found.EndpointID, s.Name
	b.ProjectID, b.Project, b.Method, b.Namespace, b.Account = s.Found.Project.ID, s.Found.Project.Name, s.Method, s.Namespace, s.Account
	b.Server, b.ExpiresAt, b.RunID = s.Found.Server, s.Found.Expires, w.OriginOf(ctx).RunID
	return f.Records.SaveServiceConnection(ctx, b)
}
