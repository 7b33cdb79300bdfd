package store

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

func TestUserIsReadByTheColumnsInUse(t *testing.T) {
	config, err := pgx.ParseConfig("postgres://user:password@127.0.0.1:1/name")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(config, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.orm.DryRun = true
	var statement string
	err = s.orm.Callback().Query().After("gorm:query").Register("test", func(orm *gorm.DB) {
		statement = orm.Statement.SQL.String()
	})
	if err != nil {
		t.Fatal(err)
	}
	for columns, read := range map[string]func() (User, error){
		`"id","username","password_hash"`:      func() (User, error) { return s.Credentials(t.Context(), "a@b") },
		`"id","username","email","created_at"`: func() (User, error) { return s.Account(t.Context(), 1) },
		`"id","username","created_at"`:         func() (User, error) { return s.User(t.Context(), 1) },
	} {
		if _, err := read(); err != nil || !strings.HasPrefix(statement, "SELECT "+columns+` FROM "users" WHERE `) {
			t.Errorf("%s: %q, %v", columns, statement, err)
		}
	}
}
