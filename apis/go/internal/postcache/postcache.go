// Package postcache keeps encoded posts in Redis. It never fails: Redis being
// away or slow is a miss, and one warning a second in the log.
package postcache

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"golang.org/x/time/rate"
)

const (
	operationTimeout = 50 * time.Millisecond
	postLifetime     = 600 * time.Second
	pageLifetime     = 5 * time.Second
	postPrefix       = "post:"
	firstPageKey     = "posts:first"
	warningInterval  = time.Second

	// With few connections many requests would spend their 50 ms in a queue
	// for one and then burden PostgreSQL instead.
	poolSize = 128
	// Most posts fit; with so many connections the default of 32 KiB each way
	// adds up.
	bufferBytes = 8 << 10
)

// Cache is safe for concurrent use.
type Cache struct {
	client   *redis.Client
	log      *slog.Logger
	warnings rate.Sometimes
}

// Entry is an encoded post with its entity tag.
type Entry struct {
	ETag string
	Body string
}

// New returns a Cache over a new pool. It connects when a connection is first
// needed, so Redis may be away.
func New(options *redis.Options, log *slog.Logger) *Cache {
	logging.Disable() // the errors that matter are returned, and logged here
	o := *options
	o.ContextTimeoutEnabled = true
	o.DialTimeout = operationTimeout
	o.ReadTimeout = operationTimeout
	o.WriteTimeout = operationTimeout
	o.PoolTimeout = operationTimeout
	o.PoolSize = poolSize
	o.ReadBufferSize = bufferBytes
	o.WriteBufferSize = bufferBytes
	o.MaxRetries = -1
	o.DialerRetries = 1
	// RESP2 suffices for GET, SET and DEL, and spares a look for push messages
	// around every command.
	o.Protocol = 2
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Cache{
		client:   redis.NewClient(&o),
		log:      log,
		warnings: rate.Sometimes{Interval: warningInterval},
	}
}

// Close closes all connections.
func (c *Cache) Close() error { return c.client.Close() }

// Ready returns nil if Redis answers.
func (c *Cache) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return c.client.Ping(ctx).Err()
}

// Post returns the post with this id, in decimal.
func (c *Cache) Post(ctx context.Context, id string) (Entry, bool) {
	value, ok := c.get(ctx, postPrefix+id)
	if !ok {
		return Entry{}, false
	}
	etag, body, ok := strings.Cut(value, "\n")
	return Entry{ETag: etag, Body: body}, ok
}

// SetPost stores the post with this id, and returns it as Post would.
func (c *Cache) SetPost(ctx context.Context, id, etag string, body []byte) Entry {
	value := etag + "\n" + string(body)
	c.set(ctx, postPrefix+id, value, postLifetime)
	return Entry{ETag: etag, Body: value[len(etag)+1:]}
}

// DeletePost forgets the post with this id, also where the client that asked
// for the change has gone: a stale post would stay for ten minutes.
func (c *Cache) DeletePost(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	defer cancel()
	c.note(ctx, "DEL", c.client.Del(ctx, postPrefix+id).Err())
}

// FirstPage returns the default first page.
func (c *Cache) FirstPage(ctx context.Context) (string, bool) {
	return c.get(ctx, firstPageKey)
}

// SetFirstPage stores the default first page.
func (c *Cache) SetFirstPage(ctx context.Context, page []byte) {
	c.set(ctx, firstPageKey, page, pageLifetime)
}

func (c *Cache) get(parent context.Context, key string) (string, bool) {
	ctx, cancel := context.WithTimeout(parent, operationTimeout)
	defer cancel()
	value, err := c.client.Get(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		c.note(parent, "GET", err)
	}
	return value, err == nil
}

func (c *Cache) set(parent context.Context, key string, value any, lifetime time.Duration) {
	ctx, cancel := context.WithTimeout(parent, operationTimeout)
	defer cancel()
	c.note(parent, "SET", c.client.Set(ctx, key, value, lifetime).Err())
}

// note logs a failure, unless it is only that the client has gone away.
func (c *Cache) note(ctx context.Context, command string, err error) {
	if err == nil || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	c.warnings.Do(func() {
		c.log.Warn("Redis failed", "command", command, "error", err)
	})
}
