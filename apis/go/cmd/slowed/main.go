// Command slowed is the API with work added to each request: it computes
// SLOWED_ROUNDS rounds of SHA-256 before the API's own handler is called, and
// is the API in all else. Benchmarks find out with it whether a run tells a
// difference of known size. It is no part of the API.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/process"
)

const (
	variable  = "SLOWED_ROUNDS"
	maxRounds = 1_000_000
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx is done and returns the exit code.
func run(ctx context.Context, lookup config.Lookup, stdout, stderr io.Writer) int {
	rounds, err := readRounds(lookup)
	if err != nil {
		fmt.Fprintln(stderr, "fairground:", err)
		return process.ExitConfiguration
	}
	return process.Run(ctx, lookup, stdout, stderr, slow(rounds))
}

// readRounds has no default: who forgets the variable would measure the API
// itself and take it for a slowed one.
func readRounds(lookup config.Lookup) (int, error) {
	v, _ := lookup(variable)
	rounds, err := strconv.Atoi(v)
	if err != nil || rounds < 0 || rounds > maxRounds || strconv.Itoa(rounds) != v {
		return 0, fmt.Errorf("%s: must be an integer from 0 to %d", variable, maxRounds)
	}
	return rounds, nil
}

// slow adds rounds of hashing to each request.
func slow(rounds int) process.Wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			runtime.KeepAlive(burn(rounds))
			next.ServeHTTP(w, r)
		})
	}
}

// burn hashes a fixed block, then its digest, then the digest of that: no round
// can begin before the one before it has ended, so each costs the same.
func burn(rounds int) [sha256.Size]byte {
	var block [sha256.Size]byte
	for range rounds {
		block = sha256.Sum256(block[:])
	}
	return block
}
