// Package httpserver has the HTTP/1.1 server of the contract: its limits, and
// its orderly end. It is shared by the API and by the benchmark floor.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headTimeout  = 10 * time.Second
	idleTimeout  = 60 * time.Second
	writeTimeout = 2 * time.Minute // bounds a client that doesn't read, see answer
	drainTimeout = 10 * time.Second

	bodyIdleTimeout = 10 * time.Second

	// net/http takes 4 KiB more than it is told.
	maxHeadBytes = 16 << 10
)

// New returns a server for handler.
func New(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      guard{next: handler, bodyIdleTimeout: bodyIdleTimeout, writeTimeout: writeTimeout},
		DisableGeneralOptionsHandler: true, // for the target *, which guard refuses
		ReadHeaderTimeout:            headTimeout,
		IdleTimeout:                  idleTimeout,
		WriteTimeout:                 writeTimeout,
		MaxHeaderBytes:               maxHeadBytes,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// Serve answers on listener until ctx is done. Then it stops accepting and
// waits for what is in flight; what isn't finished after ten seconds is cut
// off. drained tells whether everything was finished.
func Serve(ctx context.Context, server *http.Server, listener net.Listener) (drained bool, err error) {
	return serve(ctx, server, listener, drainTimeout)
}

func serve(ctx context.Context, server *http.Server, listener net.Listener, drainTimeout time.Duration) (drained bool, err error) {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return false, fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err = server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, server.Close()
	}
	return err == nil, err
}
