// Command redis-floor is floor with each answer fetched from Redis by the API's
// client.
package main

import (
	"context"
	"log/slog"
	"time"

	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/floor"
)

func main() { floor.Main(open) }

// open stores all posts in Redis. A post that isn't there any more, because
// Redis was flushed, is stored again.
func open(ctx context.Context, settings config.Common, log *slog.Logger, posts floor.Posts) (floor.Source, error) {
	redis, err := cache.Open(settings.Redis, log)
	if err != nil {
		return nil, err
	}
	for id, entry := range posts {
		for redis.KeepPost(id, entry) != nil { // Redis isn't there yet
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return func(id int64) (cache.Entry, bool) {
		entry, ok := redis.Post(id)
		if ok {
			return entry, true
		}
		if entry, ok = posts[id]; ok {
			_ = redis.KeepPost(id, entry)
		}
		return entry, ok
	}, nil
}
