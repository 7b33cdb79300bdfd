package main

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"testing"
)

func lookupRounds(value string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name != "SLOWED_ROUNDS" {
			return "", false
		}
		return value, true
	}
}

func TestRoundsAreRead(t *testing.T) {
	for value, want := range map[string]int{"0": 0, "1": 1, "200": 200, "1000000": 1_000_000} {
		if got, err := readRounds(lookupRounds(value)); err != nil || got != want {
			t.Errorf("%q: %d, %v", value, got, err)
		}
	}
}

func TestBadRoundsEndWith2(t *testing.T) {
	const want = "fairground: SLOWED_ROUNDS: must be an integer from 0 to 1000000\n"
	for _, value := range []string{"", "-1", "1.5", "007", "1000001", "many"} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), lookupRounds(value), &stdout, &stderr)
		if code != 2 || stderr.String() != want || stdout.Len() != 0 {
			t.Errorf("%q: exit code %d\n%s%s", value, code, &stderr, &stdout)
		}
	}
}

func TestEnvironmentOfTheAPIIsReadToo(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), lookupRounds("0"), &stdout, &stderr)
	if code != 2 || !bytes.Contains(stderr.Bytes(), []byte("fairground: DATABASE_URL: is required\n")) {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
}

func TestEachRoundHashesTheDigestOfTheLast(t *testing.T) {
	var zero [sha256.Size]byte
	once := sha256.Sum256(zero[:])
	twice := sha256.Sum256(once[:])
	for rounds, want := range map[int][sha256.Size]byte{0: zero, 1: once, 2: twice} {
		if got := burn(rounds); got != want {
			t.Errorf("%d rounds: %x", rounds, got)
		}
	}
}

func TestARoundLeavesNothingToTheCollector(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() { burn(100) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnswersAreThoseOfTheHandler(t *testing.T) {
	handler := slow(3)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Asked", r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
	}))
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if answer.Code != http.StatusTeapot || answer.Header().Get("X-Asked") != "/readyz" {
		t.Errorf("%d, %v", answer.Code, answer.Header())
	}
}

func BenchmarkRound(b *testing.B) {
	burn(b.N)
}
