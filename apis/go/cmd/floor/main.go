// Command floor answers GET /api/posts/{id} as the API does on a cache hit, but
// from memory: gin on http.Server, and nothing else.
package main

import (
	"context"
	"log/slog"

	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/floor"
)

func main() {
	floor.Main(func(ctx context.Context, settings config.Common, _ *slog.Logger) (floor.Source, error) {
		posts, err := floor.Load(ctx, settings)
		return func(id int64) (cache.Entry, bool) {
			entry, ok := posts[id]
			return entry, ok
		}, err
	})
}
