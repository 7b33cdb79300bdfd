package process

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
)

func TestBadConfigurationEndsWith2(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), func(name string) (string, bool) { return "x", name == "PORT" }, &stdout, &stderr, Unwrapped)
	want := `fairground: DATABASE_URL: is required
fairground: REDIS_URL: is required
fairground: JWT_SECRET: is required
fairground: PORT: must be an integer from 1 to 65535
fairground: UPLOAD_DIR: is required
`
	if code != 2 || stderr.String() != want || stdout.Len() != 0 {
		t.Errorf("exit code %d\n%s%s", code, &stderr, &stdout)
	}
}

func environment(t *testing.T, address net.Addr) func(string) (string, bool) {
	t.Helper()
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"DATABASE_URL": "postgres://u:p@127.0.0.1:1/d",
		"REDIS_URL":    "redis://127.0.0.1:1",
		"JWT_SECRET":   strings.Repeat("s", 32),
		"UPLOAD_DIR":   t.TempDir(),
		"PORT":         port,
	}
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestTakenPortEndsWith1(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), environment(t, listener.Addr()), &stdout, &stderr, Unwrapped)
	prefix := "fairground: cannot listen on " + listener.Addr().String() + ": "
	if code != 1 || !strings.HasPrefix(stderr.String(), prefix) || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func TestSignalEndsWith0(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := Run(ctx, environment(t, listener.Addr()), &stdout, &stderr, Unwrapped); code != 0 || stderr.Len() != 0 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
