package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func environment(t *testing.T, changes map[string]string) Lookup {
	t.Helper()
	values := map[string]string{
		"DATABASE_URL": "postgres://user:p%40ss@127.0.0.1:5433/name?sslmode=disable",
		"REDIS_URL":    "redis://:p%40ss@127.0.0.1:6380/2",
		"JWT_SECRET":   strings.Repeat("s", 32),
		"UPLOAD_DIR":   t.TempDir(),
	}
	for name, value := range changes {
		values[name] = value
	}
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func TestDefaults(t *testing.T) {
	c, err := FromEnvironment(environment(t, map[string]string{"PORT": ""}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Address != "127.0.0.1:8080" || c.PoolSize != 32 || c.LogLevel != slog.LevelInfo {
		t.Errorf("defaults are %q, %d connections, level %v", c.Address, c.PoolSize, c.LogLevel)
	}
	d := c.Database
	if d.Host != "127.0.0.1" || d.Port != 5433 || d.User != "user" || d.Password != "p@ss" || d.Database != "name" {
		t.Errorf("DATABASE_URL was read as %s:%d, user %s, database %s", d.Host, d.Port, d.User, d.Database)
	}
	if c.Redis.Addr != "127.0.0.1:6380" || c.Redis.Password != "p@ss" || c.Redis.DB != 2 {
		t.Errorf("REDIS_URL was read as %s, database %d", c.Redis.Addr, c.Redis.DB)
	}
}

func TestDatabaseIsNeverAskedForTLS(t *testing.T) {
	c, err := FromEnvironment(environment(t, map[string]string{"DATABASE_URL": "postgresql://u:p@127.0.0.1/d"}))
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Database; d.TLSConfig != nil || len(d.Fallbacks) != 0 {
		t.Errorf("TLS %v, %d fallbacks", d.TLSConfig, len(d.Fallbacks))
	}
}

func TestDatabaseIsConfiguredByItsURLAlone(t *testing.T) {
	passwords := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(passwords, []byte("*:*:*:*:hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PGPASSWORD":           "hunter2",
		"PGPASSFILE":           passwords,
		"PGHOST":               "192.0.2.1",
		"PGPORT":               "1",
		"PGUSER":               "other",
		"PGDATABASE":           "other",
		"PGAPPNAME":            "other",
		"PGOPTIONS":            "-c work_mem=64kB",
		"PGTZ":                 "Asia/Tokyo",
		"PGCONNECT_TIMEOUT":    "1",
		"PGTARGETSESSIONATTRS": "read-only",
		"PGSSLMODE":            "require",
		"PGSSLROOTCERT":        "/nonexistent",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			c, err := FromEnvironment(environment(t, map[string]string{"DATABASE_URL": "postgres://user@127.0.0.1/name"}))
			if err != nil {
				t.Fatal(err)
			}
			d := c.Database
			if d.Host != "127.0.0.1" || d.Port != 5432 || d.User != "user" || d.Password != "" || d.Database != "name" {
				t.Errorf("connects to %s:%d, user %s, password %q, database %s", d.Host, d.Port, d.User, d.Password, d.Database)
			}
			if len(d.RuntimeParams) != 0 || d.ValidateConnect != nil || d.ConnectTimeout != 0 || d.TLSConfig != nil {
				t.Errorf("parameters %v, time-out %v, TLS %v", d.RuntimeParams, d.ConnectTimeout, d.TLSConfig)
			}
		})
	}
}

func TestGoodValues(t *testing.T) {
	for _, changes := range []map[string]string{
		{"HOST": "::1"},
		{"HOST": "0.0.0.0", "PORT": "65535"},
		{"PORT": "1"},
		{"DB_POOL_SIZE": "1"},
		{"DB_POOL_SIZE": "1000"},
		{"LOG_LEVEL": "warn"},
		{"LOG_LEVEL": "error"},
		{"REDIS_URL": "redis://127.0.0.1"},
		{"REDIS_URL": "redis://user:password@127.0.0.1:1/0"},
	} {
		if _, err := FromEnvironment(environment(t, changes)); err != nil {
			t.Errorf("%v: %v", changes, err)
		}
	}
}

func TestWrongValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		database = "must be a postgres:// URL with user, host and database"
		redis    = "must be a redis:// URL with a host"
		port     = "must be an integer from 1 to 65535"
		pool     = "must be an integer from 1 to 1000"
		dir      = "must be a directory that can be written to"
	)
	for _, tt := range []struct{ name, value, message string }{
		{"DATABASE_URL", "", "is required"},
		{"DATABASE_URL", "mysql://u:hunter2@h/d", database},
		{"DATABASE_URL", "postgres://h/d", database},
		{"DATABASE_URL", "postgres://u:hunter2@h", database},
		{"DATABASE_URL", "postgres://u:hunter2@/d", database},
		{"DATABASE_URL", "postgres://u:hunter2@h:port/d", database},
		{"DATABASE_URL", "host=h user=u password=hunter2 dbname=d", database},
		{"REDIS_URL", "", "is required"},
		{"REDIS_URL", "rediss://:hunter2@h:1/0", redis},
		{"REDIS_URL", "redis://:hunter2@/0", redis},
		{"REDIS_URL", "redis://:hunter2@h/zero", redis},
		{"JWT_SECRET", "", "is required"},
		{"JWT_SECRET", strings.Repeat("hunter2", 4), "must be at least 32 bytes"},
		{"HOST", "localhost", "must be an IP address"},
		{"HOST", "::1%lo", "must be an IP address"},
		{"PORT", "0", port},
		{"PORT", "65536", port},
		{"PORT", "080", port},
		{"PORT", "+80", port},
		{"PORT", "http", port},
		{"UPLOAD_DIR", "", "is required"},
		{"UPLOAD_DIR", "/nonexistent", dir},
		{"UPLOAD_DIR", file, dir},
		{"DB_POOL_SIZE", "0", pool},
		{"DB_POOL_SIZE", "1001", pool},
		{"LOG_LEVEL", "debug", "must be error, warn or info"},
		{"LOG_LEVEL", "WARN", "must be error, warn or info"},
	} {
		_, err := FromEnvironment(environment(t, map[string]string{tt.name: tt.value}))
		if err == nil || err.Error() != tt.name+": "+tt.message {
			t.Errorf("%s=%q: got %v, want %q", tt.name, tt.value, err, tt.message)
		}
	}
}

func TestAllThatIsWrongIsToldInOrder(t *testing.T) {
	_, err := FromEnvironment(func(name string) (string, bool) {
		return map[string]string{"HOST": "x", "PORT": "x", "DB_POOL_SIZE": "x", "LOG_LEVEL": "x"}[name], true
	})
	want := `DATABASE_URL: is required
REDIS_URL: is required
JWT_SECRET: is required
HOST: must be an IP address
PORT: must be an integer from 1 to 65535
UPLOAD_DIR: is required
DB_POOL_SIZE: must be an integer from 1 to 1000
LOG_LEVEL: must be error, warn or info`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestDirectoryIsLeftAsItWas(t *testing.T) {
	dir := t.TempDir()
	if _, err := FromEnvironment(environment(t, map[string]string{"UPLOAD_DIR": dir})); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
