package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5/request"
	"golang.org/x/time/rate"

	"fairground/apis/go/internal/auth"
)

const userKey = "user"

// logRequests logs each request at the level info, and one that is answered
// with 500 or 503 at the level error, with its cause.
func logRequests(log *slog.Logger) gin.HandlerFunc {
	// One each, so that none hides the other's cause.
	outages, refusals := rate.NewLimiter(rate.Every(time.Second), 1), rate.NewLimiter(rate.Every(time.Second), 1)
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		ctx, status, level := c.Request.Context(), c.Writer.Status(), slog.LevelInfo
		if status == http.StatusInternalServerError || status == http.StatusServiceUnavailable {
			level = slog.LevelError
		}
		if !log.Enabled(ctx, level) {
			return
		}
		if status == http.StatusServiceUnavailable && !log.Enabled(ctx, slog.LevelInfo) {
			limiter := outages
			if last := c.Errors.Last(); last != nil && errors.Is(last, auth.ErrBusy) {
				limiter = refusals
			}
			if !limiter.Allow() {
				return
			}
		}
		attributes := []slog.Attr{
			slog.String("method", c.Request.Method),
			slog.String("path", c.Request.URL.Path),
			slog.Int("status", status),
			slog.Duration("duration", time.Since(start)),
		}
		if level == slog.LevelError { // other errors may quote what the client sent
			attributes = append(attributes, slog.Any("errors", c.Errors.Errors()))
		}
		log.LogAttrs(ctx, level, "request", attributes...)
	}
}

// recovered answers after a panic. The value of the panic may quote what the
// client sent, so the log shows its type and where it happened.
func recovered(c *gin.Context, value any) {
	fail(c, fmt.Errorf("panic of type %T: %s", value, debug.Stack()))
	answerLast(c)
}

// writeErrors answers with the problem document of the last error.
func writeErrors(c *gin.Context) {
	c.Next()
	answerLast(c)
}

// bodyOf refuses bodies of another type, and reads of those over limit bytes.
func bodyOf(contentType string, limit int64) gin.HandlerFunc {
	otherType := newProblem(http.StatusUnsupportedMediaType, "The body must be "+contentType+".")
	return func(c *gin.Context) {
		if !strings.EqualFold(c.ContentType(), contentType) {
			fail(c, otherType)
			return
		}
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	}
}

// bindJSON reads the body into input and checks its rules. c.ShouldBindJSON would
// stop behind the value: it would take a body that is too large, and net/http
// notices that a client has gone only once the body was read to its end.
func bindJSON(c *gin.Context, input any) bool {
	if err := c.ShouldBindBodyWithJSON(input); err != nil {
		fail(c, err).SetType(gin.ErrorTypeBind)
		return false
	}
	return true
}

// authenticate lets only requests with a valid access token pass.
func (a *API) authenticate(c *gin.Context) {
	token, err := request.BearerExtractor{}.ExtractToken(c.Request)
	var user auth.User
	if err == nil {
		user, err = a.Tokens.Check(token)
	}
	if err != nil {
		fail(c, errBadToken)
		return
	}
	c.Set(userKey, user)
}

// caller returns the user of the token that authenticate has checked.
func caller(c *gin.Context) auth.User { return c.MustGet(userKey).(auth.User) }
