// Package server runs an HTTP server until the process is asked to stop.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// drainTimeout leaves a second of the contract's 10 s for the end of the process.
const drainTimeout = 9 * time.Second

// Main calls run with a context that ends at SIGTERM or SIGINT. Then the process
// ends: with 0, or with 1 after a message on standard error.
func Main(run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// New returns a server of handler at address, with limits for clients that are
// slow or send large heads.
func New(address string, handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo), // clients can cause most of it
	}
}

// CloseUnused makes Shutdown close connections without a request so far. By
// itself it closes idle ones at once, but gives these 5 s for their first request.
func CloseUnused(server *http.Server) {
	var unused sync.Map
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			unused.Store(conn, nil)
		case http.StateActive, http.StateClosed:
			unused.Delete(conn)
		}
	}
	server.RegisterOnShutdown(func() {
		time.Sleep(250 * time.Millisecond) // for requests that are on their way
		unused.Range(func(conn, _ any) bool {
			conn.(net.Conn).Close()
			return true
		})
	})
}

// Run serves until ctx is done, and then finishes what is in flight.
func Run(ctx context.Context, server *http.Server, log *slog.Logger) error {
	listener, err := net.Listen("tcp", server.Addr)
	if err != nil {
		return err
	}
	log.Info("listening", "address", server.Addr)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		log.Warn("requests were cut off", "error", err)
	}
	return nil
}
