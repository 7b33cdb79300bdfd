package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTimesAreInUTCAndKeepTheirDecimals(t *testing.T) {
	when := time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600))
	if got := rename(nil, slog.Time(slog.TimeKey, when)).Value.String(); got != "2026-01-31T12:00:00.000000Z" {
		t.Errorf("got %s", got)
	}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	log := New(&out, slog.LevelWarn)
	log.Info("not logged")
	log.Warn("one", "error", errors.New("why"))
	log.Error("two", slog.Group("group", "level", "kept"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), out.String())
	}
	for i, want := range []map[string]any{
		{"level": "warn", "message": "one", "error": "why"},
		{"level": "error", "message": "two", "group": map[string]any{"level": "kept"}},
	} {
		var got map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		when, err := time.Parse("2006-01-02T15:04:05.000000Z", got["time"].(string))
		if err != nil || time.Since(when).Abs() > time.Minute {
			t.Errorf("time is %v, %v", got["time"], err)
		}
		delete(got, "time")
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Errorf("got %s, want %s", a, b)
		}
	}
}
