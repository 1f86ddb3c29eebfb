package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is what a guess of a password costs.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// standardCost takes some 30 ms of one core.
var standardCost = cost{memory: 19 * 1024, passes: 2, lanes: 1}

const (
	saltSize = 16
	hashSize = 32
	// maxHashing is how many passwords are hashed at a time, so that a flood of
	// logins takes neither all memory nor all cores.
	maxHashing = 2
)

var errHash = errors.New("the stored password hash is not one of ours")

// hasher hashes passwords with argon2id, a few at a time.
type hasher struct {
	cost  cost
	slots chan struct{}
}

func newHasher(c cost) *hasher { return &hasher{cost: c, slots: make(chan struct{}, maxHashing)} }

// hash is the password as it is stored: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) //nolint:errcheck // never fails
	key, err := h.derive(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.cost.memory, h.cost.passes, h.cost.lanes, enc(salt), enc(key)), nil
}

// verify says whether the password has that hash. An empty hash is nobody's,
// and costs the same time.
func (h *hasher) verify(ctx context.Context, password, stored string) (bool, error) {
	if stored == "" {
		_, err := h.derive(ctx, password, make([]byte, saltSize), h.cost)
		return false, err
	}
	c, salt, want, err := parseHash(stored)
	if err != nil {
		return false, err
	}
	key, err := h.derive(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1, nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, hashSize), nil
}

func parseHash(stored string) (c cost, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, errHash
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	key, errKey := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(key) != hashSize || c.passes == 0 || c.lanes == 0 || c.memory > 1<<20 {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}
