package api

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/go-playground/validator/v10"
	"gorm.io/gorm"

	"fairground/apis/go/internal/auth"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/upload"
)

// problem is an error document of RFC 9457.
type problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Errors []fieldError `json:"errors,omitempty"`
}

// fieldError names a field that breaks its rule.
type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func newProblem(status int, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *problem) Error() string { return p.Detail }

var (
	errNoRoute  = newProblem(http.StatusNotFound, "There is nothing at this path.")
	errNoMethod = newProblem(http.StatusMethodNotAllowed, "The path doesn't have this method.")
	errBadToken = newProblem(http.StatusUnauthorized, "A valid access token is required.")
	errBadLogin = newProblem(http.StatusUnauthorized, "The email or the password is wrong.")
)

// statusClientClosedRequest is the status that nginx logs for a client that has gone.
const statusClientClosedRequest = 499

// fail leaves err for writeErrors and keeps further handlers from being called.
func fail(c *gin.Context, err error) *gin.Error {
	c.Abort()
	return c.Error(err)
}

// answerLast answers with the problem document of the last error, if there is
// one and nothing was answered yet.
func answerLast(c *gin.Context) {
	last := c.Errors.Last()
	if last == nil || c.Writer.Written() {
		return
	}
	p := problemOf(last)
	if p.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", "Bearer")
	}
	c.Header("Content-Type", "application/problem+json")
	c.JSON(p.Status, p)
}

// problemOf is the only place where errors become statuses.
func problemOf(err *gin.Error) *problem {
	var (
		known    *problem
		invalid  validator.ValidationErrors
		tooLarge *http.MaxBytesError
		disk     *fs.PathError
		rename   *os.LinkError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &invalid):
		return invalidFields(invalid)
	case errors.As(err, &tooLarge), errors.Is(err, upload.ErrTooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "The body or the file in it is too large.")
	case errors.Is(err, upload.ErrType):
		return newProblem(http.StatusUnsupportedMediaType, "The file must be a PNG, JPEG, WebP or PDF, and declared as what it is.")
	case errors.As(err, &disk), errors.As(err, &rename):
		return newProblem(http.StatusInternalServerError, "")
	case err.IsType(gin.ErrorTypeBind) && errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(http.StatusRequestTimeout, "The body didn't arrive in time.")
	case err.IsType(gin.ErrorTypeBind):
		return newProblem(http.StatusBadRequest, "The body or the query can't be read.")
	case errors.Is(err, gorm.ErrRecordNotFound):
		return newProblem(http.StatusNotFound, "There is no such user, post or file.")
	case errors.Is(err, store.ErrNotOwner):
		return newProblem(http.StatusForbidden, "The post is another user's.")
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return newProblem(http.StatusConflict, "The username or the email is taken.")
	case errors.Is(err, gorm.ErrForeignKeyViolated): // the token's user doesn't exist
		return errBadToken
	case errors.Is(err, context.Canceled):
		return newProblem(statusClientClosedRequest, "")
	case errors.Is(err, auth.ErrBusy), store.IsUnavailable(err):
		return newProblem(http.StatusServiceUnavailable, "The service is not available at the moment.")
	default:
		return newProblem(http.StatusInternalServerError, "")
	}
}
