package api

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/redis/rueidis"

	"fairground/apis/go/internal/auth"
	"fairground/apis/go/internal/cache"
	"fairground/apis/go/internal/store"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// fixture is the API without PostgreSQL and Redis: what it answers before it
// needs them, and where it can't have them.
type fixture struct {
	handler http.Handler
	token   string
	log     *bytes.Buffer
}

func newFixture(t *testing.T, level slog.Level) fixture {
	t.Helper()
	config, err := pgx.ParseConfig("postgres://user:hunter2@127.0.0.1:1/name?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	database, err := store.Open(config, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	passwords, err := auth.NewPasswords(1)
	if err != nil {
		t.Fatal(err)
	}
	redis, err := cache.Open(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{log: new(bytes.Buffer)}
	log := slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: level}))
	a := &API{
		Store:     database,
		Cache:     redis,
		Tokens:    auth.NewTokens([]byte(strings.Repeat("s", 32))),
		Passwords: passwords,
		UploadDir: t.TempDir(),
		Log:       log,
	}
	if f.token, err = a.Tokens.Issue(auth.User{ID: 7, Name: "alice"}); err != nil {
		t.Fatal(err)
	}
	f.handler = a.Handler()
	return f
}

func (f fixture) do(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+f.token)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func TestWrongFieldsAreNamed(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	repeat := strings.Repeat
	for _, tt := range []struct {
		method, path, body string
		fields             []string // none: the rules hold, and PostgreSQL is away
	}{
		{"POST", "/api/users", `{}`, []string{"username", "email", "password"}},
		{"POST", "/api/users", `{"username":"A","email":"a","password":"1234567"}`, []string{"username", "email", "password"}},
		{"POST", "/api/users", `{"username":null,"email":"a@b.c","password":"12345678\u0000"}`, []string{"username", "password"}},
		{"POST", "/api/users", `{"username":"a_9","email":"A.b+c_d-e@x.example","password":"` + repeat("é", 36) + `"}`, nil},
		{"POST", "/api/users", `{"username":"` + repeat("a", 33) + `","email":"` + repeat("a", 249) + `@x.example","password":"` + repeat("é", 37) + `"}`, []string{"username", "email", "password"}},
		{"POST", "/api/auth/login", `{"email":1}`, []string{"400"}},
		{"POST", "/api/auth/login", `{"email":"a@b.c"}`, []string{"password"}},
		{"POST", "/api/posts", `null`, []string{"title", "body"}},
		{"POST", "/api/posts", `[]`, []string{"400"}},
		{"POST", "/api/posts", ``, []string{"400"}},
		{"POST", "/api/posts", `{"title":"` + repeat("😀", 200) + `","body":"` + repeat("é", 20000) + `"}`, nil},
		{"PUT", "/api/posts/1", `{"title":"` + repeat("😀", 201) + `","body":"` + repeat("é", 20001) + `"}`, []string{"title", "body"}},
		{"PUT", "/api/posts/1", `{"title":"\u0000","body":""}`, []string{"title", "body"}},
		{"GET", "/api/posts?limit=0&before=0", "", []string{"limit", "before"}},
		{"GET", "/api/posts?limit=101&before=", "", []string{"limit", "before"}},
		{"GET", "/api/posts?limit=", "", []string{"limit"}},
		{"GET", "/api/posts?limit=x", "", []string{"400"}},
		{"GET", "/api/posts?before=9223372036854775808", "", []string{"400"}},
		{"GET", "/api/posts?limit=100&before=9223372036854775807&x=y", "", nil},
	} {
		w := f.do(tt.method, tt.path, "application/json; charset=utf-8", tt.body)
		var answer problem
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, e := range answer.Errors {
			fields = append(fields, e.Field)
			if len(e.Message) < 10 {
				t.Errorf("%s %.60s: message %q of %s", tt.path, tt.body, e.Message, e.Field)
			}
		}
		want := 422
		switch {
		case slices.Equal(tt.fields, []string{"400"}):
			want, tt.fields = 400, nil
		case tt.fields == nil:
			want = 503
		}
		if w.Code != want || answer.Status != want || !slices.Equal(fields, tt.fields) {
			t.Errorf("%s %.60s: %d %s", tt.path, tt.body, w.Code, w.Body)
		}
	}
}

