package kube

import (
	"context"

	authzv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Credential is what a kubeconfig holds, taken apart for those who want its
// parts.
type Credential struct {
	Server  string // API server's URL
	CA      []byte // PEM
	Token   string // "" when it logs in another way
	Context string // the current one's name
}

// CredentialOf takes a kubeconfig apart.
func CredentialOf(kubeconfig []byte) (Credential, error) {
	raw, err := parse(kubeconfig)
	if err != nil {
		return Credential{}, err
	}
	at := raw.Contexts[raw.CurrentContext]
	cluster := raw.Clusters[at.Cluster]
	return Credential{Server: cluster.Server, CA: cluster.CertificateAuthorityData, Token: raw.AuthInfos[at.AuthInfo].Token, Context: raw.CurrentContext}, nil
}

// Can asks the API server whether the holder of this kubeconfig may do
// something in a namespace; namespace "" is everywhere.
func (c *Cluster) Can(ctx context.Context, namespace, verb, group, resource string) (bool, error) {
	review := &authzv1.SelfSubjectAccessReview{Spec: authzv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authzv1.ResourceAttributes{Namespace: namespace, Verb: verb, Group: group, Resource: resource},
	}}
	got, err := c.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, explain("Asking what the credential may do", err)
	}
	return got.Status.Allowed, nil
}

// DeleteAccount takes a service account away that EnsureScopedAccount made, with
// its bindings; its tokens end with it. The namespace and what is in it stay.
// One that is not there is no error.
func (c *Cluster) DeleteAccount(ctx context.Context, namespace, name string) error {
	for _, role := range Roles() {
		err := c.client.RbacV1().RoleBindings(namespace).Delete(ctx, ScopedAccount{Name: name}.binding(role), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return explain("Taking away the account's role", err)
		}
	}
	err := c.client.CoreV1().ServiceAccounts(namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return explain("Deleting the service account", err)
	}
	return nil
}
