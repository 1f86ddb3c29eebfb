package devops

import (
	"net/http"
	"slices"
	"strings"
)

const (
	anonymous = "TF400813: Resource not available for anonymous access. Client authentication required."
	// signIn is what a browser would see; programs get it as well.
	signIn = `<!DOCTYPE html><html lang="en"><head><title>Azure DevOps Services | Sign In</title></head><body><p>Sign in to your account</p></body></html>`
)

// letIn says whether the request may pass, and answers it when it may not.
func (s *Server) letIn(w http.ResponseWriter, r *http.Request, c call) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if s.cfg.Bearer != nil && s.cfg.Bearer(token) || s.isAgent(c, token) {
			return true
		}
		s.sendToLogin(w, r)
		return false
	}
	user, pat, ok := r.BasicAuth()
	i := slices.IndexFunc(s.cfg.Tokens, func(t Token) bool { return ok && user == "" && t.Secret == pat })
	if i < 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("WWW-Authenticate", `Basic realm="https://`+s.cfg.Host+`/"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(anonymous))
		return false
	}
	t := s.cfg.Tokens[i]
	if !t.Expires.IsZero() && !s.cfg.Now().Before(t.Expires) {
		s.sendToLogin(w, r)
		return false
	}
	if scope := needed(c); scope != "" && len(t.Scopes) > 0 && !slices.Contains(t.Scopes, scope) {
		write(w, http.StatusUnauthorized, map[string]any{
			"$id": "1", "innerException": nil, "errorCode": 0, "eventId": 3000, "typeKey": "UnauthorizedRequestException",
			"message":  "TF400813: The user '0de70b50-bbbb-4000-8000-000000000001' is not authorized to access this resource.",
			"typeName": "Microsoft.TeamFoundation.Framework.Server.UnauthorizedRequestException, Microsoft.TeamFoundation.Framework.Server",
		})
		return false
	}
	return true
}

// sendToLogin is what happens to a token that has ended: a page for a browser,
// with a status that looks like a success.
func (s *Server) sendToLogin(w http.ResponseWriter, r *http.Request) {
	status := http.StatusNonAuthoritativeInfo
	if r.Method == http.MethodPatch {
		status = http.StatusUnauthorized
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(signIn))
}

// needed is the scope that a call takes.
func needed(c call) string {
	if len(c.rest) == 0 {
		return ""
	}
	switch strings.ToLower(c.rest[0]) {
	case "serviceendpoint", "pipelines":
		return ScopeEndpoints
	case "distributedtask":
		return ScopePools
	case "projects":
		return ScopeProjects
	}
	return ""
}
