// Command api serves the REST API of the contract.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fairground/apis/go/internal/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := process.Run(ctx, os.LookupEnv, os.Stdout, os.Stderr, process.Unwrapped)
	stop()
	os.Exit(code)
}
