package kube

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

// PutSecret makes a Secret of ours hold this and nothing else, and makes its
// namespace where there is none; changed says whether it was not so. One that
// somebody else made is left alone.
func (c *Cluster) PutSecret(ctx context.Context, namespace, name string, data map[string]string) (changed bool, err error) {
	if err := c.EnsureNamespace(ctx, namespace); err != nil {
		return false, err
	}
	want := map[string][]byte{}
	for k, v := range data {
		want[k] = []byte(v)
	}
	secrets := c.client.CoreV1().Secrets(namespace)
	there, err := secrets.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: ours()}, Data: want}, metav1.CreateOptions{})
		return err == nil, explain("Making the Secret "+name, err)
	case err != nil:
		return false, explain("Reading the Secret "+name, err)
	case !isOurs(there):
		return false, &workflows.Problem{Code: "kube.taken", What: "There is another Secret " + name + " in " + namespace, Why: "it lacks the label with which Hubwright marks its own", Fix: "Choose another name or another namespace."}
	case maps.EqualFunc(there.Data, want, func(a, b []byte) bool { return string(a) == string(b) }):
		return false, nil
	}
	there.Data = want
	_, err = secrets.Update(ctx, there, metav1.UpdateOptions{})
	return err == nil, explain("Changing the Secret "+name, err)
}

func isOurs(s *corev1.Secret) bool {
	for k, v := range ours() {
		if s.Labels[k] != v {
			return false
		}
	}
	return true
}

// HasSecret says whether there is a Secret of that name.
func (c *Cluster) HasSecret(ctx context.Context, namespace, name string) (bool, error) {
	_, err := c.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, explain("Looking for the Secret "+name, err)
}

// DeleteSecret deletes a Secret of ours. One that is not there, or that
// somebody else made, is no error.
func (c *Cluster) DeleteSecret(ctx context.Context, namespace, name string) error {
	secrets := c.client.CoreV1().Secrets(namespace)
	there, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if err == nil && isOurs(there) {
		err = secrets.Delete(ctx, name, metav1.DeleteOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return explain("Deleting the Secret "+name, err)
}
