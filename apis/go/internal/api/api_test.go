package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"fairground/apis/go/internal/logging"
	"fairground/apis/go/internal/password"
	"fairground/apis/go/internal/postcache"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/token"
	"fairground/apis/go/internal/upload"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// fixture is the API with PostgreSQL and Redis away: what it answers before it
// needs either, and how it fails. The contract's checks have the rest.
type fixture struct {
	handler http.Handler
	token   string
	log     *bytes.Buffer
	uploads string
}

func newFixture(t *testing.T, level slog.Level) fixture {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	database, err := pgx.ParseConfig("postgres://user:hunter2@" + away + "/name")
	if err != nil {
		t.Fatal(err)
	}
	posts, err := store.Open(database, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{log: new(bytes.Buffer), uploads: t.TempDir()}
	log := logging.New(f.log, level)
	cache := postcache.New(&redis.Options{Addr: away}, log)
	uploads, err := upload.OpenDirectory(f.uploads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { posts.Close(); cache.Close(); uploads.Close() })
	tokens := token.NewAuthority([]byte(strings.Repeat("s", 32)), time.Now)
	if f.token, err = tokens.Issue(token.User{ID: 7, Name: "alice"}); err != nil {
		t.Fatal(err)
	}
	f.handler = New(Services{
		Store: posts, Cache: cache, Hasher: password.NewHasher(1), Tokens: tokens, Uploads: uploads, Log: log,
	})
	return f
}

func (f fixture) do(method, target, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func (f fixture) headers(values ...string) http.Header {
	h := http.Header{}
	for pair := range slices.Chunk(values, 2) {
		h.Add(pair[0], strings.ReplaceAll(pair[1], "TOKEN", f.token))
	}
	return h
}

func TestEveryPathTakesItsMethodsOnly(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	const all = "DELETE GET HEAD OPTIONS PATCH POST PUT TRACE get FOO"
	for path, allow := range map[string]string{
		"/healthz":                       "GET, HEAD",
		"/readyz":                        "GET, HEAD",
		"/api/users":                     "POST",
		"/api/users/me":                  "GET, HEAD",
		"/api/users/1":                   "GET, HEAD",
		"/api/auth/login":                "POST",
		"/api/posts":                     "GET, HEAD, POST",
		"/api/posts/9223372036854775807": "DELETE, GET, HEAD, PUT",
		"/api/posts/1?x=/":               "DELETE, GET, HEAD, PUT",
		"/api/files":                     "POST",
		"/api/files/1":                   "GET, HEAD",
	} {
		for method := range strings.SplitSeq(all, " ") {
			w := f.do(method, path, "", nil)
			taken := slices.Contains(strings.Split(allow, ", "), method)
			if taken == (w.Code == http.StatusMethodNotAllowed) || w.Code == http.StatusNotFound {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
			if got := w.Header().Get("Allow"); !taken && got != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got, allow)
			}
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	for _, path := range []string{
		"/", "//", "/api", "/api/", "/API/posts", "/Healthz", "/healthz/", "//healthz", "/./healthz", "/api/../healthz", "/healthz%2f",
		"/api/users/", "/api/users/0", "/api/users/Me", "/api/users/me/", "/api/users/:id", "/api/users/1/posts", "/api/users/1/",
		"/api/posts/", "/api/posts/01", "/api/posts/+1", "/api/posts/-1", "/api/posts/1.0", "/api/posts/abc", "/api/posts/me",
		"/api/posts/9223372036854775808", "/api/posts/%31", "/api/p%6fsts", "/api%2Fposts", "/api/posts/1%20", "/api/posts//1",
		"/api/files/", "/api/files/0", "/api/files/../posts", "/api/auth", "/api/auth/login/", "/api/auth/1", "/1",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
			w := f.do(method, path, "", nil)
			if w.Code != http.StatusNotFound || w.Header().Get("Allow") != "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: status %d, headers %v", method, path, w.Code, w.Header())
			}
			if !strings.Contains(w.Body.String(), "There is nothing at this path.") {
				t.Errorf("%s %s: %s", method, path, w.Body)
			}
		}
	}
}

