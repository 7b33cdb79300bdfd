package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

func TestErrorsAreClassified(t *testing.T) {
	server := func(severity, code string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{SeverityUnlocalized: severity, Code: code})
	}
	// As GORM's driver translates it.
	translated := fmt.Errorf("%w: %w", gorm.ErrForeignKeyViolated, &pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "23503"})
	type kinds struct{ unavailable, refused, repeated bool }
	for name, tt := range map[string]struct {
		err  error
		want kinds
	}{
		"none":              {nil, kinds{}},
		"no row":            {gorm.ErrRecordNotFound, kinds{}},
		"no such user":      {translated, kinds{refused: true}},
		"no table":          {server("ERROR", "42P01"), kinds{refused: true}},
		"shut down":         {server("FATAL", "57P01"), kinds{unavailable: true}},
		"too many":          {server("FATAL", "53300"), kinds{unavailable: true, repeated: true}},
		"plan is invalid":   {server("ERROR", "0A000"), kinds{refused: true, repeated: true}},
		"not connected":     {&pgconn.ConnectError{Config: &pgconn.Config{}}, kinds{unavailable: true, refused: true}},
		"not sent":          {driver.ErrBadConn, kinds{unavailable: true, refused: true}},
		"connection closed": {fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF), kinds{unavailable: true}},
		"closed by pgx":     {fmt.Errorf("wrapped: %w", pgconn.ErrConnClosed), kinds{unavailable: true}},
		"connection reset":  {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, kinds{unavailable: true}},
		"too slow":          {context.DeadlineExceeded, kinds{unavailable: true}},
		"client gone":       {context.Canceled, kinds{}},
		"another error":     {errors.New("other"), kinds{}},
	} {
		if got := (kinds{IsUnavailable(tt.err), IsRefused(tt.err), retryPause(tt.err) > 0}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
