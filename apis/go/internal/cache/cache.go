// Package cache keeps posts and the first page in Redis. It has no errors for
// its callers: a Redis that is away or slow is a miss, and a warning in the log.
package cache

import (
	"bytes"
	"context"
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

// Cache is safe for concurrent use.
type Cache struct {
	client   rueidis.Client
	resumeAt atomic.Int64 // Unix time in nanoseconds
	warnings rate.Sometimes
	log      *slog.Logger
}

// Open returns a Cache. Redis may be away: a single client connects again with
// each command, until it succeeds. The connections end with the process.
func Open(options rueidis.ClientOption, log *slog.Logger) (*Cache, error) {
	options.ForceSingleClient = true
	options.DisableCache = true
	options.ConnWriteTimeout = 500 * time.Millisecond
	options.Dialer.Timeout = time.Second
	client, err := rueidis.NewClient(options)
	if client == nil { // the options are wrong
		return nil, err
	}
	c := &Cache{client: client, log: log, warnings: rate.Sometimes{Interval: time.Second}}
	if err != nil {
		c.warn("connect", err)
	}
	return c, nil
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
		if _, err := c.do(c.client.B().Del().Key(postKey(id)).Build()); err == nil {
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
	_, err := c.do(c.client.B().Ping().Build())
	return err
}

func (c *Cache) get(key string) ([]byte, bool) {
	if c.isPaused() {
		return nil, false
	}
	message, err := c.do(c.client.B().Get().Key(key).Build())
	if err != nil {
		return nil, false
	}
	value, err := message.AsBytes()
	return value, err == nil
}

func (c *Cache) set(key, value string, seconds int64) {
	if !c.isPaused() {
		_, _ = c.do(c.client.B().Set().Key(key).Value(value).ExSeconds(seconds).Build())
	}
}

func (c *Cache) isPaused() bool { return time.Now().UnixNano() < c.resumeAt.Load() }

// do executes one command. Only the timeout ends it, not the request that it is
// for: a write needs its DEL, and a connection serves many requests at a time.
func (c *Cache) do(command rueidis.Completed) (rueidis.RedisMessage, error) {
	name := command.Commands()[0] // rueidis reuses command afterwards
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	message, err := c.client.Do(ctx, command).ToMessage()
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
