// Package config reads the settings of the programs from the environment.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/redis/rueidis"
)

// Common holds the settings that the API and the floors share.
type Common struct {
	Address  string
	Database *pgx.ConnConfig
	Redis    rueidis.ClientOption
}

// Config holds the settings of the API.
type Config struct {
	Common
	PoolSize  int
	JWTSecret []byte
	UploadDir string
	LogLevel  slog.Level
}

// Load reads the settings of the API. Its error names each variable that is
// missing or wrong, and no value, because most values hold a secret.
func Load(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		Common:    r.common(),
		PoolSize:  r.integer("DB_POOL_SIZE", "32", 1000),
		JWTSecret: []byte(getenv("JWT_SECRET")),
		UploadDir: getenv("UPLOAD_DIR"),
	}
	if len(c.JWTSecret) < 32 {
		r.reject("JWT_SECRET", "32 bytes or more")
	}
	if !writable(c.UploadDir) {
		r.reject("UPLOAD_DIR", "a directory that can be written to")
	}
	level, ok := map[string]slog.Level{
		"info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}[cmp.Or(getenv("LOG_LEVEL"), "info")]
	if !ok {
		r.reject("LOG_LEVEL", "error, warn or info")
	}
	c.LogLevel = level
	return c, errors.Join(r.errs...)
}

// LoadCommon reads the settings of a floor, with errors like those of Load.
func LoadCommon(getenv func(string) string) (Common, error) {
	r := reader{getenv: getenv}
	return r.common(), errors.Join(r.errs...)
}

// reader collects all errors, so that one start shows everything that is wrong.
type reader struct {
	getenv func(string) string
	errs   []error
}

func (r *reader) reject(name, want string) {
	r.errs = append(r.errs, fmt.Errorf("%s must be %s", name, want))
}

func (r *reader) common() Common {
	host := cmp.Or(r.getenv("HOST"), "127.0.0.1")
	if _, err := netip.ParseAddr(host); err != nil {
		r.reject("HOST", "an IP address")
	}
	redis, err := rueidis.ParseURL(r.getenv("REDIS_URL"))
	if err != nil {
		r.reject("REDIS_URL", "redis://:password@host:port/number")
	}
	database, err := parseDatabase(r.getenv("DATABASE_URL"))
	if err != nil {
		r.reject("DATABASE_URL", "postgres://user:password@host:port/database")
	}
	port := strconv.Itoa(r.integer("PORT", "8080", 65535))
	return Common{Address: net.JoinHostPort(host, port), Database: database, Redis: redis}
}

func (r *reader) integer(name, fallback string, most int) int {
	n, err := strconv.Atoi(cmp.Or(r.getenv(name), fallback))
	if err != nil || n < 1 || n > most {
		r.reject(name, fmt.Sprintf("an integer from 1 to %d", most))
	}
	return n
}

// parseDatabase adds what the contract fixes to a URL: no TLS, which pgx would
// try first, and 2 s for a connection, for which pgx has no limit.
func parseDatabase(text string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "postgres" || u.User.Username() == "" || u.Hostname() == "" || len(u.Path) < 2 {
		return nil, errors.New("not a URL of PostgreSQL")
	}
	query := u.Query()
	query.Set("sslmode", "disable")
	query.Set("connect_timeout", "2")
	u.RawQuery = query.Encode()
	return pgx.ParseConfig(u.String())
}

// writable proves that files can be created in dir: the first upload would be
// too late to find out.
func writable(dir string) bool {
	if dir == "" {
		return false // os.CreateTemp would use /tmp
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return false
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name())) == nil
}
