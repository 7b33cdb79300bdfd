// Package cache keeps posts and the first page in Redis. It has no errors for
// its callers: a Redis that is away or slow is a miss, and a warning in the log.
package cache

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
	"golang.org/x/time/rate"
)

const (
	commandTimeout = 100 * time.Millisecond
	// pause is how long Redis is passed over after a command has failed. It keeps
	// commands from piling up behind a connection until rueidis gives it up.
	pause = 250 * time.Millisecond

	postSeconds      = 600
	firstPageSeconds = 5
	firstPageKey     = "posts:first"
)

var errNotConnected = errors.New("not connected yet")

// Cache is safe for concurrent use.
type Cache struct {
	client   atomic.Pointer[rueidis.Client] // nil until the first connection
	resumeAt atomic.Int64                   // Unix time in nanoseconds
	warnings rate.Sometimes
	log      *slog.Logger
}

// Open returns a Cache that connects in the background until ctx is done, so
// Redis may be away. The connections end with the process.
func Open(ctx context.Context, options rueidis.ClientOption, log *slog.Logger) *Cache {
	options.ForceSingleClient = true
	options.DisableCache = true
	options.ConnWriteTimeout = 500 * time.Millisecond
	options.Dialer.Timeout = time.Second
	c := &Cache{log: log, warnings: rate.Sometimes{Interval: time.Second}}
	go c.connect(ctx, options)
	return c
}

// connect makes the client, for which Redis must answer once. Later on, the
// client reconnects by itself.
func (c *Cache) connect(ctx context.Context, options rueidis.ClientOption) {
	for {
		client, err := rueidis.NewClient(options)
		if err == nil {
			c.client.Store(&client)
			return
		}
		c.warn("connect", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

// Entry is a post as it is stored and sent.
type Entry struct {
	ETag string
	JSON []byte
}

func (e Entry) encode() string { return e.ETag + "\n" + string(e.JSON) }

func decode(value []byte) (Entry, bool) {
	etag, document, ok := bytes.Cut(value, []byte("\n"))
	return Entry{ETag: string(etag), JSON: document}, ok
}

func postKey(id int64) string { return "post:" + strconv.FormatInt(id, 10) }

// Post returns the post with this id.
func (c *Cache) Post(id int64) (Entry, bool) {
	value, ok := c.get(postKey(id))
	if !ok {
		return Entry{}, false
	}
	return decode(value)
}

// SetPost stores the post with this id.
func (c *Cache) SetPost(id int64, entry Entry) { c.set(postKey(id), entry.encode(), postSeconds) }

// DeletePost forgets the post with this id. It tries twice, and during a pause
// too, because what it leaves behind is wrong for ten minutes.
func (c *Cache) DeletePost(id int64) {
	for range 2 {
		_, err := c.do("DEL", func(b rueidis.Builder) rueidis.Completed { return b.Del().Key(postKey(id)).Build() })
		if err == nil {
			return
		}
	}
}

// FirstPage returns the first page of posts as JSON.
func (c *Cache) FirstPage() ([]byte, bool) { return c.get(firstPageKey) }

// SetFirstPage stores the first page of posts.
func (c *Cache) SetFirstPage(page []byte) {
	c.set(firstPageKey, rueidis.BinaryString(page), firstPageSeconds)
}

// Ping returns nil if Redis answers.
func (c *Cache) Ping() error {
	_, err := c.do("PING", func(b rueidis.Builder) rueidis.Completed { return b.Ping().Build() })
	return err
}

func (c *Cache) get(key string) ([]byte, bool) {
	if c.isPaused() {
		return nil, false
	}
	message, err := c.do("GET", func(b rueidis.Builder) rueidis.Completed { return b.Get().Key(key).Build() })
	if err != nil {
		return nil, false
	}
	value, err := message.AsBytes()
	return value, err == nil
}

func (c *Cache) set(key, value string, seconds int64) {
	if c.isPaused() {
		return
	}
	_, _ = c.do("SET", func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(key).Value(value).ExSeconds(seconds).Build()
	})
}

func (c *Cache) isPaused() bool { return time.Now().UnixNano() < c.resumeAt.Load() }

// do executes one command. Only the timeout ends it, not the request that it is
// for: a write needs its DEL, and a connection serves many requests at a time.
func (c *Cache) do(name string, build func(rueidis.Builder) rueidis.Completed) (rueidis.RedisMessage, error) {
	client := c.client.Load()
	if client == nil {
		return rueidis.RedisMessage{}, errNotConnected
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	message, err := (*client).Do(ctx, build((*client).B())).ToMessage()
	if err != nil && !rueidis.IsRedisNil(err) {
		if _, answered := rueidis.IsRedisErr(err); !answered {
			c.resumeAt.Store(time.Now().Add(pause).UnixNano())
		}
		c.warn(name, err)
	}
	return message, err
}

func (c *Cache) warn(command string, err error) {
	c.warnings.Do(func() { c.log.Warn("Redis failed", "command", command, "error", err) })
}
