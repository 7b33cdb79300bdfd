package httpserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// start serves handler until the test ends and returns its address.
func start(t *testing.T, handler http.Handler, bodyIdleTimeout time.Duration) string {
	t.Helper()
	return startWith(t, guard{next: handler, bodyIdleTimeout: bodyIdleTimeout, writeTimeout: writeTimeout})
}

// startWith is start with both time-outs of g.
func startWith(t *testing.T, g guard) string {
	t.Helper()
	server := New(g.next, slog.New(slog.DiscardHandler))
	server.Handler = g
	server.WriteTimeout = g.writeTimeout
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// exchange sends octets and returns the statuses of the answers until the
// server closes, and whether it did.
func exchange(t *testing.T, address, octets string, within time.Duration) (statuses []int, closed bool) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, octets); err != nil {
		t.Fatal(err)
	}
	if err := connection.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses, !errors.Is(err, os.ErrDeadlineExceeded)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, response.StatusCode)
	}
}

// echo reads the body only where the path says so.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/read" {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

const timeout = 300 * time.Millisecond

func TestConnections(t *testing.T) {
	address := start(t, http.HandlerFunc(echo), timeout)
	chunked := "POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	next := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, tt := range map[string]struct {
		octets   string
		statuses []int
		closed   bool
	}{
		"pipelined":            {next + next, []int{204, 204}, false},
		"body read":            {"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + next, []int{204, 204}, false},
		"body left":            {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + next, []int{204}, true},
		"body left and stops":  {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", []int{204}, true},
		"body read, and stops": {"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", []int{408}, true},
		"chunked":              {chunked + "\r\n3\r\nabc\r\n0\r\n\r\n", []int{204}, true},
		"both lengths":         {chunked + "Content-Length: 4\r\n\r\n0\r\n\r\n" + next, []int{204}, true},
		"absolute form":        {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" + next, []int{400}, true},
		"asterisk":             {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + next, []int{400}, true},
		"CONNECT":              {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + next, []int{400}, true},
		"CONNECT with a path":  {"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n" + next, []int{400}, true},
		"16 KiB head":          {"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 16<<10-32) + "\r\n\r\n", []int{204}, false},
		"head over 20 KiB":     {"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", []int{431}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			statuses, closed := exchange(t, address, tt.octets, 4*timeout)
			if fmt.Sprint(statuses) != fmt.Sprint(tt.statuses) || closed != tt.closed {
				t.Errorf("answers %v, closed %t; want %v, %t", statuses, closed, tt.statuses, tt.closed)
			}
		})
	}
}

func TestAnswerDoesNotWaitForABodyThatIsLeft(t *testing.T) {
	address := start(t, http.HandlerFunc(echo), time.Minute)
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
	} {
		if statuses, _ := exchange(t, address, request, timeout); fmt.Sprint(statuses) != "[204]" {
			t.Errorf("%q: answers %v, want one 204", request, statuses)
		}
	}
}

func TestSteadyBodyMayTakeLong(t *testing.T) {
	address := start(t, http.HandlerFunc(echo), timeout)
	body, octets := io.Pipe()
	go func() {
		for range 6 {
			time.Sleep(timeout / 3)
			io.WriteString(octets, "x")
		}
		octets.Close()
	}()
	request, err := http.NewRequest(http.MethodPost, "http://"+address+"/read", body)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = 6
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", response.StatusCode)
	}
}

// A deadline left behind would end the request's context while it is handled.
func TestHandlerMayTakeLongerThanABody(t *testing.T) {
	done := make(chan error, 1)
	address := start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			done <- err
			return
		}
		select {
		case <-r.Context().Done():
			done <- r.Context().Err()
		case <-time.After(2 * timeout):
			done <- nil
		}
	}), timeout)
	exchange(t, address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 3*timeout)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTimeToTakeAnAnswerBeginsWithIt(t *testing.T) {
	address := startWith(t, guard{
		next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * timeout)
			w.WriteHeader(http.StatusNoContent)
		}),
		bodyIdleTimeout: timeout,
		writeTimeout:    timeout,
	})
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
	} {
		if statuses, _ := exchange(t, address, request, 4*timeout); fmt.Sprint(statuses) != "[204]" {
			t.Errorf("%q: answers %v, want one 204", request, statuses)
		}
	}
}

func TestClientThatTakesNothingIsCutOff(t *testing.T) {
	took := make(chan time.Duration, 1)
	address := startWith(t, guard{
		next: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			began := time.Now()
			w.WriteHeader(http.StatusOK)
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					took <- time.Since(began)
					return
				}
			}
		}),
		writeTimeout: timeout,
	})
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-took:
		if got < timeout/2 {
			t.Errorf("after %v", got)
		}
	case <-time.After(10 * timeout):
		t.Fatal("is waited for")
	}
}

func TestServeFinishesWhatIsInFlight(t *testing.T) {
	for name, tt := range map[string]struct {
		takes   time.Duration
		drained bool
		status  string
	}{
		"in time":  {timeout, true, "[204]"},
		"too long": {10 * timeout, false, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered := make(chan struct{})
			server := New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(entered)
				time.Sleep(tt.takes)
				w.WriteHeader(http.StatusNoContent)
			}), slog.New(slog.DiscardHandler))
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			type result struct {
				drained bool
				err     error
			}
			ended := make(chan result, 1)
			go func() {
				drained, err := serve(ctx, server, listener, 3*timeout)
				ended <- result{drained, err}
			}()
			statuses := make(chan []int, 1)
			go func() {
				got, _ := exchange(t, listener.Addr().String(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 20*timeout)
				statuses <- got
			}()
			<-entered
			stop()
			if got := <-ended; got != (result{tt.drained, nil}) {
				t.Errorf("serve = %+v, want drained %t", got, tt.drained)
			}
			if got := <-statuses; fmt.Sprint(got) != tt.status {
				t.Errorf("answers %v, want %s", got, tt.status)
			}
			if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
				t.Error("still accepts")
			}
		})
	}
}
