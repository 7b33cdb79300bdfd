// Command slowed is the API with SLOWED_ROUNDS rounds of SHA-256 added to each
// request. Benchmarks find out with it whether they see a known difference.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/app"
)

func main() {
	rounds, err := strconv.Atoi(os.Getenv("SLOWED_ROUNDS"))
	if err != nil || rounds < 0 || rounds > 1_000_000 {
		fmt.Fprintln(os.Stderr, "SLOWED_ROUNDS must be an integer from 0 to 1000000")
		os.Exit(1)
	}
	app.Main(func(*gin.Context) { runtime.KeepAlive(burn(rounds)) })
}

// burn hashes each digest again, so no round can begin before the last one ends.
func burn(rounds int) (block [sha256.Size]byte) {
	for range rounds {
		block = sha256.Sum256(block[:])
	}
	return block
}
