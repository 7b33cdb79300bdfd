package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"fairground/apis/go/internal/auth"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/view"
)

type newUser struct {
	Username string `json:"username" binding:"required,username"`
	Email    string `json:"email" binding:"required,max=254,email"`
	Password string `json:"password" binding:"required,password,nonul"`
}

func (a *API) register(c *gin.Context) {
	var input newUser
	if !bindJSON(c, &input) {
		return
	}
	ctx := c.Request.Context()
	hash, err := a.Passwords.Hash(ctx, input.Password)
	if err != nil {
		fail(c, err)
		return
	}
	user := store.User{Username: input.Username, Email: strings.ToLower(input.Email), PasswordHash: hash}
	if err := a.Store.CreateUser(ctx, &user); err != nil {
		fail(c, err)
		return
	}
	c.Header("Location", "/api/users/"+strconv.FormatInt(user.ID, 10))
	c.JSON(http.StatusCreated, view.NewAccount(user))
}

type credentials struct {
	Email    string `json:"email" binding:"required,max=254,email"`
	Password string `json:"password" binding:"required,password,nonul"`
}

func (a *API) login(c *gin.Context) {
	var input credentials
	if !bindJSON(c, &input) {
		return
	}
	ctx := c.Request.Context()
	user, err := a.Store.Credentials(ctx, strings.ToLower(input.Email))
	if errors.Is(err, gorm.ErrRecordNotFound) {
		user.PasswordHash, err = a.Passwords.Decoy(), nil
	}
	if err != nil {
		fail(c, err)
		return
	}
	match, err := a.Passwords.Verify(ctx, user.PasswordHash, input.Password)
	if err != nil {
		fail(c, err)
		return
	}
	if !match {
		fail(c, errBadLogin)
		return
	}
	token, err := a.Tokens.Issue(auth.User{ID: user.ID, Name: user.Username})
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{
		"access_token": token, "token_type": "Bearer", "expires_in": int(auth.Lifetime.Seconds()),
	})
}

func (a *API) account(c *gin.Context) {
	user, err := a.Store.Account(c.Request.Context(), caller(c).ID)
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, view.NewAccount(user))
}

func (a *API) user(c *gin.Context) {
	id, ok := pathID(c)
	if !ok {
		return
	}
	user, err := a.Store.User(c.Request.Context(), id)
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, view.NewUser(user))
}
