// Package view has the JSON documents that the API answers with. Equal
// documents are equal octets: members in the order of the contract, no
// whitespace, nothing escaped that need not be.
package view

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"fairground/apis/go/internal/store"
)

// User is the public view of a user.
type User struct {
	ID        int64     `json:"id"`
	Username  string    `json:"username"`
	CreatedAt timestamp `json:"created_at"`
}

// Account is a user's view of itself.
type Account struct {
	ID        int64     `json:"id"`
	Username  string    `json:"username"`
	Email     string    `json:"email"`
	CreatedAt timestamp `json:"created_at"`
}

// Author is the user within a post.
type Author struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// Post is a post with its author.
type Post struct {
	ID        int64     `json:"id"`
	Author    Author    `json:"author"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Version   int64     `json:"version"`
	CreatedAt timestamp `json:"created_at"`
	UpdatedAt timestamp `json:"updated_at"`
}

// Page is one page of posts, newest first.
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

// AccessToken is the answer to a login.
type AccessToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
}

// Readiness tells which services answer.
type Readiness struct {
	Postgres string `json:"postgres"`
	Redis    string `json:"redis"`
}

// timestamp is a time in UTC with milliseconds.
type timestamp time.Time

// AppendText implements encoding.TextAppender: MarshalText would allocate each.
func (t timestamp) AppendText(b []byte) ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z"), nil
}

// OfUser returns the public view of u.
func OfUser(u store.User) User {
	return User{ID: u.ID, Username: u.Username, CreatedAt: timestamp(u.CreatedAt)}
}

// OfAccount returns the view of u for u itself.
func OfAccount(u store.User) Account {
	return Account{ID: u.ID, Username: u.Username, Email: u.Email, CreatedAt: timestamp(u.CreatedAt)}
}

// OfPost returns the view of p.
func OfPost(p store.Post) Post {
	return Post{
		ID:        p.ID,
		Author:    Author{ID: p.AuthorID, Username: p.Author.Username},
		Title:     p.Title,
		Body:      p.Body,
		Version:   p.Version,
		CreatedAt: timestamp(p.CreatedAt),
		UpdatedAt: timestamp(p.UpdatedAt),
	}
}

// OfPage returns the view of the first limit posts. One post more tells that
// there is a next page.
func OfPage(posts []store.Post, limit int) Page {
	page := Page{Items: make([]Post, 0, min(len(posts), limit))}
	for _, p := range posts[:min(len(posts), limit)] {
		page.Items = append(page.Items, OfPost(p))
	}
	if len(posts) > limit {
		page.NextBefore = &posts[limit-1].ID
	}
	return page
}

// OfFile returns the view of f.
func OfFile(f store.File) File {
	return File{ID: f.ID, Filename: f.Filename, ContentType: f.ContentType, Size: f.Size, SHA256: f.SHA256}
}

// ETag is the strong entity tag of a post.
func ETag(p store.Post) string {
	b := make([]byte, 0, 44)
	b = append(b, '"')
	b = strconv.AppendInt(b, p.ID, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, p.Version, 10)
	return string(append(b, '"'))
}

// Encode returns the JSON of a document of this package.
func Encode(document any) ([]byte, error) { return json.Marshal(document) }
