// Package floor is what both floors share: benchmarks compare the API with them.
package floor

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/server"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/view"
)

// Source returns the post with an id.
type Source func(id int64) (cache.Entry, bool)

// Open returns a floor's source.
type Open func(context.Context, config.Common, *slog.Logger) (Source, error)

// Main serves what open returns, as server.Main says.
func Main(open Open) {
	server.Main(func(ctx context.Context) error { return run(ctx, open) })
}

func run(ctx context.Context, open Open) error {
	settings, err := config.LoadCommon(os.Getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn}))
	source, err := open(ctx, settings, log)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	return server.Run(ctx, server.New(settings.Address, handler(source), log), log)
}

func handler(source Source) http.Handler {
	engine := gin.New()
	ok := func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) }
	engine.GET("/healthz", ok)
	engine.GET("/readyz", ok)
	engine.GET("/api/posts/:id", func(c *gin.Context) {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		entry, found := source(id)
		if err != nil || !found {
			c.Status(http.StatusNotFound)
			return
		}
		c.Header("ETag", entry.ETag)
		c.Header("X-Cache", "HIT")
		c.Data(http.StatusOK, "application/json; charset=utf-8", entry.JSON)
	})
	return engine
}

// NewEntry returns a post as it is sent.
func NewEntry(post store.Post) (cache.Entry, error) {
	document, err := json.Marshal(view.NewPost(post))
	return cache.Entry{ETag: view.ETag(post), JSON: document}, err
}
