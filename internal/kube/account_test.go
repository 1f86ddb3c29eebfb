package kube_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authzv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"hubwright/internal/kube"
)

func person(t *testing.T, kubeconfig []byte) *kubernetes.Clientset {
	t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dial, cfg.QPS = real(t).Dial, -1
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func account(t *testing.T, a kube.ScopedAccount) (kubeconfig []byte, expires time.Time) {
	t.Helper()
	access, err := opened(t).EnsureScopedAccount(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return access.Kubeconfig, access.Expires
}

// can asks the API server as "kubectl auth can-i" does. What is "verb
// group/resource/subresource namespace", with "-" for the whole cluster.
func can(t *testing.T, c *kubernetes.Clientset, what string) bool {
	t.Helper()
	f := strings.Fields(what)
	group, resource, _ := strings.Cut(f[1], "/")
	resource, sub, _ := strings.Cut(resource, "/")
	review, err := c.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authzv1.SelfSubjectAccessReview{
		Spec: authzv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authzv1.ResourceAttributes{Verb: f[0], Group: group, Resource: resource, Subresource: sub, Namespace: strings.TrimPrefix(f[2], "-")}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

func TestRolesLimit(t *testing.T) {
	for role, may := range map[string]struct{ yes, no []string }{
		"view": {
			yes: []string{"get /pods NS", "list apps/deployments NS"},
			no:  []string{"create /configmaps NS", "get /secrets NS", "delete /pods NS", "get /pods kube-system", "list /nodes -"},
		},
		"edit": {
			yes: []string{"create apps/deployments NS", "get /secrets NS", "delete /pods NS"},
			no:  []string{"get /secrets kube-system", "create /configmaps default", "create rbac.authorization.k8s.io/rolebindings NS", "list /namespaces -"},
		},
		kube.RoleDeployer: {
			yes: []string{"create apps/deployments NS", "update /secrets NS", "create networking.k8s.io/ingresses NS", "create autoscaling/horizontalpodautoscalers NS", "get /pods/log NS"},
			no:  []string{"create rbac.authorization.k8s.io/roles NS", "get /secrets default", "create /pods/exec NS", "create /namespaces -", "delete /namespaces NS"},
		},
		"admin": {
			yes: []string{"create rbac.authorization.k8s.io/rolebindings NS", "create apps/deployments NS"},
			no:  []string{"get /secrets kube-system", "create rbac.authorization.k8s.io/clusterrolebindings -", "delete /nodes -"},
		},
	} {
		t.Run(role, func(t *testing.T) {
			ns := "limit-" + role
			kubeconfig, _ := account(t, kube.ScopedAccount{Namespace: ns, Name: "robot", Role: role, TTL: time.Hour})
			c := person(t, kubeconfig)
			of := func(what string) string { return strings.Replace(what, "NS", ns, 1) }
			// The aggregated roles view, edit and admin are filled by a controller.
			eventually(t, "the rights", func() string {
				for _, what := range may.yes {
					if !can(t, c, of(what)) {
						return "may not " + of(what)
					}
				}
				return ""
			})
			for _, what := range may.no {
				if can(t, c, of(what)) {
					t.Errorf("may %s", of(what))
				}
			}
		})
	}
}

// TestRolesAreEnforced does the forbidden things rather than ask.
func TestRolesAreEnforced(t *testing.T) {
	ctx := t.Context()
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "note-"}}
	seen, _ := account(t, kube.ScopedAccount{Namespace: "doing", Name: "viewer", Role: "view", TTL: time.Hour})
	if _, err := person(t, seen).CoreV1().ConfigMaps("doing").Create(ctx, note, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("a viewer creates: %v", err)
	}
	made, _ := account(t, kube.ScopedAccount{Namespace: "doing", Name: "editor", Role: "edit", TTL: time.Hour})
	editor := person(t, made)
	eventually(t, "an editor creates", func() string {
		_, err := editor.CoreV1().ConfigMaps("doing").Create(ctx, note, metav1.CreateOptions{})
		if err != nil {
			return err.Error()
		}
		return ""
	})
	if _, err := editor.CoreV1().Secrets("kube-system").List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("an editor reads other secrets: %v", err)
	}
}

func TestScopedKubeconfig(t *testing.T) {
	before := time.Now()
	kubeconfig, expires := account(t, kube.ScopedAccount{Namespace: "papers", Name: "robot", Role: "view", TTL: 90 * time.Minute})
	cfg, err := clientcmd.Load(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	current := cfg.Contexts[cfg.CurrentContext]
	if current.Namespace != "papers" {
		t.Errorf("namespace %q", current.Namespace)
	}
	user := cfg.AuthInfos[current.AuthInfo]
	if len(cfg.AuthInfos) != 1 || len(user.ClientKeyData) > 0 || user.Token == "" {
		t.Errorf("the file must hold a token and nothing of the administrator: %d users", len(cfg.AuthInfos))
	}
	if err := kube.Validate(kubeconfig); err != nil {
		t.Errorf("our own file is refused: %v", err)
	}
	if left := expires.Sub(before); left < 89*time.Minute || left > 92*time.Minute {
		t.Errorf("told to expire in %s", left)
	}
	if got := tokenEnd(t, user.Token); !got.Equal(expires) {
		t.Errorf("the token ends %s, told was %s", got, expires)
	}
}

func tokenEnd(t *testing.T, token string) time.Time {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal("the token is no JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Exp int64 }
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return time.Unix(claims.Exp, 0)
}

// TestAccountTwice: the second time makes nothing but a token, and a new role
// takes the place of the old one.
func TestAccountTwice(t *testing.T) {
	ctx := t.Context()
	a := kube.ScopedAccount{Namespace: "twice", Name: "robot", Role: kube.RoleDeployer, TTL: time.Hour}
	first, _ := account(t, a)
	was := versions(ctx, t, "twice")
	second, _ := account(t, a)
	if diff := cmp.Diff(was, versions(ctx, t, "twice")); diff != "" {
		t.Errorf("the second time changed (-was +is):\n%s", diff)
	}
	if string(first) == string(second) {
		t.Error("the second file has the first one's token")
	}
	a.Role = "view"
	if again, err := opened(t).EnsureScopedAccount(ctx, a); err != nil || !again.Existed {
		t.Errorf("it does not say that the account was there: %v", err)
	}
	old := person(t, first)
	eventually(t, "the former role is gone", func() string {
		if can(t, old, "create apps/deployments twice") {
			return "the account still may what it might before"
		}
		return ""
	})
	names := versions(ctx, t, "twice")
	if names["binding robot-view"] == "" || names["binding robot-deployer"] != "" {
		t.Errorf("bindings: %v", names)
	}
}

// versions are the objects of a namespace with their resource versions.
func versions(ctx context.Context, t *testing.T, ns string) map[string]string {
	t.Helper()
	c := person(t, real(t).Kubeconfig())
	out := map[string]string{}
	add := func(kind string, m metav1.ObjectMeta) { out[kind+" "+m.Name] = m.ResourceVersion }
	accounts, err := c.CoreV1().ServiceAccounts(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range accounts.Items {
		if x.Name != "default" { // a controller's
			add("account", x.ObjectMeta)
		}
	}
	roles, err := c.RbacV1().Roles(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range roles.Items {
		add("role", x.ObjectMeta)
	}
	bindings, err := c.RbacV1().RoleBindings(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range bindings.Items {
		add("binding", x.ObjectMeta)
	}
	return out
}

// TestDeployerRole: what a person is shown is what a deploy of the account makes.
func TestDeployerRole(t *testing.T) {
	account(t, kube.ScopedAccount{Namespace: "shown", Name: "robot", Role: kube.RoleDeployer, TTL: time.Hour})
	text, err := kube.DeployerRole("shown")
	if err != nil {
		t.Fatal(err)
	}
	var want rbacv1.Role
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if want.Kind != "Role" || want.APIVersion != "rbac.authorization.k8s.io/v1" || want.Namespace != "shown" {
		t.Errorf("%s", text)
	}
	got, err := person(t, real(t).Kubeconfig()).RbacV1().Roles("shown").Get(t.Context(), want.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Rules, got.Rules); diff != "" {
		t.Errorf("rules (-shown +made):\n%s", diff)
	}
}

func TestAccountRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		a    kube.ScopedAccount
		code string
	}{
		"a life shorter than the server allows": {kube.ScopedAccount{Namespace: "bad", Name: "robot", Role: "view", TTL: time.Minute}, "kube.refused"},
		"a name that Kubernetes refuses":        {kube.ScopedAccount{Namespace: "bad", Name: "Robot!", Role: "view", TTL: time.Hour}, "kube.refused"},
		"a namespace that Kubernetes refuses":   {kube.ScopedAccount{Namespace: "Bad_", Name: "robot", Role: "view", TTL: time.Hour}, "kube.refused"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := opened(t).EnsureScopedAccount(t.Context(), c.a)
			if p := asProblem(t, err); p.Code != c.code {
				t.Errorf("%+v", p)
			}
		})
	}
	viewer, _ := account(t, kube.ScopedAccount{Namespace: "bad", Name: "viewer", Role: "view", TTL: time.Hour})
	_, err := open(t, viewer, kube.Way{Dial: real(t).Dial}).EnsureScopedAccount(t.Context(), kube.ScopedAccount{Namespace: "bad", Name: "other", Role: "admin", TTL: time.Hour})
	if p := asProblem(t, err); p.Code != "kube.forbidden" {
		t.Errorf("a viewer makes an administrator: %+v", p)
	}
}

// What a pipeline gets opens what it should, and nothing once the account is
// deleted.
func TestCredentialIsTakenApartTriedAndDeleted(t *testing.T) {
	a := kube.ScopedAccount{Namespace: "taken-apart", Name: "robot", Role: kube.RoleDeployer, TTL: time.Hour}
	raw, _ := account(t, a)
	cred, err := kube.CredentialOf(raw)
	if err != nil || cred.Token == "" || !strings.HasPrefix(cred.Server, "https://") || !strings.Contains(string(cred.CA), "BEGIN CERTIFICATE") || cred.Context != "robot" {
		t.Fatalf("%+v, %v", cred, err)
	}
	robot, err := kube.Open(raw, kube.Way{Dial: real(t).Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer robot.Close()
	for _, c := range []struct {
		namespace, verb, group, resource string
		want                             bool
	}{
		{a.Namespace, "create", "apps", "deployments", true}, {"", "list", "", "nodes", false}, {"default", "create", "apps", "deployments", false},
	} {
		if may, err := robot.Can(t.Context(), c.namespace, c.verb, c.group, c.resource); err != nil || may != c.want {
			t.Errorf("%+v: %v, %v", c, may, err)
		}
	}
	for range 2 {
		if err := opened(t).DeleteAccount(t.Context(), a.Namespace, a.Name); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := opened(t).EnsureScopedAccount(t.Context(), a); err != nil || again.Existed {
		t.Errorf("after it was deleted the account existed: %v, %v", again.Existed, err)
	}
}
