package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hubwright/workflows"
)

// ErrToken says that an API token does not open anything.
var ErrToken = errors.New("the API token is not valid")

const (
	tokenPrefix  = "hwt_" // so that it is recognised where it was left lying
	longestToken = 365    // days
	usedStep     = time.Minute
)

// Token is a person's key for a program. It reads only: as a viewer or an
// auditor, and never more than the person may.
type Token struct {
	ID        string
	Person    string
	Name      string // what it is for
	Role      Role
	Hash      []byte
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero while it is not
	UsedAt    time.Time // zero for never; exact to a minute
}

// Opens says whether the token opens anything at that time.
func (t Token) Opens(now time.Time) bool { return t.RevokedAt.IsZero() && now.Before(t.ExpiresAt) }

// MakeToken makes a token for a person. The secret is told this once. It
// returns FieldErrors for a name, role or number of days that does not do.
func (s *Service) MakeToken(ctx context.Context, person User, name string, role Role, days int) (secret string, t Token, err error) {
	var bad FieldErrors
	if n := utf8.RuneCountInString(name); n < 1 || n > 60 {
		bad.add("name", "Say in 1 to 60 characters what the token is for.")
	}
	if !RoleAuditor.Allows(role) || !person.Role.Allows(role) {
		bad.add("role", "Choose a role that you have yourself: viewer or auditor.")
	}
	if days < 1 || days > longestToken {
		bad.add("days", "Choose when the token ends: after at most a year.")
	}
	if err := bad.orNil(); err != nil {
		return "", t, err
	}
	now := s.clock()
	secret = tokenPrefix + newToken(nil)
	t = Token{Person: person.Name, Name: name, Role: role, Hash: tokenHash(secret), CreatedAt: now, ExpiresAt: now.AddDate(0, 0, days)}
	return secret, t, s.repo.CreateToken(ctx, &t)
}

// AuthenticateToken is whose token it is, with the role that is left of the
// person's and the token's. ErrToken comes with the token when there is one
// like that which has ended, or whose person is locked out.
func (s *Service) AuthenticateToken(ctx context.Context, secret string) (User, Token, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return User{}, Token{}, ErrToken
	}
	t, err := s.repo.TokenByHash(ctx, tokenHash(secret))
	if errors.Is(err, workflows.ErrNotFound) {
		return User{}, Token{}, ErrToken
	}
	if err != nil {
		return User{}, t, fmt.Errorf("reading an API token: %w", err)
	}
	now := s.clock()
	user, err := s.repo.User(ctx, t.Person)
	if err != nil {
		return User{}, t, fmt.Errorf("reading the person of an API token: %w", err)
	}
	if !t.Opens(now) || user.Disabled {
		return User{}, t, ErrToken
	}
	if user.Role.Allows(t.Role) {
		user.Role = t.Role
	}
	if now.Sub(t.UsedAt) < usedStep {
		return user, t, nil
	}
	return user, t, s.repo.UseToken(ctx, t.ID, now)
}
