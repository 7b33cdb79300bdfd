// Command floor is the least that a gin server can do for GET /api/posts/{id}:
// it answers with the same octets and headers as the API on a cache hit, from
// memory. It is built on the API's own server settings, and benchmarks measure
// the API against it. It is no part of the API.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/httpserver"
	"fairground/apis/go/internal/logging"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/view"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// answer is one post as it is sent.
type answer struct {
	etag, length, body string
}

func run(ctx context.Context) error {
	settings, err := config.FloorFromEnvironment(os.LookupEnv)
	if err != nil {
		return err
	}
	answers, err := load(ctx, settings)
	if err != nil {
		return fmt.Errorf("loading the posts: %w", err)
	}
	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(runtime.NumCPU())
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/readyz", func(c *gin.Context) { c.Status(http.StatusOK) })
	engine.GET("/api/posts/:id", func(c *gin.Context) {
		a, ok := answers[c.Param("id")]
		if !ok {
			c.Status(http.StatusNotFound)
			return
		}
		c.Header("Content-Type", "application/json")
		c.Header("Content-Length", a.length)
		c.Header("ETag", a.etag)
		c.Header("X-Cache", "HIT")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Status(http.StatusOK)
		_, _ = c.Writer.WriteString(a.body)
	})
	server := httpserver.New(engine, logging.New(os.Stdout, slog.LevelWarn))
	_, err = httpserver.Serve(ctx, server, listener)
	return err
}

// load reads all posts, page by page.
func load(ctx context.Context, settings config.Floor) (map[string]answer, error) {
	posts, err := store.Open(settings.Database, 1)
	if err != nil {
		return nil, err
	}
	defer posts.Close()
	const pageSize = 1000
	answers := make(map[string]answer)
	var before int64
	for {
		page, err := posts.Posts(ctx, before, pageSize)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			body, err := view.Encode(view.OfPost(p))
			if err != nil {
				return nil, err
			}
			answers[strconv.FormatInt(p.ID, 10)] = answer{
				etag:   view.ETag(p),
				length: strconv.Itoa(len(body)),
				body:   string(body),
			}
		}
		if len(page) < pageSize {
			return answers, nil
		}
		before = page[len(page)-1].ID
	}
}
