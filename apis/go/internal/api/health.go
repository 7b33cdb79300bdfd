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
	redis := make(chan error, 1)
	go func() { redis <- a.cache.Ready(ctx) }()
	answer := view.Readiness{Postgres: word(a.store.Ready(ctx)), Redis: word(<-redis)}
	status := http.StatusOK
	if answer != (view.Readiness{Postgres: "up", Redis: "up"}) {
		status = http.StatusServiceUnavailable
	}
	return writeView(c, status, answer)
}

func word(err error) string {
	if err != nil {
		return "down"
	}
	return "up"
}
