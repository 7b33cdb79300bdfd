package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/view"
)

// readinessTimeout is how long PostgreSQL has to answer; Redis has the time
// of any operation of the cache.
const readinessTimeout = 2 * time.Second

func (a *api) health(c *gin.Context) error {
	writeString(c, http.StatusOK, jsonValue, `{"status":"ok"}`)
	return nil
}

func (a *api) readiness(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readinessTimeout)
	defer cancel()
	pinged := make(chan error, 1)
	go func() { pinged <- a.cache.Ready(ctx) }()
	postgres, redis := a.store.Ready(ctx), <-pinged
	status := http.StatusOK
	if postgres != nil || redis != nil {
		status = http.StatusServiceUnavailable
		if !isGone(c) {
			a.outages.Do(func() { a.log.Error("service unavailable", "postgres", postgres, "redis", redis) })
		}
	}
	return writeView(c, status, view.Readiness{Postgres: word(postgres), Redis: word(redis)})
}

func word(err error) string {
	if err != nil {
		return "down"
	}
	return "up"
}
