package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sync"
	"time"
)

// What a caller tells apart.
var (
	ErrSetupToken  = errors.New("the set-up link is not valid any more")
	ErrCredentials = errors.New("name or password is not right")
	ErrThrottled   = errors.New("too many tries to log in")
	ErrSession     = errors.New("the session ended")
)

// Repo is where users, sessions and settings are. The store implements it. A
// record that is not there is a workflows.ErrNotFound.
type Repo interface {
	UserCount(ctx context.Context) (int, error)
	User(ctx context.Context, name string) (User, error)
	Users(ctx context.Context) ([]User, error)
	SaveUser(ctx context.Context, u *User) error
	PutSession(ctx context.Context, tokenHash []byte, user string, expires time.Time) error
	Session(ctx context.Context, tokenHash []byte) (user string, expires time.Time, err error)
	DeleteSession(ctx context.Context, tokenHash []byte) error
	DeleteSessionsOf(ctx context.Context, user string) error
	DeleteExpiredSessions(ctx context.Context, now time.Time) error
	CreateToken(ctx context.Context, t *Token) error
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
	UseToken(ctx context.Context, id string, at time.Time) error
	Setting(ctx context.Context, key string) (string, error)
	SetSetting(ctx context.Context, key, value string) error
}

// Service lets people in. It is safe for concurrent use; there is one for a
// database.
type Service struct {
	repo     Repo
	clock    func() time.Time
	hasher   *hasher
	throttle *throttle

	mu    sync.Mutex // held while something is looked at and then changed
	setup string     // this process's set-up token, "" before it is asked for
}

// New makes the Service. A nil clock is time.Now.
func New(repo Repo, clock func() time.Time) *Service {
	if clock == nil {
		clock = time.Now
	}
	return &Service{repo: repo, clock: clock, hasher: newHasher(standardCost), throttle: newThrottle()}
}

// newToken is 256 random bits behind a prefix, for URLs and cookies.
func newToken(prefix []byte) string {
	var b [32]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return base64.RawURLEncoding.EncodeToString(append(prefix, b[:]...))
}
