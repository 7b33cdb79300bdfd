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
	"github.com/jackc/pgx/v5/stdlib"
)

// acquireTimeout is how long a request waits for a connection, be it for a
// free one, for a new one to be made, or for both.
const acquireTimeout = 2 * time.Second

// pool bounds the wait for a connection, which database/sql leaves to the
// context of the whole statement. Who has a slot finds a connection free, or
// may make one.
type pool struct {
	db    *sql.DB
	slots chan struct{}
}

func newPool(config *pgx.ConnConfig, size int) pool {
	db := sql.OpenDB(connector{stdlib.GetConnector(*config,
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }),
		stdlib.OptionResetSession(func(_ context.Context, conn *pgx.Conn) error {
			if !isOpen(conn.PgConn().Conn()) {
				return driver.ErrBadConn
			}
			return nil
		}),
	)})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return pool{db, make(chan struct{}, size)}
}

// acquire takes a slot. The context that it returns is for the statements that
// are executed until release.
func (p pool) acquire(ctx context.Context) (context.Context, error) {
	select {
	case p.slots <- struct{}{}:
		return ctx, nil
	default:
	}
	deadline := time.Now().Add(acquireTimeout)
	timeout := time.NewTimer(acquireTimeout)
	defer timeout.Stop()
	select {
	case p.slots <- struct{}{}:
		return context.WithValue(ctx, connectDeadline{}, deadline), nil
	case <-timeout.C:
		return nil, fmt.Errorf("%w: no connection was free for %v", ErrUnavailable, acquireTimeout)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pool) release() { <-p.slots }

// connectDeadline is the key of when the wait for a connection ends, in the
// context of a statement that had to wait for its slot.
type connectDeadline struct{}

// connector makes connections in the time that is left for it.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	deadline, ok := ctx.Value(connectDeadline{}).(time.Time)
	if !ok {
		deadline = time.Now().Add(acquireTimeout)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
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
