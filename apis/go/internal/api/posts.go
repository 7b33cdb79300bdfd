package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/postcache"
	"fairground/apis/go/internal/problem"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/token"
	"fairground/apis/go/internal/view"
)

func (a *api) listPosts(c *gin.Context) error {
	page, err := parsePage(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	if page.isDefault() {
		if body, ok := a.cache.FirstPage(ctx); ok {
			writeString(c, http.StatusOK, jsonValue, body)
			return nil
		}
	}
	// One more than asked for tells whether there is a next page.
	posts, err := a.store.Posts(ctx, page.before, page.limit+1)
	if err != nil {
		return err
	}
	body, err := view.Encode(view.OfPage(posts, page.limit))
	if err != nil {
		return err
	}
	if page.isDefault() {
		a.cache.SetFirstPage(ctx, body)
	}
	write(c, http.StatusOK, jsonValue, body)
	return nil
}

func (a *api) post(c *gin.Context) error {
	ctx, id := c.Request.Context(), c.Param("id")
	if entry, ok := a.cache.Post(ctx, id); ok {
		writePost(c, entry, cacheHitValue)
		return nil
	}
	post, err := a.store.Post(ctx, pathID(c))
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoPost
	}
	if err != nil {
		return err
	}
	body, err := view.Encode(view.OfPost(post))
	if err != nil {
		return err
	}
	writePost(c, a.cache.SetPost(ctx, id, view.ETag(post), body), cacheMissValue)
	return nil
}

func writePost(c *gin.Context, entry postcache.Entry, cache []string) {
	header := c.Writer.Header()
	header["Etag"] = []string{entry.ETag}
	header["X-Cache"] = cache
	if values := c.Request.Header["If-None-Match"]; len(values) != 0 && matches(values, entry.ETag) {
		writeEmpty(c, http.StatusNotModified)
		return
	}
	writeString(c, http.StatusOK, jsonValue, entry.Body)
}

func (a *api) createPost(c *gin.Context, caller token.User) error {
	title, body := titleField(), bodyField()
	if err := readFields(c.Request, title, body); err != nil {
		return err
	}
	post := store.Post{AuthorID: caller.ID, Title: title.value(), Body: body.value()}
	err := a.store.CreatePost(c.Request.Context(), &post)
	if errors.Is(err, store.ErrNoSuchUser) {
		return problem.BadToken
	}
	if err != nil {
		return err
	}
	post.Author.Username = caller.Name
	c.Header("Location", "/api/posts/"+strconv.FormatInt(post.ID, 10))
	return writeView(c, http.StatusCreated, view.OfPost(post))
}

func (a *api) updatePost(c *gin.Context, caller token.User) error {
	title, body := titleField(), bodyField()
	if err := readFields(c.Request, title, body); err != nil {
		return err
	}
	post := store.Post{ID: pathID(c), AuthorID: caller.ID, Title: title.value(), Body: body.value()}
	err := a.store.UpdatePost(c.Request.Context(), &post)
	if err := a.changed(c, err); err != nil {
		return err
	}
	post.Author.Username = caller.Name
	return writeView(c, http.StatusOK, view.OfPost(post))
}

func (a *api) deletePost(c *gin.Context, caller token.User) error {
	err := a.store.DeletePost(c.Request.Context(), pathID(c), caller.ID)
	if err := a.changed(c, err); err != nil {
		return err
	}
	writeEmpty(c, http.StatusNoContent)
	return nil
}

// changed drops the post of the path from the cache behind a statement that
// changed it, or may have: err is what the statement returned.
func (a *api) changed(c *gin.Context, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return problem.NoPost
	case errors.Is(err, store.ErrNotOwner):
		return problem.NotOwner
	}
	a.cache.DeletePost(c.Request.Context(), c.Param("id"))
	return err
}

// matches tells whether the fields of If-None-Match name etag, by the weak
// comparison of RFC 9110, section 8.8.3.2.
func matches(fields []string, etag string) bool {
	list := strings.Join(fields, ",")
	if strings.Trim(list, " \t") == "*" {
		return true
	}
	for element := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.Trim(element, " \t"), "W/") == etag {
			return true
		}
	}
	return false
}
