package kube

import (
	"context"
	"encoding/json"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// RoleDeployer is our own role: what Helm needs to deploy an application into
// one namespace, and nothing of the cluster.
const RoleDeployer = "deployer"

// Roles are the roles that an account can have.
func Roles() []string { return []string{"view", "edit", RoleDeployer, "admin"} }

// ScopedAccount is a service account with rights in one namespace.
type ScopedAccount struct {
	Namespace string
	Name      string
	Role      string // view, edit, admin, deployer
	TTL       time.Duration
}

// Access is what an account's holder gets.
type Access struct {
	Kubeconfig []byte
	Expires    time.Time // as the API server says; it may be sooner than asked for
	Existed    bool      // the account was there already
}

// EnsureNamespace makes a namespace that is not there.
func (c *Cluster) EnsureNamespace(ctx context.Context, name string) error {
	_, err := c.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	return explain("Making the namespace "+name, unlessThere(err))
}

func unlessThere(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// EnsureScopedAccount makes the account with its binding where they are not
// there and gives out a kubeconfig with a new token. A role that we gave the
// account before is taken away: all its tokens, also the older ones, then may
// what the new role allows.
func (c *Cluster) EnsureScopedAccount(ctx context.Context, a ScopedAccount) (Access, error) {
	if err := c.EnsureNamespace(ctx, a.Namespace); err != nil {
		return Access{}, err
	}
	no := false
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: a.Name, Namespace: a.Namespace, Labels: ours()}, AutomountServiceAccountToken: &no}
	_, err := c.client.CoreV1().ServiceAccounts(a.Namespace).Create(ctx, sa, metav1.CreateOptions{})
	existed := apierrors.IsAlreadyExists(err)
	if err := unlessThere(err); err != nil {
		return Access{}, explain("Making the service account", err)
	}
	if err := c.bind(ctx, a); err != nil {
		return Access{}, err
	}
	seconds := int64(a.TTL / time.Second)
	tok, err := c.client.CoreV1().ServiceAccounts(a.Namespace).CreateToken(ctx, a.Name, &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return Access{}, explain("Asking for the account's token", err)
	}
	kubeconfig, err := c.tokenConfig(a, tok.Status.Token)
	return Access{Kubeconfig: kubeconfig, Expires: tok.Status.ExpirationTimestamp.Time, Existed: existed}, err
}

func ours() map[string]string { return map[string]string{"app.kubernetes.io/managed-by": "hubwright"} }

func (c *Cluster) bind(ctx context.Context, a ScopedAccount) error {
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: a.Role}
	if a.Role == RoleDeployer {
		ref.Kind, ref.Name = "Role", deployerName
		if err := c.ensureDeployer(ctx, a.Namespace); err != nil {
			return explain("Making the role", err)
		}
	}
	b := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: a.binding(a.Role), Namespace: a.Namespace, Labels: ours()}, RoleRef: ref,
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: a.Name, Namespace: a.Namespace}},
	}
	bindings := c.client.RbacV1().RoleBindings(a.Namespace)
	_, err := bindings.Create(ctx, b, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		// Written again, in case that somebody changed whom it binds. Nobody can
		// change the role of a binding: the server refuses then.
		_, err = bindings.Update(ctx, b, metav1.UpdateOptions{})
	}
	if err != nil {
		return explain("Binding the role", err)
	}
	return explain("Taking away the account's former role", c.unbindOthers(ctx, a))
}

// binding is a binding's name. The role of a binding cannot be changed, so the
// name says which one it is.
func (a ScopedAccount) binding(role string) string { return a.Name + "-" + role }

func (c *Cluster) unbindOthers(ctx context.Context, a ScopedAccount) error {
	bindings := c.client.RbacV1().RoleBindings(a.Namespace)
	list, err := bindings.List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(ours()).String()})
	if err != nil {
		return err
	}
	for _, b := range list.Items {
		for _, role := range Roles() {
			if role == a.Role || b.Name != a.binding(role) {
				continue
			}
			if err := bindings.Delete(ctx, b.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

const deployerName = "hubwright-deployer"

func (c *Cluster) ensureDeployer(ctx context.Context, namespace string) error {
	role := deployerRole(namespace)
	_, err := c.client.RbacV1().Roles(namespace).Create(ctx, role, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = c.client.RbacV1().Roles(namespace).Update(ctx, role, metav1.UpdateOptions{})
	}
	return err
}

// DeployerRole is the role RoleDeployer in a namespace, in JSON as kubectl
// apply takes it.
func DeployerRole(namespace string) ([]byte, error) {
	return json.MarshalIndent(deployerRole(namespace), "", "  ")
}

func deployerRole(namespace string) *rbacv1.Role {
	return &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: metav1.ObjectMeta{Name: deployerName, Namespace: namespace, Labels: ours()}, Rules: deployerRules(),
	}
}

func deployerRules() []rbacv1.PolicyRule {
	all := []string{"get", "list", "watch", "create", "update", "patch", "delete"}
	rule := func(group string, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: all}
	}
	return []rbacv1.PolicyRule{
		rule("", "services", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims", "pods", "endpoints"),
		{APIGroups: []string{""}, Resources: []string{"pods/log", "events"}, Verbs: []string{"get", "list", "watch"}},
		rule("apps", "deployments", "statefulsets", "daemonsets", "replicasets"),
		rule("networking.k8s.io", "ingresses", "networkpolicies"),
		rule("gateway.networking.k8s.io", "gateways", "httproutes"),
		rule("autoscaling", "horizontalpodautoscalers"),
		rule("policy", "poddisruptionbudgets"),
		rule("batch", "jobs", "cronjobs"),
	}
}

// tokenConfig is a kubeconfig for a token, with what the admin one knows of
// the cluster.
func (c *Cluster) tokenConfig(a ScopedAccount, token string) ([]byte, error) {
	admin := c.raw.Contexts[c.raw.CurrentContext]
	cluster := *c.raw.Clusters[admin.Cluster]
	out := clientcmdapi.NewConfig()
	out.Clusters[admin.Cluster] = &cluster
	out.AuthInfos[a.Name] = &clientcmdapi.AuthInfo{Token: token}
	out.Contexts[a.Name] = &clientcmdapi.Context{Cluster: admin.Cluster, AuthInfo: a.Name, Namespace: a.Namespace}
	out.CurrentContext = a.Name
	return clientcmd.Write(*out)
}
