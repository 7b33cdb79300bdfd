package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// ErrNotOwner says that the post is another author's.
var ErrNotOwner = errors.New("the post is another author's")

// isTurnedAway reports whether the server refused a statement that it will soon
// accept: PostgreSQL may admit fewer connections than the pool has, or pgx may
// have to prepare a statement again after a migration.
func isTurnedAway(err error) bool {
	var server *pgconn.PgError
	const tooManyConnections, cachedPlanIsInvalid = "53300", "0A000"
	return errors.As(err, &server) && (server.Code == tooManyConnections || server.Code == cachedPlanIsInvalid)
}

// IsUnavailable reports whether PostgreSQL could not be asked, or did not
// answer in time.
func IsUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) {
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
	if errors.As(err, &connect) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, gorm.ErrForeignKeyViolated) {
		return true
	}
	var server *pgconn.PgError
	return errors.As(err, &server) && server.SeverityUnlocalized == "ERROR"
}
