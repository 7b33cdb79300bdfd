package httpserver

import (
	"io"
	"net/http"
	"time"
)

// guard adds to a handler what net/http leaves to it.
type guard struct {
	next http.Handler
	// bodyIdleTimeout is how long a body may stop arriving.
	bodyIdleTimeout time.Duration
	// writeTimeout is how long a client may take to read an answer.
	writeTimeout time.Duration
}

func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &answer{ResponseWriter: w, writeTimeout: g.writeTimeout}
	// Only targets in origin form are answered: not http://host/path, host:port
	// (CONNECT) or *.
	if r.RequestURI == "" || r.RequestURI[0] != '/' || r.Method == http.MethodConnect {
		w.Header().Set("Connection", "close")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.Body == http.NoBody {
		g.next.ServeHTTP(w, r)
		return
	}
	g.serveWithBody(w, r)
}

func (g guard) serveWithBody(w http.ResponseWriter, r *http.Request) {
	body := &idleLimitedBody{
		ReadCloser:  r.Body,
		idleTimeout: g.bodyIdleTimeout,
		connection:  http.NewResponseController(w),
		header:      w.Header(),
		chunked:     len(r.TransferEncoding) != 0,
	}
	// Until the body was read to its end, an answer closes the connection: else
	// net/http would wait for the rest of the body before it sends the answer.
	body.header.Set("Connection", "close")
	// The deadline also bounds what net/http still reads of such a body.
	if err := body.extendDeadline(); err != nil {
		panic(http.ErrAbortHandler) // the connection is gone
	}
	// A copy, since net/http looks at the request that it made for its own body.
	guarded := *r
	guarded.Body = body
	g.next.ServeHTTP(w, &guarded)
}

// answer gives the client its time from where the answer begins. The server's
// WriteTimeout begins with the request: that is for what net/http writes itself,
// a 100 Continue or the refusal of a head. What a request waits for, a queue of
// hashes or a statement, may take longer.
type answer struct {
	http.ResponseWriter
	writeTimeout time.Duration
}

func (a *answer) WriteHeader(status int) {
	// It fails only on a connection that is closed, which the write then tells.
	_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(a.writeTimeout))
	a.ResponseWriter.WriteHeader(status)
}

// WriteString spares the copy that io.WriteString makes for other writers.
func (a *answer) WriteString(s string) (int, error) {
	return io.WriteString(a.ResponseWriter, s)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// idleLimitedBody lets each read take idleTimeout, instead of giving the
// whole body one deadline.
type idleLimitedBody struct {
	io.ReadCloser
	idleTimeout time.Duration
	connection  *http.ResponseController
	header      http.Header
	chunked     bool
}

func (b *idleLimitedBody) Read(p []byte) (int, error) {
	if err := b.extendDeadline(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	// net/http drops a Content-Length that comes with Transfer-Encoding without
	// telling. RFC 9112, section 6.3, wants the connection closed then, lest
	// smuggled bytes be taken for a request.
	if err == io.EOF && !b.chunked {
		b.header.Del("Connection")
	}
	return n, err
}

func (b *idleLimitedBody) extendDeadline() error {
	return b.connection.SetReadDeadline(time.Now().Add(b.idleTimeout))
}