func TestChecksComeInTheirOrder(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	const (
		post  = `{"title":"t","body":"b"}`
		large = 64<<10 + 1
	)
	authorized := f.headers("Authorization", "Bearer TOKEN", "Content-Type", "application/json")
	for _, tt := range []struct {
		method, path, body string
		header             http.Header
		status             int
		detail             string
	}{
		{"POST", "/api/posts", "{", nil, 401, "A valid access token is required."},
		{"POST", "/api/posts", post, f.headers("Authorization", "Bearer", "Content-Type", "application/json"), 401, "A valid access token"},
		{"POST", "/api/posts", post, f.headers("Authorization", "Basic TOKEN"), 401, "A valid access token"},
		{"POST", "/api/posts", post, f.headers("Authorization", "Bearer TOKEN", "Authorization", "Bearer TOKEN"), 401, "A valid access token"},
		{"POST", "/api/posts", strings.Repeat("x", large), f.headers("Authorization", "Bearer TOKEN"), 415, "must be application/json"},
		{"POST", "/api/posts", "", f.headers("Authorization", "bEARER   TOKEN"), 415, "must be application/json"},
		{"POST", "/api/posts", post, f.headers("Authorization", "Bearer TOKEN", "Content-Type", "application/jsonx"), 415, "must be application/json"},
		{"POST", "/api/posts", post, f.headers("Authorization", "Bearer TOKEN", "Content-Type", "application/json", "Content-Type", "application/json"), 415, "must be application/json"},
		{"POST", "/api/posts", strings.Repeat("x", large), authorized, 413, "at most 65536 bytes"},
		{"POST", "/api/posts", strings.Repeat("x", large-1), authorized, 400, "must be a JSON object"},
		{"POST", "/api/posts", `{"title":1}`, authorized, 400, "must be a JSON object"},
		{"POST", "/api/posts", `{"title":""}`, authorized, 422, `[{"field":"title","message":"must be 1 to 200 characters"},{"field":"body","message":"is required"}]`},
		{"POST", "/api/posts", post, authorized, 503, "not available at the moment"},
		{"PUT", "/api/posts/x", post, nil, 404, "nothing at this path"},
		{"PUT", "/api/posts/1", post, nil, 401, "A valid access token"},
		{"PUT", "/api/posts/1", "[]", authorized, 400, "must be a JSON object"},
		{"PUT", "/api/posts/1", post, authorized, 503, "not available"},
		{"DELETE", "/api/posts/1", "", nil, 401, "A valid access token"},
		{"DELETE", "/api/posts/1", "", authorized, 503, "not available"},
		{"POST", "/api/users", "{}", f.headers("Content-Type", " Application/JSON ;charset=x"), 422, `[{"field":"username","message":"is required"},{"field":"email","message":"is required"},{"field":"password","message":"is required"}]`},
		{"POST", "/api/auth/login", `{"password":null}`, f.headers("Content-Type", "application/json"), 422, `[{"field":"email","message":"is required"},{"field":"password","message":"is required"}]`},
		{"POST", "/api/auth/login", `{"email":"a@b","password":"12345678"}`, f.headers("Content-Type", "application/json"), 503, "not available"},
		{"GET", "/api/users/me", "", nil, 401, "A valid access token"},
		{"GET", "/api/users/me", "", authorized, 503, "not available"},
		{"GET", "/api/posts?limit=x", "", nil, 422, `[{"field":"limit","message":"must be an integer from 1 to 100"}]`},
		{"GET", "/api/posts", "", nil, 503, "not available"},
		{"GET", "/api/posts/1", "", nil, 503, "not available"},
		{"POST", "/api/files", "", nil, 401, "A valid access token"},
		{"POST", "/api/files", strings.Repeat("x", upload.MaxBodyBytes+1), authorized, 415, "must be multipart/form-data"},
		{"POST", "/api/files", strings.Repeat("x", upload.MaxBodyBytes+1), f.headers("Authorization", "Bearer TOKEN", "Content-Type", "multipart/form-data"), 413, "at most 2097152 bytes"},
		{"POST", "/api/files", "", f.headers("Authorization", "Bearer TOKEN", "Content-Type", "multipart/form-data"), 400, "exactly one file"},
		{"POST", "/api/files", "", f.headers("Authorization", "Bearer TOKEN", "Content-Type", "multipart/form-data; boundary="+strings.Repeat("b", 71)), 400, "exactly one file"},
		{"POST", "/api/files", uploaded, f.headers("Authorization", "Bearer TOKEN", "Content-Type", `multipart/form-data; boundary="B"`), 503, "not available"},
		{"GET", "/api/files/1", "", nil, 503, "not available"},
	} {
		w := f.do(tt.method, tt.path, tt.body, tt.header)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.detail) {
			t.Errorf("%s %s %.60q: %d %s; want %d %s", tt.method, tt.path, tt.body, w.Code, w.Body, tt.status, tt.detail)
		}
		if want := fmt.Sprint(w.Body.Len()); w.Header().Get("Content-Length") != want || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: headers %v", tt.method, tt.path, w.Header())
		}
		if got := w.Header().Get("WWW-Authenticate"); (got == "Bearer") != (tt.status == 401) {
			t.Errorf("%s %s: WWW-Authenticate is %q", tt.method, tt.path, got)
		}
	}
	if entries, err := os.ReadDir(f.uploads); err != nil || len(entries) != 0 {
		t.Errorf("left in the upload directory: %v, %v", entries, err)
	}
	if n := strings.Count(f.log.String(), "service unavailable"); n < 1 || n > 3 {
		t.Errorf("%d lines for ten times 503:\n%s", n, f.log)
	}
	if strings.Contains(f.log.String(), "hunter2") || strings.Contains(f.log.String(), f.token) {
		t.Errorf("a secret is in the log:\n%s", f.log)
	}
}

