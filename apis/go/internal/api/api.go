// Package api has the routes of the contract and what they do.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"fairground/apis/go/internal/password"
	"fairground/apis/go/internal/postcache"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/token"
	"fairground/apis/go/internal/upload"
)

// Services are what the routes are made of.
type Services struct {
	Store   *store.Store
	Cache   *postcache.Cache
	Hasher  *password.Hasher
	Tokens  *token.Authority
	Uploads upload.Directory
	Log     *slog.Logger
}

type api struct {
	store   *store.Store
	cache   *postcache.Cache
	hasher  *password.Hasher
	tokens  *token.Authority
	uploads upload.Directory
	log     *slog.Logger

	// outages keeps a service that is away from filling the log.
	outages rate.Sometimes
}

// New returns the handler of all routes. At the level info it logs requests.
func New(s Services) http.Handler {
	a := &api{
		store:   s.Store,
		cache:   s.Cache,
		hasher:  s.Hasher,
		tokens:  s.Tokens,
		uploads: s.Uploads,
		log:     s.Log,
		outages: rate.Sometimes{Interval: time.Second},
	}

	engine := gin.New()
	engine.RedirectTrailingSlash = false
	// A path matches as it was sent: one with an escape is another.
	engine.UseRawPath = true
	engine.UnescapePathValues = false

	if a.log.Enabled(context.Background(), slog.LevelInfo) {
		engine.Use(a.logRequest)
	}
	engine.Use(noSniff, a.recoverPanic)

	get(engine, "/healthz", a.public(a.health))
	get(engine, "/readyz", a.public(a.readiness))

	engine.POST("/api/users", a.public(a.register))
	engine.POST("/api/auth/login", a.public(a.login))
	get(engine, "/api/users/me", a.private(a.account))
	get(engine, "/api/users/:id", a.requireID, a.public(a.user))

	get(engine, "/api/posts", a.public(a.listPosts))
	engine.POST("/api/posts", a.private(a.createPost))
	get(engine, "/api/posts/:id", a.requireID, a.public(a.post))
	engine.PUT("/api/posts/:id", a.requireID, a.private(a.updatePost))
	engine.DELETE("/api/posts/:id", a.requireID, a.private(a.deletePost))

	engine.POST("/api/files", a.private(a.uploadFile))
	get(engine, "/api/files/:id", a.requireID, a.public(a.file))

	engine.NoRoute(a.public(noRoute(engine.Routes())))
	return engine
}

// get also answers HEAD, for which net/http leaves out the body.
func get(engine *gin.Engine, path string, handlers ...gin.HandlerFunc) {
	engine.GET(path, handlers...)
	engine.HEAD(path, handlers...)
}

// public adapts an endpoint for anyone to gin: its error becomes the answer.
func (a *api) public(endpoint func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := endpoint(c); err != nil {
			a.fail(c, err)
		}
	}
}

// private adapts an endpoint that needs an access token to gin.
func (a *api) private(endpoint func(*gin.Context, token.User) error) gin.HandlerFunc {
	return a.public(func(c *gin.Context) error {
		user, err := a.authenticate(c.Request)
		if err != nil {
			return err
		}
		return endpoint(c, user)
	})
}
