package kube_test

import (
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"hubwright/internal/kube"
)

const plainConfig = `
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://a.test", certificate-authority-data: YQ==}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
`

func TestValidate(t *testing.T) {
	if err := kube.Validate([]byte(plainConfig)); err != nil {
		t.Fatalf("a good one is refused: %v", err)
	}
	for name, c := range map[string]struct{ old, new, says string }{
		"no kubeconfig":     {plainConfig, "<html>", "not a kubeconfig"},
		"empty":             {plainConfig, "", "current context"},
		"no context":        {"current-context: c", "current-context: d", "current context"},
		"no cluster":        {"cluster: c, user", "cluster: x, user", "current context"},
		"no user":           {"user: u", "user: x", "current context"},
		"starts a program":  {"token: t", "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never}", "start a program"},
		"auth provider":     {"token: t", "auth-provider: {name: azure}", "start a program"},
		"reads a token":     {"token: t", "tokenFile: /etc/passwd", "refers to files"},
		"reads a key":       {"token: t", "client-key: /etc/passwd", "refers to files"},
		"reads a CA":        {"certificate-authority-data: YQ==", "certificate-authority: /etc/passwd", "the CA must be in it"},
		"trusts anybody":    {"certificate-authority-data: YQ==", "insecure-skip-tls-verify: true", "nobody verified"},
		"speaks plain HTTP": {"https://a.test", "http://a.test", "nobody verified"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(plainConfig, c.old, c.new, 1)
			for _, err := range []error{kube.Validate([]byte(text)), opening(text)} {
				if p := asProblem(t, err); p.Code != "kube.kubeconfig" || !strings.Contains(p.Why, c.says) {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

func opening(text string) error {
	_, err := kube.Open([]byte(text), kube.Way{})
	return err
}

func TestWithProxy(t *testing.T) {
	text, err := kube.WithProxy([]byte(plainConfig), "")
	if err != nil || string(text) != plainConfig {
		t.Errorf("without a proxy nothing may change: %v", err)
	}
	if text, err = kube.WithProxy([]byte(plainConfig), "http://127.0.0.1:3128"); err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.Load(text)
	if err != nil || cfg.Clusters["c"].ProxyURL != "http://127.0.0.1:3128" || cfg.AuthInfos["u"].Token != "t" {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := kube.WithProxy([]byte("x: ["), "http://127.0.0.1:3128"); err == nil {
		t.Error("rubbish was taken")
	}
	if p := asProblem(t, opensThrough("://")); p.Code != "kube.kubeconfig" {
		t.Errorf("%+v", p)
	}
}

func opensThrough(proxy string) error {
	_, err := kube.Open([]byte(plainConfig), kube.Way{Proxy: proxy})
	return err
}
