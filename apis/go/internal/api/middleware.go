package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/identifier"
	"fairground/apis/go/internal/problem"
)

// Header values that many answers share. net/http only reads them.
var (
	noSniffValue   = []string{"nosniff"}
	bearerValue    = []string{"Bearer"}
	jsonValue      = []string{"application/json"}
	problemValue   = []string{problem.MediaType}
	cacheHitValue  = []string{"HIT"}
	cacheMissValue = []string{"MISS"}
)

func noSniff(c *gin.Context) {
	c.Writer.Header()["X-Content-Type-Options"] = noSniffValue
}

// logRequest writes one line for each request, behind its answer.
func (a *api) logRequest(c *gin.Context) {
	start := time.Now()
	c.Next()
	a.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request",
		slog.String("method", c.Request.Method),
		slog.String("path", c.Request.URL.EscapedPath()),
		slog.Int("status", c.Writer.Status()),
		slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000),
	)
}

// recoverPanic answers a panic with a 500. It stands in for gin.Recovery,
// which has a log format of its own.
func (a *api) recoverPanic(c *gin.Context) {
	defer func() {
		recovered := recover()
		if recovered == nil {
			return
		}
		if recovered == http.ErrAbortHandler {
			panic(recovered)
		}
		a.log.Error("panic", "cause", fmt.Sprint(recovered), "stack", string(debug.Stack()))
		c.Abort()
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // half an answer must not look whole
		}
		writeProblem(c, problem.Internal)
	}()
	c.Next()
}

// requireID makes a path whose id is none a path that doesn't exist, before
// anything else of the request is looked at.
func (a *api) requireID(c *gin.Context) {
	if _, ok := identifier.Parse(c.Param("id")); !ok {
		a.fail(c, problem.NoPath)
		c.Abort()
	}
}

// pathID returns the id in the path of a route behind requireID.
func pathID(c *gin.Context) int64 {
	id, _ := identifier.Parse(c.Param("id"))
	return id
}

// noRoute answers what matches no route: with a 405 where the path does under
// another method, else with a 404. It doesn't leave that to gin, whose list of
// allowed methods is in no order and, by a fault of its tree, not always right.
func noRoute(routes gin.RoutesInfo) func(*gin.Context) error {
	methods := make(map[string][]string)
	for _, r := range routes {
		methods[r.Path] = append(methods[r.Path], r.Method)
	}
	allow := make(map[string]string, len(methods))
	for path, m := range methods {
		slices.Sort(m)
		allow[path] = strings.Join(m, ", ")
	}
	return func(c *gin.Context) error {
		methods, ok := allow[pattern(c.Request.URL.EscapedPath())]
		if !ok {
			return problem.NoPath
		}
		c.Header("Allow", methods)
		return problem.BadMethod
	}
}

// pattern returns the path under which a route for path would be registered.
func pattern(path string) string {
	parent, last := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]
	switch _, isID := identifier.Parse(last); {
	case isID:
		return parent + ":id"
	case strings.HasPrefix(last, ":"): // a parameter's name is no value of it
		return ""
	}
	return path
}
