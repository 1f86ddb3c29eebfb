package identity

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// token answers the client credentials grant, in the v1 form (resource) and
// the v2 form (scope).
func (s *Service) token(w http.ResponseWriter, r *http.Request, tenant string) {
	if !s.knows(tenant) {
		s.fail(w, s.problem(noTenant, tenant))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		s.fail(w, s.problem(badRequest, ""))
		return
	}
	f := r.PostForm
	id, secret := f.Get("client_id"), f.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		id, secret = user, pass
	}
	if p := s.refuseForm(f, id); p != nil {
		s.fail(w, p)
		return
	}
	audience, p := s.audience(f)
	if p == nil {
		var who *Principal
		if who, p = s.authenticate(id, secret, f, tenant); p == nil {
			s.grant(w, *who, audience, f.Get("scope") == "")
			return
		}
	}
	s.fail(w, p)
}

func (s *Service) refuseForm(f url.Values, clientID string) *failure {
	switch {
	case f.Get("grant_type") == "":
		return s.problem(missingParameter, "grant_type")
	case f.Get("grant_type") != "client_credentials":
		return s.problem(badGrant, f.Get("grant_type"))
	case clientID == "":
		return s.problem(missingParameter, "client_id")
	}
	return nil
}

// audience finds which of our resources a token is asked for.
func (s *Service) audience(f url.Values) (string, *failure) {
	want := f.Get("resource")
	for scope := range strings.FieldsSeq(f.Get("scope")) {
		if a, ok := strings.CutSuffix(scope, "/.default"); ok {
			want = a
		}
	}
	if want == "" {
		return "", s.problem(missingParameter, "scope")
	}
	want = strings.TrimRight(want, "/")
	i := slices.IndexFunc(s.cfg.Audiences, func(a string) bool {
		return strings.EqualFold(strings.TrimRight(a, "/"), want)
	})
	if i < 0 {
		return "", s.problem(noResource, want)
	}
	return s.cfg.Audiences[i], nil
}

func (s *Service) authenticate(id, secret string, f url.Values, tenant string) (*Principal, *failure) {
	i := slices.IndexFunc(s.cfg.Principals, func(p Principal) bool { return strings.EqualFold(p.ClientID, id) })
	if i < 0 {
		return nil, s.problem(noClient, id)
	}
	p := &s.cfg.Principals[i]
	assertion := f.Get("client_assertion")
	switch {
	case assertion != "":
		if f.Get("client_assertion_type") != assertionType {
			return nil, s.problem(badAssertion, "client_assertion_type must be "+assertionType)
		}
		return p, s.checkAssertion(assertion, p, tenant)
	case secret == "":
		return nil, s.problem(missingParameter, "client_assertion' or 'client_secret")
	case p.Next != "" && secret == p.Next:
	case p.Secret == "" || secret != p.Secret:
		return nil, s.problem(badSecret, id)
	case !p.SecretExpires.IsZero() && s.cfg.Now().After(p.SecretExpires):
		return nil, s.problem(oldSecret, id)
	}
	return p, nil
}

func (s *Service) grant(w http.ResponseWriter, p Principal, audience string, v1 bool) {
	now := s.cfg.Now()
	token, err := sign(s.cfg.Key, Claims{
		Audience: audience, Issuer: s.issuer(), TenantID: s.cfg.TenantID,
		AppID: p.ClientID, ObjectID: p.ObjectID, Subject: p.ObjectID,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(s.cfg.TokenLife).Unix(),
		ID: newID(), Version: "1.0",
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	life := int(s.cfg.TokenLife.Seconds()) - 1
	answer := map[string]any{"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}
	if v1 {
		answer["resource"] = audience
		answer["not_before"] = now.Unix()
		answer["expires_on"] = now.Add(s.cfg.TokenLife).Unix()
	}
	writeJSON(w, http.StatusOK, answer)
}
