package auth

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"
)

// ErrBusy says that too many callers wait for a hash already.
var ErrBusy = errors.New("the queue for password hashes is full")

const waitersPerCPU = 32

var parameters = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Passwords computes argon2id hashes: one at a time for each CPU.
type Passwords struct {
	admitted chan struct{}       // one for each caller that computes or waits
	cpus     *semaphore.Weighted // its waiters are served in order
	decoy    string
}

// NewPasswords returns Passwords for this number of CPUs.
func NewPasswords(cpus int) (*Passwords, error) {
	decoy, err := argon2id.CreateHash(rand.Text(), parameters)
	return &Passwords{
		admitted: make(chan struct{}, cpus*(1+waitersPerCPU)),
		cpus:     semaphore.NewWeighted(int64(cpus)),
		decoy:    decoy,
	}, err
}

// Hash returns the PHC string of password.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	err = p.compute(ctx, func() error {
		hash, err = argon2id.CreateHash(password, parameters)
		return err
	})
	return hash, err
}

// Verify reports whether password belongs to hash.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (match bool, err error) {
	err = p.compute(ctx, func() error {
		match, err = argon2id.ComparePasswordAndHash(password, hash)
		return err
	})
	return match, err
}

// Decoy returns a hash that no password belongs to. Verifying it takes the time
// of any other, so a login doesn't show which emails are known.
func (p *Passwords) Decoy() string { return p.decoy }

// compute waits for a CPU. It gives up if ctx ends first, because then nobody
// waits for the answer.
func (p *Passwords) compute(ctx context.Context, hash func() error) error {
	select {
	case p.admitted <- struct{}{}:
		defer func() { <-p.admitted }()
	default:
		return ErrBusy
	}
	if err := p.cpus.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.cpus.Release(1)
	return hash()
}
