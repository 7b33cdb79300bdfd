// Command redis-floor is floor with each answer fetched from Redis by the API's
// client.
package main

import (
	"context"
	"log/slog"

	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/floor"
	"fairground/apis/go/internal/store"
)

func main() { floor.Main(open) }

// open returns posts from Redis. One that isn't there, because Redis was
// flushed, is read from PostgreSQL and stored: all posts in memory would be a
// larger heap than the API's, which is collected less often.
func open(ctx context.Context, settings config.Common, log *slog.Logger) (floor.Source, error) {
	redis, err := cache.Open(settings.Redis, log)
	if err != nil {
		return nil, err
	}
	database, err := store.Open(settings.Database, 1)
	if err != nil {
		return nil, err
	}
	return func(id int64) (cache.Entry, bool) {
		if entry, ok := redis.Post(id); ok {
			return entry, true
		}
		post, err := database.Post(ctx, id)
		if err != nil {
			return cache.Entry{}, false
		}
		entry, err := floor.NewEntry(post)
		if err != nil {
			return cache.Entry{}, false
		}
		redis.SetPost(id, entry)
		return entry, true
	}, nil
}
