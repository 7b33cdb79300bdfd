// Package view has the JSON documents that the API answers with.
package view

import (
	"fmt"
	"time"

	"fairground/apis/go/internal/store"
)

// User is what anyone may see of a user.
type User struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	CreatedAt string `json:"created_at"`
}

// Account is what a user may see of itself.
type Account struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	CreatedAt string `json:"created_at"`
}

// Author is the user within a post.
type Author struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// Post is a post with its author.
type Post struct {
	ID        int64  `json:"id"`
	Author    Author `json:"author"`
	Title     string `json:"title"`
	Body      string `json:"body"`
	Version   int64  `json:"version"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

// Page is a page of posts, newest first.
type Page struct {
	Items      []Post `json:"items"`
	NextBefore *int64 `json:"next_before"`
}

// File describes an uploaded file.
type File struct {
	ID          int64  `json:"id"`
	Filename    string `json:"filename"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
}

// NewUser returns the public view of u.
func NewUser(u store.User) User {
	return User{ID: u.ID, Username: u.Username, CreatedAt: timestamp(u.CreatedAt)}
}

// NewAccount returns the view of u for u itself.
func NewAccount(u store.User) Account {
	return Account{ID: u.ID, Username: u.Username, Email: u.Email, CreatedAt: timestamp(u.CreatedAt)}
}

// NewPost returns the view of p.
func NewPost(p store.Post) Post {
	return Post{
		ID: p.ID, Author: Author(p.Author), Title: p.Title, Body: p.Body, Version: p.Version,
		CreatedAt: timestamp(p.CreatedAt), UpdatedAt: timestamp(p.UpdatedAt),
	}
}

// NewPage returns the view of the first limit posts. One post more shows that
// there is a next page.
func NewPage(posts []store.Post, limit int) Page {
	page := Page{Items: make([]Post, 0, limit)}
	for _, p := range posts[:min(len(posts), limit)] {
		page.Items = append(page.Items, NewPost(p))
	}
	if len(posts) > limit {
		page.NextBefore = &posts[limit-1].ID
	}
	return page
}

// NewFile returns the view of f.
func NewFile(f store.File) File {
	return File{ID: f.ID, Filename: f.Filename, ContentType: f.ContentType, Size: f.Size, SHA256: f.SHA256}
}

// ETag returns the entity tag of p.
func ETag(p store.Post) string { return fmt.Sprintf(`"%d-%d"`, p.ID, p.Version) }

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
