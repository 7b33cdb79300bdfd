package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/problem"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/view"
)

// writeHead sends the head of an answer whose body has size octets.
func writeHead(c *gin.Context, status int, contentType []string, size int64) {
	header := c.Writer.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	c.Writer.WriteHeader(status)
	c.Writer.WriteHeaderNow()
}

// write sends a whole answer. The error of a client that has gone is of no
// use: nothing can be told to it any more.
func write(c *gin.Context, status int, contentType []string, body []byte) {
	writeHead(c, status, contentType, int64(len(body)))
	_, _ = c.Writer.Write(body)
}

// writeString is write for a body that came as a string.
func writeString(c *gin.Context, status int, contentType []string, body string) {
	writeHead(c, status, contentType, int64(len(body)))
	_, _ = c.Writer.WriteString(body)
}

// writeEmpty sends an answer that has no body and so nothing about one.
func writeEmpty(c *gin.Context, status int) {
	c.Writer.WriteHeader(status)
	c.Writer.WriteHeaderNow()
}

// writeView sends a document of package view.
func writeView(c *gin.Context, status int, document any) error {
	body, err := view.Encode(document)
	if err != nil {
		return err
	}
	write(c, status, jsonValue, body)
	return nil
}

func writeProblem(c *gin.Context, p *problem.Problem) {
	if p.Status == http.StatusUnauthorized {
		c.Writer.Header()["Www-Authenticate"] = bearerValue
	}
	write(c, p.Status, problemValue, p.Body)
}

// fail answers with the problem that err is, or stands for.
func (a *api) fail(c *gin.Context, err error) {
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
	case isGone(c):
		p = problem.Unavailable // nobody reads it, and it is no fault to log
	case errors.Is(err, store.ErrUnavailable):
		p = problem.Unavailable
		a.outages.Do(func() { a.log.Error("service unavailable", "error", err) })
	default:
		p = problem.Internal
		a.log.Error("internal error", "route", c.FullPath(), "error", err)
	}
	if c.Writer.Written() {
		panic(http.ErrAbortHandler) // half an answer must not look whole
	}
	writeProblem(c, p)
}

// isGone tells whether the client has closed its connection, or only its half of
// it, which net/http doesn't tell apart. What fails then may have failed for that.
func isGone(c *gin.Context) bool { return c.Request.Context().Err() != nil }
