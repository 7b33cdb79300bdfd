package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// acquireTimeout is how long a request waits for a connection, be it for a
// free one or for a new one to be made.
const acquireTimeout = 2 * time.Second

func newPool(ctx context.Context, config *pgxpool.Config) (*pgxpool.Pool, error) {
	config = config.Copy()
	config.ConnConfig.ConnectTimeout = acquireTimeout
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	config.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return isOpen(conn.PgConn().Conn()), nil }
	return pgxpool.NewWithConfig(ctx, config)
}

// newDB returns a *sql.DB that keeps no connection of its own: it takes one
// from pool for each statement.
func newDB(pool *pgxpool.Pool) *sql.DB {
	db := sql.OpenDB(connector{stdlib.GetPoolConnector(pool)})
	db.SetMaxIdleConns(0)
	return db
}

// connector bounds the wait for a connection, which database/sql itself
// leaves to the context of the whole statement.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return conn, nil
}

// isOpen looks, without a round trip, whether the server has closed an idle
// connection: a restart of PostgreSQL leaves a pool full of those. Nothing is
// to be read from an idle connection, so anything but EAGAIN is its end.
//
// It must not go through the connection's own Read, not even by
// syscall.RawConn: the driver may still have a reader of its own in there
// (pgconn starts one when a write is slow), and would be waited for.
func isOpen(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, peeked = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && peeked == syscall.EAGAIN
}
