// Package config reads the settings of the API from the environment.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// Config holds the validated settings of one API process.
type Config struct {
	// Address is the host and port to listen on.
	Address string
	// Database says how to reach PostgreSQL.
	Database *pgx.ConnConfig
	// PoolSize is how many connections to PostgreSQL there may be.
	PoolSize int
	// Redis says how to reach Redis.
	Redis *redis.Options
	// JWTSecret is the HMAC key of access tokens.
	JWTSecret []byte
	// UploadDir is an existing, writable directory for uploaded content.
	UploadDir string
	// LogLevel is the least severe level that is logged.
	LogLevel slog.Level
}

// Lookup has the signature of os.LookupEnv.
type Lookup func(name string) (string, bool)

// FromEnvironment reads all settings of the API. The error joins one error for
// each variable that is missing or wrong and repeats no value, since most of
// them may hold a secret.
func FromEnvironment(lookup Lookup) (Config, error) {
	r := reader{lookup: lookup}
	var c Config
	c.Database = r.database("DATABASE_URL")
	c.Redis = r.redis("REDIS_URL")
	c.JWTSecret = r.secret("JWT_SECRET")
	c.Address = r.address("HOST", "PORT")
	c.UploadDir = r.directory("UPLOAD_DIR")
	c.PoolSize = r.integer("DB_POOL_SIZE", 32, 1000)
	c.LogLevel = r.level("LOG_LEVEL")
	if err := errors.Join(r.errs...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Floor holds the settings of the benchmark floor (cmd/floor).
type Floor struct {
	Address  string
	Database *pgx.ConnConfig
}

// FloorFromEnvironment reads the subset that the benchmark floor uses.
func FloorFromEnvironment(lookup Lookup) (Floor, error) {
	r := reader{lookup: lookup}
	f := Floor{Database: r.database("DATABASE_URL"), Address: r.address("HOST", "PORT")}
	return f, errors.Join(r.errs...)
}

// reader collects every error, so that one start shows all that is wrong.
type reader struct {
	lookup Lookup
	errs   []error
}

func (r *reader) fail(name, message string) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", name, message))
}

// text treats an empty variable as one that is not set.
func (r *reader) text(name, fallback string) string {
	if v, ok := r.lookup(name); ok && v != "" {
		return v
	}
	return fallback
}

func (r *reader) required(name string) (string, bool) {
	v := r.text(name, "")
	if v == "" {
		r.fail(name, "is required")
	}
	return v, v != ""
}

func (r *reader) database(name string) *pgx.ConnConfig {
	const message = "must be a postgres:// URL with user, host and database"
	v, ok := r.required(name)
	if !ok {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") ||
		u.User.Username() == "" || u.Hostname() == "" || len(u.Path) < 2 {
		r.fail(name, message)
		return nil
	}
	// pgx fills in what a URL leaves out from PG… variables and files below HOME,
	// but nothing else is to configure the API; and it would try TLS first.
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "5432")
	}
	u.RawQuery = "sslmode=disable&sslrootcert=&target_session_attrs=any&connect_timeout=0"
	c, err := pgx.ParseConfig(u.String())
	if err != nil {
		r.fail(name, message)
		return nil
	}
	c.Password, _ = u.User.Password()
	c.RuntimeParams = map[string]string{}
	return c
}

func (r *reader) redis(name string) *redis.Options {
	const message = "must be a redis:// URL with a host"
	v, ok := r.required(name)
	if !ok {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "redis" || u.Hostname() == "" {
		r.fail(name, message)
		return nil
	}
	o, err := redis.ParseURL(v)
	if err != nil {
		r.fail(name, message)
		return nil
	}
	return o
}

func (r *reader) secret(name string) []byte {
	const minimum = 32
	v, ok := r.required(name)
	if ok && len(v) < minimum {
		r.fail(name, fmt.Sprintf("must be at least %d bytes", minimum))
	}
	return []byte(v)
}

func (r *reader) address(hostName, portName string) string {
	host := r.text(hostName, "127.0.0.1")
	if address, err := netip.ParseAddr(host); err != nil || address.Zone() != "" {
		r.fail(hostName, "must be an IP address")
	}
	return net.JoinHostPort(host, strconv.Itoa(r.integer(portName, 8080, 65535)))
}

func (r *reader) integer(name string, fallback, high int) int {
	v := r.text(name, strconv.Itoa(fallback))
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > high || strconv.Itoa(n) != v {
		r.fail(name, fmt.Sprintf("must be an integer from 1 to %d", high))
	}
	return n
}

// directory proves that files can be made there: the first upload would be
// too late to find out.
func (r *reader) directory(name string) string {
	v, ok := r.required(name)
	if !ok {
		return ""
	}
	probe, err := os.CreateTemp(v, ".probe-")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		r.fail(name, "must be a directory that can be written to")
	}
	return v
}

func (r *reader) level(name string) slog.Level {
	switch r.text(name, "info") {
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		r.fail(name, "must be error, warn or info")
		return slog.LevelInfo
	}
}
