// Package app puts the parts of the API together. The API and its slowed build
// share it.
package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/api"
	"fairground/apis/go/internal/auth"
	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/config"
	"fairground/apis/go/internal/server"
	"fairground/apis/go/internal/store"
)

// Main serves the API, behind middleware, as server.Main says.
func Main(middleware ...gin.HandlerFunc) {
	server.Main(func(ctx context.Context) error { return run(ctx, middleware) })
}

func run(ctx context.Context, middleware []gin.HandlerFunc) error {
	settings, err := config.Load(os.Getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: settings.LogLevel}))
	database, err := store.Open(settings.Database, settings.PoolSize)
	if err != nil {
		return err
	}
	passwords, err := auth.NewPasswords(runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	redis, err := cache.Open(settings.Redis, log)
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	handler := (&api.API{
		Store:     database,
		Cache:     redis,
		Tokens:    auth.NewTokens(settings.JWTSecret),
		Passwords: passwords,
		UploadDir: settings.UploadDir,
		Log:       log,
	}).Handler(middleware...)
	httpServer := server.New(settings.Address, handler, log)
	server.CloseUnused(httpServer)
	return errors.Join(server.Run(ctx, httpServer, log), database.Close())
}
