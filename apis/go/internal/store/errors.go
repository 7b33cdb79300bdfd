package store

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// What a caller tells apart; any other error is unexpected.
var (
	ErrNotFound      = errors.New("no such row")
	ErrNotOwner      = errors.New("the row is another user's")
	ErrUsernameTaken = errors.New("the username is taken")
	ErrEmailTaken    = errors.New("the email is taken")
	ErrNoSuchUser    = errors.New("the row refers to a user who doesn't exist")
	ErrUnavailable   = errors.New("PostgreSQL is not available")
)

// SQLSTATE codes, from the appendix of the PostgreSQL manual.
const (
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	tooManyConnections   = "53300"
	connectionExceptions = "08"
	operatorIntervention = "57P" // shut down, crashed, can't connect now
)

// translate gives the errors of GORM and the driver the names of this package.
func translate(err error) error {
	var server *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound):
		return ErrNotFound
	case errors.As(err, &server):
		return translateServer(server)
	case isBroken(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}

func translateServer(err *pgconn.PgError) error {
	switch {
	case err.Code == uniqueViolation && err.ConstraintName == "users_username_key":
		return ErrUsernameTaken
	case err.Code == uniqueViolation && err.ConstraintName == "users_email_key":
		return ErrEmailTaken
	case err.Code == foreignKeyViolation:
		return ErrNoSuchUser
	case err.Code == tooManyConnections,
		strings.HasPrefix(err.Code, connectionExceptions),
		strings.HasPrefix(err.Code, operatorIntervention):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}

// isBroken tells whether the connection ended under a statement.
func isBroken(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn)
}
