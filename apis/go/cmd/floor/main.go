// Command floor answers GET /api/posts/{id} as the API does on a cache hit, but
// from memory: gin on http.Server, and nothing else.
package main

import (
	"context"
	"fmt"
	"log/slog"

	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/floor"
	"fairground/apis/go/internal/store"
)

func main() { floor.Main(open) }

// open reads all posts, page by page.
func open(ctx context.Context, settings config.Common, _ *slog.Logger) (floor.Source, error) {
	database, err := store.Open(settings.Database, 1)
	if err != nil {
		return nil, err
	}
	defer database.Close()
	posts := map[int64]cache.Entry{}
	var before *int64
	for {
		page, err := database.Posts(ctx, before, 1000)
		if err != nil {
			return nil, fmt.Errorf("load the posts: %w", err)
		}
		if len(page) == 0 {
			break
		}
		for _, post := range page {
			if posts[post.ID], err = floor.NewEntry(post); err != nil {
				return nil, err
			}
		}
		before = &page[len(page)-1].ID
	}
	return func(id int64) (cache.Entry, bool) {
		entry, ok := posts[id]
		return entry, ok
	}, nil
}
