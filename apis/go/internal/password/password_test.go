package password

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// foreign was made by argon2-cffi, which wraps the reference implementation.
const foreign = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk"

func TestVerify(t *testing.T) {
	h := NewHasher(1)
	own, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(own, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("new hash is %q", own)
	}
	for _, stored := range []string{own, foreign} {
		for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "": false} {
			if got, err := h.Verify(t.Context(), stored, password); err != nil || got != want {
				t.Errorf("Verify(%q, %q) = %t, %v; want %t", stored, password, got, err, want)
			}
		}
	}
}

func TestSaltsDiffer(t *testing.T) {
	h := NewHasher(1)
	first, err := h.Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Error("two hashes of one password are equal")
	}
}

func TestDecoyIsLikeAnyOther(t *testing.T) {
	own, err := NewHasher(1).Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parse(decoy)
	if err != nil {
		t.Fatal(err)
	}
	like, err := parse(own)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.memory != like.memory || parsed.iterations != like.iterations || parsed.lanes != like.lanes ||
		len(parsed.salt) != len(like.salt) || len(parsed.key) != len(like.key) {
		t.Errorf("decoy %q differs in more than salt and key from %q", decoy, own)
	}
	if err := NewHasher(1).VerifyDecoy(t.Context(), "password"); err != nil {
		t.Error(err)
	}
}

func TestMalformedHashesAreRefused(t *testing.T) {
	fields := strings.Split(foreign, "$")
	with := func(field int, value string) string {
		changed := append([]string(nil), fields...)
		changed[field] = value
		return strings.Join(changed, "$")
	}
	for _, stored := range []string{
		"",
		"password",
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		foreign[1:],
		foreign + "$",
		with(1, "argon2i"),
		with(2, "v=16"),
		with(2, "19"),
		with(3, "m=19456,t=2"),
		with(3, "m=19456,t=2,p=1,x=1"),
		with(3, "t=2,m=19456,p=1"),
		with(3, "m=019456,t=2,p=1"),
		with(3, "m=+19456,t=2,p=1"),
		with(3, "m=0,t=2,p=1"),
		with(3, "m=8,t=2,p=2"),
		with(3, "m=4294967295,t=2,p=1"),
		with(3, "m=19456,t=4294967295,p=1"),
		with(3, "m=19456,t=2,p=0"),
		with(3, "m=19456,t=2,p=256"),
		with(4, ""),
		with(4, fields[4]+"=="),
		with(4, fields[4][:20]+"!"),
		with(5, ""),
		with(5, "AAAA"),
		with(5, strings.Repeat("A", 1000)),
	} {
		if _, err := NewHasher(1).Verify(t.Context(), stored, "password"); !errors.Is(err, ErrFormat) {
			t.Errorf("Verify(%q): got %v, want ErrFormat", stored, err)
		}
	}
}

func TestHashesQueue(t *testing.T) {
	h := NewHasher(1)
	if err := h.slots.Acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, "password"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("with every slot taken: got %v, want DeadlineExceeded", err)
	}
	h.slots.Release(1)
	if _, err := h.Hash(t.Context(), "password"); err != nil {
		t.Fatalf("with a free slot: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(foreign)
	f.Add(decoy)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parse(s)
		if err == nil && p.String() != s {
			t.Errorf("parse(%q) prints as %q", s, p.String())
		}
	})
}
