package arm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hubwright/internal/sandbox/identity"
)

// challenge tells a client where to get a token. Clients read the tenant from
// it, so it is part of every 401.
func (h *Hub) challenge(rep reply) {
	rep.header.Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="%s", error="invalid_token", error_description="The authentication failed because of missing or invalid 'Authorization' header."`, h.cfg.Identity.AuthorizationURI()))
}

// admit checks token, subscription, api-version and rights. stop says that the
// reply is the answer.
func (h *Hub) admit(r *request) (rep reply, stop bool) {
	if e := h.authenticate(r); e.failed() {
		rep = refuse(e)
		h.challenge(rep)
		return rep, true
	}
	for _, check := range []func(*request) armError{h.checkSubscription, h.checkVersion, h.authorize} {
		if e := check(r); e.failed() {
			return refuse(e), true
		}
	}
	return reply{}, false
}

func (h *Hub) authenticate(r *request) armError {
	header := r.Header.Get("Authorization")
	token, isBearer := strings.CutPrefix(header, "Bearer ")
	if header == "" || !isBearer {
		return fail(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing or has no bearer token.")
	}
	claims, err := h.cfg.Identity.Verify(token)
	r.who = claims
	switch {
	case err == nil:
		return armError{}
	case errors.Is(err, identity.ErrExpired):
		return fail(http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token expiry UTC time '%s' is earlier than current UTC time '%s'.",
			time.Unix(claims.Expires, 0).UTC().Format(clock), time.Now().UTC().Format(clock))
	case errors.Is(err, identity.ErrTenant):
		return fail(http.StatusUnauthorized, "InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer '%s'. It must match the tenant '%s' associated with this subscription. Please use the authority (URL) '%s' to get the token.",
			claims.Issuer, h.cfg.TenantID, h.cfg.Identity.AuthorizationURI())
	case errors.Is(err, identity.ErrAudience):
		return fail(http.StatusUnauthorized, "InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences '%s'.", claims.Audience, h.cfg.Audience)
	}
	return fail(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid.")
}

const clock = "1/2/2006 3:04:05 PM"

func (h *Hub) checkSubscription(r *request) armError {
	if len(r.low) < 2 || r.low[0] != "subscriptions" || same(r.seg[1], h.cfg.SubscriptionID) {
		return armError{}
	}
	if len(r.seg[1]) != 36 {
		return bad("InvalidSubscriptionId", "The provided subscription identifier '%s' is malformed or invalid.", r.seg[1])
	}
	return notFound("SubscriptionNotFound", "The subscription '%s' could not be found.", r.seg[1])
}

// builtIn are the built-in roles by name: id and what they grant.
var builtIn = map[string]struct {
	id                  string
	actions, notActions []string
}{
	"Owner": {"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", []string{"*"}, []string{}},
	"Contributor": {"b24988ac-6180-42a0-ab88-20f7382dd24c", []string{"*"}, []string{
		"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}},
	"Reader": {"acdd72a7-3385-48ef-bd42-f606fba81ae7", []string{"*/read"}, []string{}},
}

// rolesOf lists the roles that a principal has at a scope.
func (h *Hub) rolesOf(objectID, scope string) []Role {
	if h.cfg.Roles == nil {
		return []Role{{ObjectID: objectID, Name: "Contributor", Scope: h.subID()}}
	}
	var out []Role
	for _, role := range h.cfg.Roles {
		if role.Scope == "" {
			role.Scope = h.subID()
		}
		if same(role.ObjectID, objectID) && strings.HasPrefix(lower(scope)+"/", lower(role.Scope)+"/") {
			out = append(out, role)
		}
	}
	return out
}

func (h *Hub) may(objectID, action, scope string) bool {
	for _, role := range h.rolesOf(objectID, scope) {
		b := builtIn[role.Name]
		if matches(b.actions, action) && !matches(b.notActions, action) {
			return true
		}
	}
	return false
}

// matches compares an action with patterns in which one * is anything.
func matches(patterns []string, action string) bool {
	action = lower(action)
	for _, p := range patterns {
		before, after, star := strings.Cut(lower(p), "*")
		if !star && before == action || star && len(action) >= len(before)+len(after) && strings.HasPrefix(action, before) && strings.HasSuffix(action, after) {
			return true
		}
	}
	return false
}

// authorize refuses what the principal's roles don't allow.
func (h *Hub) authorize(r *request) armError {
	if len(r.low) < 2 || r.low[0] != "subscriptions" {
		return armError{}
	}
	action, scope := r.action(), "/"+strings.Join(r.seg, "/")
	if h.may(r.who.ObjectID, action, scope) {
		return armError{}
	}
	return fail(http.StatusForbidden, "AuthorizationFailed", "The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		r.who.ObjectID, r.who.ObjectID, action, scope)
}

// action is what a request does, in the words of role definitions.
func (r *request) action() string {
	what := r.kind()
	switch {
	case what != "":
	case len(r.low) >= 4 && r.low[2] == "resourcegroups":
		what = "Microsoft.Resources/subscriptions/resourceGroups"
	default:
		what = "Microsoft.Resources/subscriptions"
	}
	verb := map[string]string{http.MethodPut: "write", http.MethodPatch: "write", http.MethodDelete: "delete", http.MethodPost: "action"}[r.Method]
	if verb == "" {
		verb = "read"
	}
	return what + "/" + verb
}

// authorizationRoute answers Microsoft.Authorization at a scope, read only:
// path is a collection, or a collection and a name.
func (h *Hub) authorizationRoute(r *request, scope string, path []string) reply {
	if r.Method != http.MethodGet {
		return refuse(notAllowed(r.Method, "Microsoft.Authorization/"+path[0]))
	}
	out := []object{}
	switch lower(path[0]) {
	case "permissions":
		for _, role := range h.rolesOf(r.who.ObjectID, scope) {
			b := builtIn[role.Name]
			out = append(out, object{"actions": b.actions, "notActions": b.notActions})
		}
	case "roleassignments":
		for i, role := range h.assignments(r, scope) {
			name := fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1)
			out = append(out, object{"id": role.Scope + "/providers/Microsoft.Authorization/roleAssignments/" + name, "name": name, "type": "Microsoft.Authorization/roleAssignments",
				"properties": object{"principalId": role.ObjectID, "scope": role.Scope, "roleDefinitionId": h.subID() + "/providers/Microsoft.Authorization/roleDefinitions/" + builtIn[role.Name].id}})
		}
	case "roledefinitions":
		for name, b := range builtIn {
			out = append(out, object{"id": h.subID() + "/providers/Microsoft.Authorization/roleDefinitions/" + b.id, "name": b.id, "type": "Microsoft.Authorization/roleDefinitions",
				"properties": object{"roleName": name, "type": "BuiltInRole", "assignableScopes": []string{"/"}, "permissions": []object{{"actions": b.actions, "notActions": b.notActions}}}})
		}
	default:
		return refuse(noPath(r.URL.Path))
	}
	if len(path) == 1 {
		return answer(http.StatusOK, object{"value": out})
	}
	for _, o := range out {
		if same(str(o["name"]), path[1]) {
			return answer(http.StatusOK, o)
		}
	}
	return refuse(noPath(r.URL.Path))
}

// assignments are those that $filter asks for.
func (h *Hub) assignments(r *request, scope string) []Role {
	filter := r.URL.Query().Get("$filter")
	if _, rest, ok := strings.Cut(filter, "'"); ok {
		who, _, _ := strings.Cut(rest, "'")
		return h.rolesOf(who, scope)
	}
	if h.cfg.Roles == nil {
		return h.rolesOf(r.who.ObjectID, scope)
	}
	var out []Role
	for _, role := range h.cfg.Roles {
		out = append(out, h.rolesOf(role.ObjectID, scope)...)
	}
	return out
}
