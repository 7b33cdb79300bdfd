package auth

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
)

func newPasswords(t *testing.T) *Passwords {
	t.Helper()
	p, err := NewPasswords(1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHashesAreVerified(t *testing.T) {
	p := newPasswords(t)
	own, err := p.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(own, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", own, err)
	}
	// Made by Python's argon2-cffi.
	const foreign = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk"
	for _, hash := range []string{own, foreign} {
		for password, want := range map[string]bool{"correct horse": true, "correct hors": false} {
			if match, err := p.Verify(t.Context(), hash, password); err != nil || match != want {
				t.Errorf("%q, %q: %t, %v", hash, password, match, err)
			}
		}
	}
	if len(p.Decoy()) != len(own) {
		t.Errorf("the decoy is %q", p.Decoy())
	}
}

func TestQueueIsBoundedAndWaitersThatLeaveMakeRoom(t *testing.T) {
	p := newPasswords(t)
	began, finish := make(chan struct{}), make(chan struct{})
	go p.compute(t.Context(), func() error { close(began); <-finish; return nil })
	<-began

	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	for range waitersPerCPU {
		go func() { left <- p.compute(ctx, func() error { t.Error("was computed"); return nil }) }()
	}
	for len(p.admitted) < cap(p.admitted) {
		runtime.Gosched()
	}
	if err := p.compute(t.Context(), func() error { return nil }); !errors.Is(err, ErrBusy) {
		t.Errorf("one more waiter: %v", err)
	}
	leave()
	for range waitersPerCPU {
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("a waiter that left: %v", err)
		}
	}
	close(finish)
	if err := p.compute(t.Context(), func() error { return nil }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
