package config

import (
	"strings"
	"testing"
)

func environment(t *testing.T) map[string]string {
	return map[string]string{
		"DATABASE_URL": "postgres://me:p%40ss@127.0.0.1:5432/fairground",
		"REDIS_URL":    "redis://:p%40ss@127.0.0.1:6379/3",
		"JWT_SECRET":   strings.Repeat("s", 32),
		"UPLOAD_DIR":   t.TempDir(),
	}
}

func load(values map[string]string) (Config, error) {
	return Load(func(name string) string { return values[name] })
}

func TestUnsetVariablesHaveDefaults(t *testing.T) {
	c, err := load(environment(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.Address != "127.0.0.1:8080" || c.PoolSize != 32 || c.LogLevel.String() != "INFO" {
		t.Errorf("address %s, pool size %d, level %s", c.Address, c.PoolSize, c.LogLevel)
	}
	if c.Database.Password != "p@ss" || c.Database.TLSConfig != nil || len(c.Database.Fallbacks) != 0 {
		t.Errorf("password %q, TLS %v, %d fallbacks", c.Database.Password, c.Database.TLSConfig, len(c.Database.Fallbacks))
	}
	if c.Redis.Password != "p@ss" || c.Redis.SelectDB != 3 || c.Redis.InitAddress[0] != "127.0.0.1:6379" {
		t.Errorf("password %q, database %d, address %v", c.Redis.Password, c.Redis.SelectDB, c.Redis.InitAddress)
	}
}

func TestWrongValueIsNamedButNotShown(t *testing.T) {
	for name, values := range map[string][]string{
		"DATABASE_URL": {"", "secret", "mysql://u:secret@h/d", "postgres://u:secret@h", "postgres://u:secret@h:x/d", "postgres://h/secret", "host=secret"},
		"REDIS_URL":    {"", "secret", "http://:secret@h:1/0", "redis://:secret@h:1/x"},
		"JWT_SECRET":   {"", "secret", strings.Repeat("s", 31)},
		"HOST":         {"secret", "localhost", "1.2.3"},
		"PORT":         {"secret", "0", "65536", "1.5"},
		"UPLOAD_DIR":   {"", "/no/such/secret"},
		"DB_POOL_SIZE": {"secret", "0", "1001"},
		"LOG_LEVEL":    {"secret", "debug", "INFO"},
	} {
		for _, value := range values {
			values := environment(t)
			values[name] = value
			_, err := load(values)
			if err == nil || !strings.HasPrefix(err.Error(), name+" must be ") || strings.Contains(err.Error(), "\n") ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}

func TestAllWrongValuesAreNamedAtOnce(t *testing.T) {
	_, err := load(map[string]string{"PORT": "x"})
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "JWT_SECRET", "UPLOAD_DIR", "PORT"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s isn't in: %v", name, err)
		}
	}
}