func TestErrorsBecomeProblems(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	const form = "multipart/form-data; boundary=B"
	for _, tt := range []struct {
		method, path, contentType, body string
		want                            int
	}{
		{"GET", "/nothing", "", "", 404},
		{"GET", "/api/posts/x", "", "", 404},
		{"GET", "/api/files/0", "", "", 404},
		{"GET", "/api/users/-1", "", "", 404},
		{"PUT", "/api/posts/0", "application/json", `{"title":"t","body":"b"}`, 404},
		{"DELETE", "/api/posts/-1", "", "", 404},
		{"GET", "/api/users/9223372036854775808", "", "", 404},
		{"PATCH", "/api/posts", "", "", 405},
		{"POST", "/api/posts", "text/plain", "{}", 415},
		{"POST", "/api/posts", "", "{}", 415},
		{"POST", "/api/posts", "Application/JSON", strings.Repeat(" ", maxJSON+1), 413},
		{"POST", "/api/posts", "application/json", `{"title":"t","body":"b"}` + strings.Repeat(" ", maxJSON), 413},
		{"POST", "/api/files", "multipart/mixed; boundary=B", "--B--\r\n", 415},
		{"POST", "/api/files", "multipart/form-data", "", 400},
		{"POST", "/api/files", form, "--B--\r\n", 400},
		{"POST", "/api/files", form, "--B\r\n", 400},
		{"DELETE", "/api/posts/1", "", "", 503},
		{"GET", "/api/users/me", "", "", 503},
	} {
		w := f.do(tt.method, tt.path, tt.contentType, tt.body)
		var answer problem
		err := json.Unmarshal(w.Body.Bytes(), &answer)
		if err != nil || w.Code != tt.want || answer.Status != tt.want || answer.Title == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %v %s", tt.method, tt.path, w.Code, w.Header(), w.Body)
		}
	}
	if strings.Contains(f.log.String(), "hunter2") || !strings.Contains(f.log.String(), "connection refused") {
		t.Errorf("logged:\n%s", f.log)
	}
	if lines := strings.Count(f.log.String(), "\n"); lines != 1 {
		t.Errorf("%d lines for two outages within a second:\n%s", lines, f.log)
	}
}

func TestFailureOfTheDiskIsNoFaultOfTheClient(t *testing.T) {
	for _, failure := range []error{&fs.PathError{Op: "write", Err: syscall.ENOSPC}, &os.LinkError{Op: "rename", Err: syscall.ENOSPC}} {
		if p := problemOf(&gin.Error{Err: failure, Type: gin.ErrorTypeBind}); p.Status != http.StatusInternalServerError {
			t.Errorf("%T: %d", failure, p.Status)
		}
	}
}

func TestRefusedLoginsHideNoOutage(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	f.handler.(*gin.Engine).GET("/busy", func(c *gin.Context) { fail(c, auth.ErrBusy) })
	for range 2 {
		f.do("GET", "/busy", "", "")
		f.do("GET", "/api/users/me", "", "")
	}
	log := f.log.String()
	if strings.Count(log, "\n") != 2 || !strings.Contains(log, auth.ErrBusy.Error()) || !strings.Contains(log, "connection refused") {
		t.Errorf("logged:\n%s", log)
	}
}

func TestTokenIsRequired(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	f.token += "x"
	for route, path := range map[string]string{
		"GET": "/api/users/me", "POST": "/api/posts", "PUT": "/api/posts/1", "DELETE": "/api/posts/1",
	} {
		w := f.do(route, path, "", "")
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s %s: %d %v", route, path, w.Code, w.Header())
		}
	}
}

func TestPanicIsLoggedWithoutItsValue(t *testing.T) {
	f := newFixture(t, slog.LevelWarn)
	f.handler.(*gin.Engine).GET("/panic", func(c *gin.Context) { panic("hunter2 of " + c.Query("q")) })
	w := f.do("GET", "/panic?q=client", "", "")
	if w.Code != http.StatusInternalServerError || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	log := f.log.String()
	if !strings.Contains(log, "panic of type string") || !strings.Contains(log, "api_test.go") ||
		strings.Contains(log, "hunter2") || strings.Contains(log+w.Body.String(), "client") {
		t.Errorf("logged:\n%s", log)
	}
}

func TestRequestsAreLoggedAtInfo(t *testing.T) {
	f := newFixture(t, slog.LevelInfo)
	f.do("GET", "/healthz?token=hunter2", "", "")
	f.do("POST", "/api/posts", "application/json", `hunter2`)
	log := f.log.String()
	for _, want := range []string{`"method":"GET","path":"/healthz","status":200`, `"method":"POST","path":"/api/posts","status":400`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s isn't in:\n%s", want, log)
		}
	}
	if strings.Contains(log, "hunter2") {
		t.Errorf("logged:\n%s", log)
	}
}
