package kube_test

import (
	"encoding/json"
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

func TestPortable(t *testing.T) {
	text := plainConfig + `
- {name: other, user: {token: other-secret}}
`
	text = strings.Replace(text, "contexts: [", "contexts: [{name: d, context: {cluster: c, user: other}}, ", 1)
	text = strings.Replace(text, "users: [{name: u, user: {token: t}}]", "users:\n- {name: u, user: {token: t}}", 1)
	doc, err := kube.Portable([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(doc) {
		t.Errorf("it is no JSON: %s", doc)
	}
	if strings.Contains(string(doc), "other") {
		t.Errorf("it holds more than the current context: %s", doc)
	}
	if err := kube.Validate(doc); err != nil {
		t.Errorf("it cannot be used: %v", err)
	}
	for _, want := range []string{`"token":"t"`, `"server":"https://a.test"`, `"certificate-authority-data":"YQ=="`, `"current-context":"c"`} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("%s is not in %s", want, doc)
		}
	}
	if _, err := kube.Portable([]byte(strings.Replace(plainConfig, "token: t", "tokenFile: /etc/passwd", 1))); err == nil {
		t.Error("one that reads files of this machine is taken")
	}
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
