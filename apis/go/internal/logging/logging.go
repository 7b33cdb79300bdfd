// Package logging writes the log of the contract: one JSON object a line.
package logging

import (
	"io"
	"log/slog"
	"strings"
)

// timeFormat keeps its decimals where RFC 3339 of the time package drops zeros.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// New returns a logger whose lines have the members time, level and message.
func New(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: rename}))
}

func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) != 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.String(a.Key, a.Value.Time().UTC().Format(timeFormat))
	case slog.LevelKey:
		return slog.String(a.Key, strings.ToLower(a.Value.String()))
	case slog.MessageKey:
		return slog.Attr{Key: "message", Value: a.Value}
	default:
		return a
	}
}
