// Package server runs an HTTP server until it is asked to stop.
package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Run serves handler at address until ctx is done. It then finishes what is in
// flight, for at most 10 s.
func Run(ctx context.Context, address string, handler http.Handler, log *slog.Logger) error {
	var unused sync.Map // connections without a request so far
	server := &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo), // clients can cause most of it
		ConnState: func(conn net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				unused.Store(conn, nil)
			case http.StateActive, http.StateClosed:
				unused.Delete(conn)
			}
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	// Shutdown closes idle connections at once, but gives a new one 5 s for its
	// first request.
	time.AfterFunc(250*time.Millisecond, func() {
		unused.Range(func(conn, _ any) bool {
			conn.(net.Conn).Close()
			return true
		})
	})
	if err := server.Shutdown(drain); err != nil {
		log.Warn("requests were cut off", "error", err)
	}
	return nil
}
