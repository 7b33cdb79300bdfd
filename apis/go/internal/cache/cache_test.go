package cache

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

func TestEntryIsTagNewlineDocument(t *testing.T) {
	value := Entry{ETag: `"7-2"`, JSON: []byte(`{"id":7}`)}.encode()
	if value != "\"7-2\"\n{\"id\":7}" {
		t.Errorf("encoded as %q", value)
	}
	entry, ok := decode([]byte(value + "\n{}"))
	if !ok || entry.ETag != `"7-2"` || string(entry.JSON) != "{\"id\":7}\n{}" {
		t.Errorf("decoded as %+v, %t", entry, ok)
	}
	if _, ok := decode([]byte(`{"id":7}`)); ok {
		t.Error("a value without a tag was accepted")
	}
}

func TestRedisThatIsAwayIsAMissAndOneWarning(t *testing.T) {
	var log bytes.Buffer
	away := rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}, Password: "hunter2"}
	c, err := Open(away, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, hit := c.Post(7); hit {
			t.Error("hit")
		}
		c.DeletePost(7)
	}
	if err := c.Ping(); err == nil {
		t.Error("answered")
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || strings.Contains(log.String(), "hunter2") {
		t.Errorf("%d lines:\n%s", lines, &log)
	}
}
