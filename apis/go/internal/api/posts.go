package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/view"
)

const jsonType = "application/json; charset=utf-8"

type pageQuery struct {
	Limit  int    `form:"limit" binding:"min=1,max=100"`
	Before *int64 `form:"before" binding:"omitempty,min=1"`
}

func (a *API) listPosts(c *gin.Context) {
	query := pageQuery{Limit: 20}
	if err := c.ShouldBindQuery(&query); err != nil {
		fail(c, err).SetType(gin.ErrorTypeBind)
		return
	}
	isFirst := query.Limit == 20 && query.Before == nil
	if isFirst {
		if page, hit := a.Cache.FirstPage(); hit {
			c.Data(http.StatusOK, jsonType, page)
			return
		}
	}
	posts, err := a.Store.Posts(c.Request.Context(), query.Before, query.Limit+1)
	if err != nil {
		fail(c, err)
		return
	}
	page, err := json.Marshal(view.NewPage(posts, query.Limit))
	if err != nil {
		fail(c, err)
		return
	}
	if isFirst {
		a.Cache.SetFirstPage(page)
	}
	c.Data(http.StatusOK, jsonType, page)
}

func (a *API) post(c *gin.Context) {
	id, ok := pathID(c)
	if !ok {
		return
	}
	source := "HIT"
	entry, hit := a.Cache.Post(id)
	if !hit {
		source = "MISS"
		post, err := a.Store.Post(c.Request.Context(), id)
		if err != nil {
			fail(c, err)
			return
		}
		if entry.JSON, err = json.Marshal(view.NewPost(post)); err != nil {
			fail(c, err)
			return
		}
		entry.ETag = view.ETag(post)
		a.Cache.SetPost(id, entry)
	}
	c.Header("ETag", entry.ETag)
	c.Header("X-Cache", source)
	if c.GetHeader("If-None-Match") == entry.ETag {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, jsonType, entry.JSON)
}

type postContent struct {
	Title string `json:"title" binding:"required,max=200,nonul"`
	Body  string `json:"body" binding:"required,max=20000,nonul"`
}

func (a *API) createPost(c *gin.Context) {
	var input postContent
	if !bindJSON(c, &input) {
		return
	}
	author := caller(c)
	post := store.Post{AuthorID: author.ID, Title: input.Title, Body: input.Body}
	if err := a.Store.CreatePost(c.Request.Context(), &post); err != nil {
		fail(c, err)
		return
	}
	post.Author = store.Author{ID: author.ID, Username: author.Name}
	c.Header("Location", "/api/posts/"+strconv.FormatInt(post.ID, 10))
	c.JSON(http.StatusCreated, view.NewPost(post))
}

func (a *API) updatePost(c *gin.Context) {
	id, ok := pathID(c)
	if !ok {
		return
	}
	var input postContent
	if !bindJSON(c, &input) {
		return
	}
	author := caller(c)
	post := store.Post{ID: id, AuthorID: author.ID, Title: input.Title, Body: input.Body}
	err := a.Store.UpdatePost(c.Request.Context(), &post)
	a.forget(id, err)
	if err != nil {
		fail(c, err)
		return
	}
	post.Author = store.Author{ID: author.ID, Username: author.Name}
	c.JSON(http.StatusOK, view.NewPost(post))
}

func (a *API) deletePost(c *gin.Context) {
	id, ok := pathID(c)
	if !ok {
		return
	}
	err := a.Store.DeletePost(c.Request.Context(), id, caller(c).ID)
	a.forget(id, err)
	if err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// forget removes a post from the cache unless it surely hasn't changed: the
// statement may have been executed though its connection was lost.
func (a *API) forget(id int64, err error) {
	if !errors.Is(err, gorm.ErrRecordNotFound) && !errors.Is(err, store.ErrNotOwner) {
		a.Cache.DeletePost(id)
	}
}
