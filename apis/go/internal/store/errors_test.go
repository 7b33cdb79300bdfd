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

func TestTranslate(t *testing.T) {
	server := func(code, constraint string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, ConstraintName: constraint})
	}
	known := []error{ErrNotFound, ErrNotOwner, ErrUsernameTaken, ErrEmailTaken, ErrNoSuchUser, ErrUnavailable}
	for name, tt := range map[string]struct{ in, want error }{
		"none":                  {nil, nil},
		"no row":                {gorm.ErrRecordNotFound, ErrNotFound},
		"username":              {server("23505", "users_username_key"), ErrUsernameTaken},
		"email":                 {server("23505", "users_email_key"), ErrEmailTaken},
		"another unique key":    {server("23505", "other"), nil},
		"foreign key":           {server("23503", "posts_author_id_fkey"), ErrNoSuchUser},
		"ended by the operator": {server("57P01", ""), ErrUnavailable},
		"crashed":               {server("57P02", ""), ErrUnavailable},
		"starting":              {server("57P03", ""), ErrUnavailable},
		"connection exception":  {server("08006", ""), ErrUnavailable},
		"too many connections":  {server("53300", ""), ErrUnavailable},
		"syntax error":          {server("42601", ""), nil},
		"cancelled statement":   {server("57014", ""), nil},
		"end of stream":         {fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF), ErrUnavailable},
		"reset":                 {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, ErrUnavailable},
		"bad connection":        {driver.ErrBadConn, ErrUnavailable},
		"no connection":         {fmt.Errorf("%w: refused", ErrUnavailable), ErrUnavailable},
		"client gone":           {context.Canceled, nil},
	} {
		got := translate(tt.in)
		if (got == nil) != (tt.in == nil) {
			t.Errorf("%s: translate(%v) = %v", name, tt.in, got)
		}
		for _, err := range known {
			if errors.Is(got, err) != (err == tt.want) {
				t.Errorf("%s: translate(%v) = %v, want %v", name, tt.in, got, tt.want)
			}
		}
	}
}
