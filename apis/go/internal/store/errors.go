package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotOwner says that the post is another author's.
var ErrNotOwner = errors.New("the post is another author's")

// retryPause returns how long to wait before a statement is repeated that the
// server has refused, but accepts later. 0 means that it isn't repeated.
func retryPause(err error) time.Duration {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return 0
	}
	switch server.Code {
	case "53300": // PostgreSQL admits fewer connections than the pool has
		return 100 * time.Millisecond
	case "0A000": // a migration made a cached plan invalid; pgx prepares it again
		return time.Millisecond
	default:
		return 0
	}
}

// IsUnavailable reports whether PostgreSQL could not be asked, or did not
// answer in time.
func IsUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed) {
		return true
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) || len(server.Code) < 2 {
		return false
	}
	class := server.Code[:2]
	return class == "08" || class == "53" || class == "57" // connection, resources, operator
}

// IsRefused reports whether a statement surely changed nothing. After any other
// error, such as a lost connection, it may have been executed.
func IsRefused(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
	var server *pgconn.PgError
	return errors.As(err, &server) && server.SeverityUnlocalized == "ERROR"
}
