package azurestack

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// call runs one conversation with the Hub and makes a Problem of its error.
// doing says what it is about: "Reading the quota".
func (h *Hub) call(ctx context.Context, doing string, talk func(context.Context) error) error {
	ctx, wit := withWitness(ctx)
	err := talk(ctx)
	if err == nil {
		return nil
	}
	return h.problemOf(err, wit, doing)
}

func (h *Hub) problemOf(err error, wit *witness, doing string) error {
	var known *w.Problem
	if errors.As(err, &known) {
		return known
	}
	// A cancelled run or check is no failure of the Hub: the caller sees it
	// through errors.Is.
	if errors.Is(err, context.Canceled) {
		return err
	}
	var login *azidentity.AuthenticationFailedError
	if errors.As(err, &login) {
		return h.loginProblem(login, wit)
	}
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		if answer.StatusCode == http.StatusUnauthorized && h.forget != nil {
			h.forget()
		}
		return answerProblem(answer, doing)
	}
	return problem.Network(err, hostOf(h.base))
}

// answerProblem reads ARM's error document. A failed long-running operation
// arrives with status 200.
func answerProblem(e *azcore.ResponseError, doing string) *w.Problem {
	var body []byte
	if e.RawResponse != nil {
		if b, err := runtime.Payload(e.RawResponse); err == nil {
			body = b
		}
	}
	if len(bytes.TrimSpace(body)) == 0 && e.ErrorCode != "" {
		// A HEAD or an empty answer tells the code in a header alone.
		body = fmt.Appendf(nil, `{"error":{"code":%q,"message":""}}`, e.ErrorCode)
	}
	status := e.StatusCode
	if status < 300 {
		status = 0 // the operation failed, not the request that asked for it
	}
	p := problem.FromARM(status, body)
	if p.What == "" {
		p.What = doing + " failed"
	}
	if after := retryAfter(e.RawResponse); after != "" && e.StatusCode == http.StatusTooManyRequests {
		p.Fix = strings.TrimSpace(p.Fix + " The Hub asks to wait " + after + " s.")
	}
	return p
}

func retryAfter(resp *http.Response) string {
	if resp == nil {
		return ""
	}
	return resp.Header.Get("Retry-After")
}

// loginProblem says in words why there is no token: what the token service
// answered, or what kept us from asking it.
func (h *Hub) loginProblem(e *azidentity.AuthenticationFailedError, wit *witness) *w.Problem {
	if e.RawResponse != nil {
		body, _ := runtime.Payload(e.RawResponse)
		return problem.FromARM(e.RawResponse.StatusCode, body)
	}
	if wit.err != nil {
		return problem.Network(wit.err, hostOf(h.stack.Metadata.LoginEndpoint))
	}
	return &w.Problem{
		Code: "login.failed", What: h.stack.Metadata.Identity.Title() + " does not let the service principal in",
		Why:    "The token service could not be spoken to.",
		Fix:    "Test the stack: it compares tenant, identity system and login endpoint with what the Hub says of itself.",
		Detail: e.Error(),
	}
}

// worthRetrying is the SDK's own rule without failures that stay, and without
// those that took their time already: a certificate that is not trusted, a
// name that is not known, a proxy that refuses, a time-out.
func worthRetrying(resp *http.Response, err error) bool {
	if err != nil {
		var p *w.Problem
		var untrusted *tls.CertificateVerificationError
		var wrongName x509.HostnameError
		var unknown *net.DNSError
		var slow net.Error
		stays := errors.As(err, &p) || errors.As(err, &untrusted) || errors.As(err, &wrongName) ||
			(errors.As(err, &unknown) && unknown.IsNotFound) || (errors.As(err, &slow) && slow.Timeout())
		return !stays
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// settingsProblem is a refusal of the SDK to start with the Stack's settings.
func settingsProblem(err error) error {
	return &w.Problem{
		Code: "stack.settings", What: "The stack's settings do not fit together", Why: err.Error(),
		Fix: "Open the stack's settings and let it discover the Hub again.",
	}
}

// notFound says that ARM answered 404, and with which code.
func notFound(err error) bool {
	var e *azcore.ResponseError
	return errors.As(err, &e) && e.StatusCode == http.StatusNotFound
}

// payloadOf reads an answer of a raw request into out.
func payloadOf(r io.Reader, out any) error {
	if err := json.NewDecoder(r).Decode(out); err != nil {
		return fmt.Errorf("reading the Hub's answer: %w", err)
	}
	return nil
}
