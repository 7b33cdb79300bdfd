// Package api has the routes of the contract and their handlers.
//
// A handler gives its error to c.Error and returns; writeErrors answers. Input
// types, with their rules, stand above their handlers.
package api

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"

	"fairground/apis/go/internal/auth"
	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/upload"
)

const maxJSON = 64 << 10

// API is what the handlers share.
type API struct {
	Store     *store.Store
	Cache     *cache.Cache
	Tokens    *auth.Tokens
	Passwords *auth.Passwords
	UploadDir string
	Log       *slog.Logger
}

// Handler returns the handler of all routes, behind further middleware.
func (a *API) Handler(middleware ...gin.HandlerFunc) http.Handler {
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.Use(middleware...)
	engine.Use(logRequests(a.Log), gin.CustomRecoveryWithWriter(nil, recovered), writeErrors)
	engine.NoRoute(func(c *gin.Context) { fail(c, errNoRoute) })
	engine.NoMethod(func(c *gin.Context) { fail(c, errNoMethod) })

	json := bodyOf(binding.MIMEJSON, maxJSON)
	form := bodyOf(binding.MIMEMultipartPOSTForm, upload.MaxBody)

	engine.GET("/healthz", a.health)
	engine.GET("/readyz", a.ready)

	engine.POST("/api/users", json, a.register)
	engine.POST("/api/auth/login", json, a.login)
	engine.GET("/api/users/me", a.authenticate, a.account)
	engine.GET("/api/users/:id", a.user)

	engine.GET("/api/posts", a.listPosts)
	engine.POST("/api/posts", a.authenticate, json, a.createPost)
	engine.GET("/api/posts/:id", a.post)
	engine.PUT("/api/posts/:id", a.authenticate, json, a.updatePost)
	engine.DELETE("/api/posts/:id", a.authenticate, a.deletePost)

	engine.POST("/api/files", a.authenticate, form, a.upload)
	engine.GET("/api/files/:id", a.download)
	return engine
}

func (a *API) health(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) }

func (a *API) ready(c *gin.Context) {
	status := http.StatusOK
	state := func(err error) string {
		if err == nil {
			return "up"
		}
		fail(c, err) // for the log
		status = http.StatusServiceUnavailable
		return "down"
	}
	document := gin.H{"postgres": state(a.Store.Ping(c.Request.Context())), "redis": state(a.Cache.Ping())}
	c.JSON(status, document)
}

// pathID returns the id in the path. It answers 404 if that isn't a positive
// number.
func pathID(c *gin.Context) (int64, bool) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		fail(c, errNoRoute)
		return 0, false
	}
	return id, true
}
