package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// serve answers on loopback, and gives the server's address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func targetsAt(t *testing.T, host, frames string) []vegeta.Target {
	t.Helper()
	targets, err := readTargets(fileOf(t, frames), host, map[string]string{"42": "secret"}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return targets
}

func percentile(counted histogram, share float64) time.Duration {
	total := int64(0)
	for _, count := range counted {
		total += count
	}
	seen := int64(0)
	for _, value := range slices.Sorted(maps.Keys(counted)) {
		if seen += counted[value]; float64(seen) >= share*float64(total) {
			return time.Duration(value) * time.Microsecond
		}
	}
	return 0
}

func TestTheFileIsReplayedInItsOrderOverAndOverAtTheGivenRate(t *testing.T) {
	var seen []string
	var mutex sync.Mutex
	host := serve(t, func(_ http.ResponseWriter, request *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		seen = append(seen, request.RequestURI)
	})
	var frames string
	for number := range 7 {
		frames += frameOf(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: {host}\r\n\r\n", number), "")
	}
	// One connection, so that the server sees the order in which they were sent.
	found := attack(targetsAt(t, host, frames), &schedule{rate: 50, seconds: 1}, 1, 2*time.Second)
	if found.Requests != 50 || len(seen) != 50 || found.Statuses["GET"]["200"] != 50 {
		t.Fatalf("%d requests, %d seen, %v", found.Requests, len(seen), found.Statuses)
	}
	// On a machine that is busy one or two leave late; at another rate nearly all do.
	if found.SentInWindow < 40 {
		t.Errorf("%d of 50 were sent in the window", found.SentInWindow)
	}
	for number, path := range seen {
		if path != fmt.Sprintf("/%d", number%7) {
			t.Fatalf("request %d was %s", number, path)
		}
	}
	if found.ConnectionsOpened != 1 {
		t.Errorf("%d connections", found.ConnectionsOpened)
	}
	// The last is due 20 ms before the window's end.
	if took := time.Duration(found.EndedNs - found.StartedNs); took < 980*time.Millisecond || took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestARequestGoesOverTheWireAsWrkSendsIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	seen := make(chan string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		data := make([]byte, 4096)
		count, _ := connection.Read(data)
		seen <- string(data[:count])
		_, _ = io.WriteString(connection, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}()
	host := listener.Addr().String()
	found := attack(targetsAt(t, host, frameOf(postHead, postBody)), &schedule{rate: 1, seconds: 1}, 1, 2*time.Second)
	want := "POST /api/posts HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 9\r\nAuthorization: Bearer secret\r\n" +
		"Content-Type: application/json\r\n\r\n" + postBody
	if got := <-seen; got != want {
		t.Errorf("%q", got)
	}
	if found.Statuses["POST"]["302"] != 1 {
		t.Errorf("a redirect was followed: %v", found.Statuses)
	}
}

// stalling answers at once, except in the time from its 300th to its 600th millisecond.
func stalling(t *testing.T) string {
	var once sync.Once
	var began time.Time
	return serve(t, func(http.ResponseWriter, *http.Request) {
		once.Do(func() { began = time.Now() })
		if since := time.Since(began); since > 300*time.Millisecond && since < 600*time.Millisecond {
			time.Sleep(600*time.Millisecond - since)
		}
	})
}

func TestAStallIsMetByAllThatWereDueMeanwhile(t *testing.T) {
	// Also where all connections are stuck: what waits for one has been due all the same.
	for _, connections := range []int{100, 2} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			frames := frameOf(getHead, "")
			found := attack(targetsAt(t, stalling(t), frames), &schedule{rate: 200, seconds: 2}, connections, 2*time.Second)
			if found.Requests != 400 || found.Errors != (errorCounts{}) {
				t.Fatalf("%d requests, %+v", found.Requests, found.Errors)
			}
			// 60 of 400 were due in the stall: p99 is one of the four that waited longest.
			if p99 := percentile(found.Latency, 0.99); p99 < 250*time.Millisecond || p99 > time.Second {
				t.Errorf("p99 is %s", p99)
			}
			if p50 := percentile(found.Latency, 0.5); p50 > 200*time.Millisecond {
				t.Errorf("p50 is %s", p50)
			}
		})
	}
}

func TestAStallAtTheEndIsMetByAllThatWereDueInIt(t *testing.T) {
	var once sync.Once
	var began time.Time
	host := serve(t, func(http.ResponseWriter, *http.Request) {
		once.Do(func() { began = time.Now() })
		if since := time.Since(began); since > 700*time.Millisecond && since < 1500*time.Millisecond {
			time.Sleep(1500*time.Millisecond - since)
		}
	})
	// Both connections are stuck before the window's end: 30 requests are due that none can send within it.
	found := attack(targetsAt(t, host, frameOf(getHead, "")), &schedule{rate: 100, seconds: 1}, 2, 2*time.Second)
	if found.Requests != 100 || found.SentInWindow > 75 || found.Errors != (errorCounts{}) {
		t.Errorf("%d requests, %d of them in the window, %+v", found.Requests, found.SentInWindow, found.Errors)
	}
	if p90 := percentile(found.Latency, 0.9); p90 < 500*time.Millisecond {
		t.Errorf("p90 is %s", p90)
	}
}

func TestARateThatTheServerCannotTakeIsMissed(t *testing.T) {
	host := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) })
	// Two connections answer 20 a second at most, in two seconds and one more for what is late.
	found := attack(targetsAt(t, host, frameOf(getHead, "")), &schedule{rate: 100, seconds: 2}, 2, time.Second)
	if found.SentInWindow < 10 || found.SentInWindow > 45 || found.Requests < found.SentInWindow || found.Requests > 65 {
		t.Errorf("%d requests, %d of them in the window", found.Requests, found.SentInWindow)
	}
	if late := percentile(found.Lateness, 1); late < time.Second {
		t.Errorf("at most %s late", late)
	}
}

func TestWhatIsNotAnsweredIsCountedByItsCause(t *testing.T) {
	hanging := make(chan struct{})
	t.Cleanup(func() { close(hanging) })
	host := serve(t, func(writer http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/slowly" {
			// The head comes in time, the body doesn't.
			writer.Header().Set("Content-Length", "2")
			writer.WriteHeader(http.StatusOK)
			writer.(http.Flusher).Flush()
		}
		if request.URL.Path != "/cut" {
			select {
			case <-hanging:
			case <-request.Context().Done():
			}
		} else {
			panic(http.ErrAbortHandler)
		}
	})
	frames := frameOf("GET /hang HTTP/1.1\r\nHost: {host}\r\n\r\n", "") + frameOf(
		"POST /cut HTTP/1.1\r\nHost: {host}\r\n\r\n", "") + frameOf("GET /slowly HTTP/1.1\r\nHost: {host}\r\n\r\n", "")
	found := attack(targetsAt(t, host, frames), &schedule{rate: 12, seconds: 1}, 20, time.Second)
	if found.Requests != 12 || found.Errors != (errorCounts{Timeout: 8, Other: 4}) || len(found.Latency) != 0 {
		t.Errorf("%d requests, %+v, %v", found.Requests, found.Errors, found.Latency)
	}
	if found.FirstError == nil {
		t.Error("no error is reported")
	}
}
