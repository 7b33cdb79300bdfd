package view

import (
	"testing"
	"time"

	"fairground/apis/go/internal/store"
)

func post(id int64) store.Post {
	return store.Post{
		ID: id, AuthorID: 2, Author: store.User{ID: 2, Username: "bob"}, Title: "t", Body: "b", Version: 3,
		CreatedAt: time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600)),
		UpdatedAt: time.Date(2026, 1, 31, 12, 0, 0, 120_000_000, time.UTC),
	}
}

const postJSON = `{"id":1,"author":{"id":2,"username":"bob"},"title":"t","body":"b","version":3,` +
	`"created_at":"2026-01-31T12:00:00.000Z","updated_at":"2026-01-31T12:00:00.120Z"}`

func TestEncode(t *testing.T) {
	user := store.User{ID: 1, Username: "alice", Email: "a@b", PasswordHash: "secret", CreatedAt: time.Unix(0, 0)}
	for _, tt := range []struct {
		document any
		want     string
	}{
		{OfPost(post(1)), postJSON},
		{OfUser(user), `{"id":1,"username":"alice","created_at":"1970-01-01T00:00:00.000Z"}`},
		{OfAccount(user), `{"id":1,"username":"alice","email":"a@b","created_at":"1970-01-01T00:00:00.000Z"}`},
		{OfPage(nil, 20), `{"items":[],"next_before":null}`},
		{OfPage([]store.Post{post(1)}, 1), `{"items":[` + postJSON + `],"next_before":null}`},
		{OfPage([]store.Post{post(1), post(7)}, 1), `{"items":[` + postJSON + `],"next_before":1}`},
		{
			OfFile(store.File{ID: 1, Filename: "a.png", ContentType: "image/png", Size: 9, SHA256: "00", StorageName: "secret"}),
			`{"id":1,"filename":"a.png","content_type":"image/png","size":9,"sha256":"00"}`,
		},
	} {
		got, err := Encode(tt.document)
		if err != nil || string(got) != tt.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
		}
	}
}

func TestStringsAreEscapedNoMoreThanNeeded(t *testing.T) {
	const text = "\"\\/\b\t\n\f\r\x00\x1f\x7f<>&'é\u2028\u2029😀"
	const want = `"\"\\/\b\t\n\f\r\u0000\u001f` + "\x7f<>&'é\u2028\u2029😀" + `"`
	if got, err := Encode(text); err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestETag(t *testing.T) {
	if got := ETag(post(9223372036854775807)); got != `"9223372036854775807-3"` {
		t.Errorf("got %s", got)
	}
}