const uploaded = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n%PDF-1\r\n--B--\r\n"

func TestHealth(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	for path, want := range map[string]string{
		"/healthz": `200 {"status":"ok"}`,
		"/readyz":  `503 {"postgres":"down","redis":"down"}`,
	} {
		w := f.do("GET", path, "", nil)
		if got := fmt.Sprint(w.Code, " ", w.Body); got != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s, %v; want %s", path, got, w.Header(), want)
		}
	}
}

func TestOutageIsLoggedWithItsCause(t *testing.T) {
	for _, path := range []string{"/readyz", "/api/users/1"} {
		f := newFixture(t, slog.LevelWarn)
		for range 2 {
			if w := f.do("GET", path, "", nil); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d", path, w.Code)
			}
		}
		log := f.log.String()
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"level":"error"`) || !strings.Contains(log, "connection refused") {
			t.Errorf("%s twice in a second, logged:\n%s", path, log)
		}
	}
}

func TestClientThatHasGoneIsNoOutage(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, path := range []string{"/readyz", "/api/users/1", "/api/posts/1"} {
		f.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", path, nil))
	}
	if f.log.Len() != 0 {
		t.Errorf("logged:\n%s", f.log)
	}
}

func TestRequestsAreLoggedAtInfo(t *testing.T) {
	f := newFixture(t, slog.LevelInfo)
	f.do("GET", "/healthz?secret=1", "", nil)
	f.do("POST", "/api/nothing%20here", "", nil)
	var lines []string
	for line := range strings.Lines(f.log.String()) {
		var l struct {
			Level, Message, Method, Path string
			Status                       int
			Duration                     *float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Duration == nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, fmt.Sprint(l.Level, " ", l.Message, " ", l.Method, " ", l.Path, " ", l.Status))
	}
	want := []string{"info request GET /healthz 200", "info request POST /api/nothing%20here 404"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

func TestPanicIsA500(t *testing.T) {
	var log bytes.Buffer
	a := &api{log: logging.New(&log, slog.LevelWarn)}
	engine := gin.New()
	engine.Use(noSniff, a.recoverPanic)
	engine.GET("/", func(*gin.Context) { panic("broken") })
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 500 || strings.Contains(string(body), "broken") {
		t.Errorf("status %d, %s, %v", w.Code, body, err)
	}
	if !strings.Contains(log.String(), "broken") {
		t.Errorf("the log has no cause: %s", log.String())
	}
}
