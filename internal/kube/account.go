package kube

import (
	"context"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// RoleDeployer is our own role: what Helm needs to deploy an application into
// one namespace, and nothing of the cluster.
const RoleDeployer = "deployer"

// ScopedAccount is a service account with rights in one namespace.
type ScopedAccount struct {
	Namespace string
	Name      string
	Role      string // view, edit, admin, deployer
	TTL       time.Duration
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
// there and gives out a kubeconfig with a new token. Older tokens stay good
// until they expire.
func (c *Cluster) EnsureScopedAccount(ctx context.Context, a ScopedAccount) (kubeconfig []byte, expires time.Time, err error) {
	if err := c.EnsureNamespace(ctx, a.Namespace); err != nil {
		return nil, expires, err
	}
	no := false
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: a.Name, Namespace: a.Namespace, Labels: ours()}, AutomountServiceAccountToken: &no}
	_, err = c.client.CoreV1().ServiceAccounts(a.Namespace).Create(ctx, sa, metav1.CreateOptions{})
	if err := unlessThere(err); err != nil {
		return nil, expires, explain("Making the service account", err)
	}
	if err := c.bind(ctx, a); err != nil {
		return nil, expires, err
	}
	seconds := int64(a.TTL / time.Second)
	tok, err := c.client.CoreV1().ServiceAccounts(a.Namespace).CreateToken(ctx, a.Name, &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return nil, expires, explain("Asking for the account's token", err)
	}
	kubeconfig, err = c.tokenConfig(a, tok.Status.Token)
	return kubeconfig, tok.Status.ExpirationTimestamp.Time, err
}

func ours() map[string]string { return map[string]string{"app.kubernetes.io/managed-by": "hubwright"} }

func (c *Cluster) bind(ctx context.Context, a ScopedAccount) error {
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: a.Role}
	if a.Role == RoleDeployer {
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "hubwright-deployer", Namespace: a.Namespace, Labels: ours()}, Rules: deployerRules()}
		_, err := c.client.RbacV1().Roles(a.Namespace).Create(ctx, role, metav1.CreateOptions{})
		if err := unlessThere(err); err != nil {
			return explain("Making the role", err)
		}
		ref.Kind, ref.Name = "Role", role.Name
	}
	// A binding's role cannot be changed, so its name says which one it is.
	b := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: a.Name + "-" + a.Role, Namespace: a.Namespace, Labels: ours()}, RoleRef: ref,
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: a.Name, Namespace: a.Namespace}},
	}
	_, err := c.client.RbacV1().RoleBindings(a.Namespace).Create(ctx, b, metav1.CreateOptions{})
	return explain("Binding the role", unlessThere(err))
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
		rule("gateway.networking.k8s.io", "httproutes"),
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
