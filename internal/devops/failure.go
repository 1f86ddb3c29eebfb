package devops

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	ado "github.com/microsoft/azure-devops-go-api/azuredevops/v7"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const newToken = "Make a new personal access token in Azure DevOps (User settings, Personal access tokens), then edit the Connection and give it."

// explain puts what the service said into words. Nil stays nil.
func explain(err error, host, doing string) error {
	if err == nil {
		return nil
	}
	var p *w.Problem
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, errLoginPage) {
		return &w.Problem{Code: "devops.login", What: "Azure DevOps did not accept the credential", Why: host + " answered with its login page, as it does when a token has expired or was revoked",
			Fix: newToken}
	}
	status, typeKey, message := said(err)
	if status == 0 {
		return problem.Network(err, host)
	}
	return refused(status, typeKey, message, doing)
}

// said is what the service answered; status 0 when it did not answer.
func said(err error) (status int, typeKey, message string) {
	var wrapped *ado.WrappedError
	var value ado.WrappedError
	var page *httpError
	switch {
	case errors.As(err, &page):
		return page.status, "", page.text
	case errors.As(err, &wrapped):
	case errors.As(err, &value):
		wrapped = &value
	default:
		return 0, "", ""
	}
	status = http.StatusInternalServerError
	if wrapped.StatusCode != nil {
		status = *wrapped.StatusCode
	}
	return status, text(wrapped.TypeKey), strings.TrimRight(text(wrapped.Message), ". \n")
}

func refused(status int, typeKey, message, doing string) *w.Problem {
	p := &w.Problem{Code: "devops.refused", What: doing + " was refused", Why: message, Detail: fmt.Sprintf("%d %s: %s", status, typeKey, message)}
	switch {
	case strings.Contains(typeKey, "DuplicateServiceConnection"):
		p.Code, p.What = "devops.duplicate", "Another service connection has this name already"
		p.Fix = "Choose another name, or have an administrator of that connection give this credential the role User on it: without it the connection cannot be seen from here."
	case strings.Contains(message, "VS800075"):
		p.Code, p.What = "devops.project", "The project is not there"
		p.Fix = "Check its name. If it exists, give the credential's owner access to the project."
	case strings.Contains(typeKey, "PoolNotFound"):
		p.Code, p.What = "devops.pool", "The agent pool is not there"
		p.Fix = "Choose a pool that exists, or have a pool administrator make it."
	case status == http.StatusUnauthorized && !strings.Contains(message, "is not authorized"):
		p.Code, p.What, p.Why = "devops.login", "Azure DevOps did not accept the credential", "it knows no such token: "+message
		p.Fix = newToken
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		p.Code, p.What = "devops.scope", doing+" is not allowed"
		p.Fix = "Give the token the scopes Service Connections (read, query and manage), Agent Pools (read and manage) and Project and Team (read), and its owner the role Administrator for service connections of the project."
	case status == http.StatusTooManyRequests:
		p.Code, p.What = "devops.throttled", "Azure DevOps is throttling"
		p.Fix = "Wait some minutes, then try again: other users of the organization or this token have asked too often."
	default:
		p.Fix = "Read what the service says above. If it is not clear, try the same in the web pages of Azure DevOps: they say more."
	}
	return p
}
