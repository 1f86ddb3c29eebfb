package devops

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	ado "github.com/microsoft/azure-devops-go-api/azuredevops/v7"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// scope is Azure DevOps in every tenant of Entra ID.
const scope = "499b84ac-1321-427f-aa17-267ca6975798/.default"

// authorization is the header with which the Connection proves itself.
func (o *Organizations) authorization(ctx context.Context, c w.Connection, client *http.Client) (string, error) {
	ref, what := c.Credential.Secret, "secret"
	switch c.Credential.Method {
	case w.AuthToken:
		what = "personal access token"
	case w.AuthCertificate:
		ref, what = c.Credential.Certificate, "certificate"
	}
	plain, err := o.secrets.Open(ctx, ref)
	if err != nil {
		return "", &w.Problem{Code: "devops.missing", What: "The " + what + " of " + c.Name + " is not here", Why: "it could not be opened from the secret store",
			Fix: "Edit the Connection and give it again.", Detail: err.Error()}
	}
	if c.Credential.Method == w.AuthToken {
		return ado.CreateBasicAuthHeaderValue("", string(plain)), nil
	}
	token, err := principalToken(ctx, c, plain, client)
	if err != nil {
		return "", err
	}
	return "Bearer " + token, nil
}

// principalToken logs the service principal in.
func principalToken(ctx context.Context, c w.Connection, plain []byte, client *http.Client) (string, error) {
	conf := azcore.ClientOptions{Transport: client, Retry: policy.RetryOptions{MaxRetries: 2}, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: c.LoginEndpoint}}
	cred, err := principal(c, plain, conf)
	if err == nil {
		var got azcore.AccessToken
		if got, err = cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}}); err == nil {
			return got.Token, nil
		}
	}
	if p, ok := problem.FromText(err.Error()); ok {
		p.Fix = strings.ReplaceAll(p.Fix, "the stack", "the Connection") // its words are about Stacks
		return "", p
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) {
		return "", &w.Problem{Code: "devops.login", What: "The service principal of " + c.Name + " cannot log in", Why: "the token service did not accept it",
			Fix: "Check tenant, client id and secret or certificate of the Connection.", Detail: err.Error()}
	}
	return "", problem.Network(err, c.LoginEndpoint)
}

func principal(c w.Connection, plain []byte, conf azcore.ClientOptions) (azcore.TokenCredential, error) {
	if c.Credential.Method == w.AuthSecret {
		return azidentity.NewClientSecretCredential(c.TenantID, c.Credential.ClientID, string(plain),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: conf, DisableInstanceDiscovery: true})
	}
	certs, key, err := azidentity.ParseCertificates(plain, nil)
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(c.TenantID, c.Credential.ClientID, certs, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: conf, DisableInstanceDiscovery: true, SendCertificateChain: true})
}
