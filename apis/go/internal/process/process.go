// Package process is the API as a process: it reads the environment, puts the
// parts together and serves until it is told to end. It is shared by the API
// and by the build of it that benchmarks slow down (cmd/slowed).
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/api"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/httpserver"
	"fairground/apis/go/internal/logging"
	"fairground/apis/go/internal/password"
	"fairground/apis/go/internal/postcache"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/token"
	"fairground/apis/go/internal/upload"
)

// Exit codes of the contract.
const (
	ExitFailure       = 1
	ExitConfiguration = 2
)

// Wrap puts a handler around that of the API.
type Wrap func(http.Handler) http.Handler

// Unwrapped leaves the API's handler as it is.
func Unwrapped(handler http.Handler) http.Handler { return handler }

// Run serves until ctx is done and returns the exit code.
func Run(ctx context.Context, lookup config.Lookup, stdout, stderr io.Writer, wrap Wrap) int {
	settings, err := config.FromEnvironment(lookup)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(stderr, "fairground:", line)
		}
		return ExitConfiguration
	}
	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		fmt.Fprintf(stderr, "fairground: cannot listen on %s: %v\n", settings.Address, reason(err))
		return ExitFailure
	}
	if err := serve(ctx, settings, listener, stdout, wrap); err != nil {
		fmt.Fprintln(stderr, "fairground:", err)
		return ExitFailure
	}
	return 0
}

func serve(ctx context.Context, settings config.Config, listener net.Listener, stdout io.Writer, wrap Wrap) error {
	// The affinity mask alone, whatever GOMAXPROCS is in the environment.
	cpus := runtime.NumCPU()
	runtime.GOMAXPROCS(cpus)

	log := logging.New(stdout, settings.LogLevel)
	uploads, err := upload.OpenDirectory(settings.UploadDir)
	if err != nil {
		return err
	}
	posts, err := store.Open(settings.Database, settings.PoolSize)
	if err != nil {
		return err
	}
	cache := postcache.New(settings.Redis, log)

	gin.SetMode(gin.ReleaseMode)
	server := httpserver.New(wrap(api.New(api.Services{
		Store:   posts,
		Cache:   cache,
		Hasher:  password.NewHasher(cpus),
		Tokens:  token.NewAuthority(settings.JWTSecret, time.Now),
		Uploads: uploads,
		Log:     log,
	})), log)
	log.Info("listening", "address", settings.Address, "cpus", cpus)
	drained, err := httpserver.Serve(ctx, server, listener)
	if !drained {
		return err // what was cut off may still hold connections
	}
	return errors.Join(err, posts.Close(), cache.Close(), uploads.Close())
}

// reason strips what net.Listen repeats of its arguments.
func reason(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}
