package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func frameOf(head, body string) string {
	return fmt.Sprintf("%d %d\n%s%s\n", len(head), len(body), head, body)
}

const (
	getHead  = "GET /api/posts?before=7 HTTP/1.1\r\nHost: {host}\r\n\r\n"
	postHead = "POST /api/posts HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token:42}\r\n" +
		"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n"
	// A body may hold anything, and what looks like a place for a token is left as it is.
	postBody = "{token:4\n"
)

func TestTargetsAreTheRequestsOfTheFileInItsOrder(t *testing.T) {
	path := fileOf(t, frameOf(getHead, "")+frameOf(postHead, postBody))
	targets, err := readTargets(path, "127.0.0.1:8080", map[string]string{"42": "secret"}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(targets) != 2 {
		t.Fatalf("%d targets", len(targets))
	}
	get, post := targets[0], targets[1]
	if get.Method != "GET" || get.URL != "http://127.0.0.1:8080/api/posts?before=7" || len(get.Body) != 0 {
		t.Errorf("%+v", get)
	}
	if post.Method != "POST" || post.URL != "http://127.0.0.1:8080/api/posts" || string(post.Body) != postBody {
		t.Errorf("%+v", post)
	}
	if got := post.Header.Get("Authorization"); got != "Bearer secret" {
		t.Errorf("Authorization: %s", got)
	}
}

func TestGeneratorsThatTakeTurnsHaveEachRequestOnce(t *testing.T) {
	const count, parts = 7, 3
	text := ""
	for number := range count {
		text += frameOf(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: {host}\r\n\r\n", number), "")
	}
	path := fileOf(t, text)
	for part := range parts {
		targets, err := readTargets(path, "127.0.0.1:8080", nil, part, parts)
		if err != nil {
			t.Fatal(err)
		}
		for place, target := range targets {
			if want := fmt.Sprintf("http://127.0.0.1:8080/%d", place*parts+part); target.URL != want {
				t.Errorf("%s instead of %s", target.URL, want)
			}
		}
		if want := (count - part + parts - 1) / parts; len(targets) != want {
			t.Errorf("%d targets of part %d instead of %d", len(targets), part, want)
		}
	}
	if _, err := readTargets(path, "127.0.0.1:8080", nil, count, count+1); err == nil {
		t.Error("a part without a request was taken")
	}
}

func TestDamagedFilesAreRefusedByTheByte(t *testing.T) {
	whole := frameOf(getHead, "")
	for name, damaged := range map[string]struct{ text, message string }{
		"no frame":     {whole + "garbage\n", fmt.Sprintf("has no frame at byte %d", len(whole))},
		"cut off":      {whole + whole[:len(whole)-1], fmt.Sprintf("is cut off or damaged at byte %d", len(whole))},
		"wrong length": {"9" + whole, "is cut off or damaged at byte 0"},
		"negative":     {"-1 0\n", "has no frame at byte 0"},
		"no token":     {frameOf(postHead, postBody), "at byte 0: there is no token for user 42"},
		"another body": {frameOf(strings.ReplaceAll(postHead, "Bearer {token:42}", "x"), "short"), "Content-Length is 9, but the body has 5 bytes"},
		"nothing":      {"", "has no request"},
		"no HTTP":      {frameOf("hello\r\n\r\n", ""), "at byte 0: malformed HTTP request"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readTargets(fileOf(t, damaged.text), "127.0.0.1:8080", nil, 0, 1)
			if err == nil || !strings.Contains(err.Error(), damaged.message) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestATokenFileWithoutTokensIsRefusedAndNotTold(t *testing.T) {
	tokens, err := readTokens(fileOf(t, "1 one\n22 two\n"))
	if err != nil || len(tokens) != 2 || tokens["22"] != "two" {
		t.Errorf("%v %v", tokens, err)
	}
	_, err = readTokens(fileOf(t, "1 one\nsecret\n"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}
