// Package password hashes passwords with argon2id and verifies hashes in the
// PHC string format.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// Parameters of new hashes: the first choice of the OWASP password storage
// cheat sheet for argon2id with 19 MiB.
const (
	memoryKiB  = 19456
	iterations = 2
	lanes      = 1
	saltBytes  = 16
	keyBytes   = 32
)

// Bounds on the parameters of a stored hash, so that a damaged one can't take
// the process down.
const (
	maxMemoryKiB  = 1 << 20
	maxIterations = 64
	maxLanes      = 16
	maxFieldBytes = 64
	minSaltBytes  = 8
	minKeyBytes   = 16
)

// decoy has the parameters of a real hash; nobody knows a password for it.
var decoy = phc{
	memory: memoryKiB, iterations: iterations, lanes: lanes,
	salt: make([]byte, saltBytes), key: make([]byte, keyBytes),
}.String()

// ErrFormat reports a stored hash that is no argon2id PHC string.
var ErrFormat = errors.New("not an argon2id PHC string")

// strictBase64 is the PHC alphabet: standard, no padding, no stray bits.
var strictBase64 = base64.RawStdEncoding.Strict()

// Hasher bounds how many hashes are computed at a time; further callers queue
// in order.
type Hasher struct {
	slots *semaphore.Weighted
}

// NewHasher returns a Hasher for at most concurrency simultaneous hashes.
func NewHasher(concurrency int) *Hasher {
	return &Hasher{slots: semaphore.NewWeighted(int64(concurrency))}
}

// Hash returns a new PHC string for password. It fails only where ctx ends
// while the caller queues.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := phc{memory: memoryKiB, iterations: iterations, lanes: lanes, salt: make([]byte, saltBytes)}
	rand.Read(p.salt) // never fails: crypto/rand ends the process instead
	key, err := h.derive(ctx, p, password, keyBytes)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// Verify tells whether password belongs to the stored PHC string.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (bool, error) {
	p, err := parse(stored)
	if err != nil {
		return false, err
	}
	key, err := h.derive(ctx, p, password, len(p.key))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

// VerifyDecoy costs what Verify costs and matches nothing. A login with an
// unknown email calls it, so that the time of the answer doesn't tell whether
// the email is known.
func (h *Hasher) VerifyDecoy(ctx context.Context, password string) error {
	_, err := h.Verify(ctx, decoy, password)
	return err
}

func (h *Hasher) derive(ctx context.Context, p phc, password string, length int) ([]byte, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("waiting to hash: %w", err)
	}
	defer h.slots.Release(1)
	return argon2.IDKey([]byte(password), p.salt, p.iterations, p.memory, p.lanes, uint32(length)), nil
}

// phc is a decoded $argon2id$v=19$m=…,t=…,p=…$salt$key string.
type phc struct {
	memory     uint32
	iterations uint32
	lanes      uint8
	salt, key  []byte
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.iterations, p.lanes,
		strictBase64.EncodeToString(p.salt), strictBase64.EncodeToString(p.key))
}

func parse(s string) (phc, error) {
	fields := strings.Split(s, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, ErrFormat
	}
	parameters := strings.Split(fields[3], ",")
	if len(parameters) != 3 {
		return phc{}, ErrFormat
	}
	memory, memoryOK := parameter(parameters[0], "m=", 8, maxMemoryKiB)
	iterations, iterationsOK := parameter(parameters[1], "t=", 1, maxIterations)
	lanes, lanesOK := parameter(parameters[2], "p=", 1, maxLanes)
	salt, saltOK := field(fields[4], minSaltBytes)
	key, keyOK := field(fields[5], minKeyBytes)
	if !memoryOK || !iterationsOK || !lanesOK || !saltOK || !keyOK || memory < 8*lanes {
		return phc{}, ErrFormat
	}
	return phc{memory: memory, iterations: iterations, lanes: uint8(lanes), salt: salt, key: key}, nil
}

// parameter reads a canonical decimal (no sign, no leading zero) after prefix.
func parameter(s, prefix string, low, high uint64) (uint32, bool) {
	digits, found := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil || n < low || n > high || strconv.FormatUint(n, 10) != digits {
		return 0, false
	}
	return uint32(n), true
}

func field(s string, low int) ([]byte, bool) {
	b, err := strictBase64.DecodeString(s)
	if err != nil || len(b) < low || len(b) > maxFieldBytes || strictBase64.EncodeToString(b) != s {
		return nil, false
	}
	return b, true
}
