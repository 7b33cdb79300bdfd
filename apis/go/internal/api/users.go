package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/problem"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/token"
	"fairground/apis/go/internal/view"
)

func (a *api) register(c *gin.Context) error {
	username, email, password := usernameField(), emailField(), passwordField()
	if err := readFields(c.Request, username, email, password); err != nil {
		return err
	}
	ctx := c.Request.Context()
	hash, err := a.hasher.Hash(ctx, password.value())
	if err != nil {
		return err
	}
	user := store.User{
		Username:     username.value(),
		Email:        strings.ToLower(email.value()),
		PasswordHash: hash,
	}
	switch err := a.store.CreateUser(ctx, &user); {
	case errors.Is(err, store.ErrUsernameTaken):
		return problem.UsernameTaken
	case errors.Is(err, store.ErrEmailTaken):
		return problem.EmailTaken
	case err != nil:
		return err
	}
	c.Header("Location", "/api/users/"+strconv.FormatInt(user.ID, 10))
	return writeView(c, http.StatusCreated, view.OfAccount(user))
}

func (a *api) login(c *gin.Context) error {
	email, password := emailField(), passwordField()
	if err := readFields(c.Request, email, password); err != nil {
		return err
	}
	ctx := c.Request.Context()
	user, err := a.store.Credentials(ctx, strings.ToLower(email.value()))
	if errors.Is(err, store.ErrNotFound) {
		if err := a.hasher.VerifyDecoy(ctx, password.value()); err != nil {
			return err
		}
		return problem.BadLogin
	}
	if err != nil {
		return err
	}
	right, err := a.hasher.Verify(ctx, user.PasswordHash, password.value())
	if err != nil {
		return err
	}
	if !right {
		return problem.BadLogin
	}
	accessToken, err := a.tokens.Issue(token.User{ID: user.ID, Name: user.Username})
	if err != nil {
		return err
	}
	return writeView(c, http.StatusOK, view.AccessToken{
		AccessToken: accessToken,
		TokenType:   "Bearer",
		ExpiresIn:   int64(token.Lifetime.Seconds()),
	})
}

func (a *api) account(c *gin.Context, caller token.User) error {
	user, err := a.store.Account(c.Request.Context(), caller.ID)
	if errors.Is(err, store.ErrNotFound) {
		return problem.BadToken
	}
	if err != nil {
		return err
	}
	return writeView(c, http.StatusOK, view.OfAccount(user))
}

func (a *api) user(c *gin.Context) error {
	user, err := a.store.User(c.Request.Context(), pathID(c))
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoUser
	}
	if err != nil {
		return err
	}
	return writeView(c, http.StatusOK, view.OfUser(user))
}
