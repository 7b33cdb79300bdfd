package postcache

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// silent listens, and neither accepts nor answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

func TestRedisAwayOrSilentIsAMiss(t *testing.T) {
	for name, tt := range map[string]struct {
		address string
		within  time.Duration
	}{
		"away":   {closedPort(t), 2 * operationTimeout},
		"silent": {silent(t), 6*operationTimeout + 250*time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := New(&redis.Options{Addr: tt.address}, slog.New(slog.NewJSONHandler(&log, nil)))
			defer c.Close()
			start := time.Now()
			if _, ok := c.Post(t.Context(), "1"); ok {
				t.Error("found a post")
			}
			if _, ok := c.FirstPage(t.Context()); ok {
				t.Error("found a page")
			}
			if entry := c.SetPost(t.Context(), "1", `"1-1"`, []byte("{}")); entry != (Entry{ETag: `"1-1"`, Body: "{}"}) {
				t.Errorf("stored %+v", entry)
			}
			c.SetFirstPage(t.Context(), []byte("{}"))
			c.DeletePost(t.Context(), "1")
			if c.Ready(t.Context()) == nil {
				t.Error("is ready")
			}
			if took := time.Since(start); took > tt.within {
				t.Errorf("six operations took %v", took)
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 {
				t.Errorf("%d lines logged within a second:\n%s", lines, log.String())
			}
		})
	}
}
