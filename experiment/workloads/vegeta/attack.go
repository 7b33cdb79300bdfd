package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// attack sends the targets in their order, from the first again after the last, each when it is due.
//
// There are as many workers as connections: a request that finds none free waits, and its wait counts as latency.
// Requests that were due in the window are sent for one timeout after its end. Otherwise a stall at the end would show
// in fewer requests than were due in it, and no latency would have the longest waits.
func attack(targets []vegeta.Target, pace *schedule, connections int, timeout time.Duration) *tally {
	transport := &countingTransport{timeout: timeout}
	transport.inner = &http.Transport{
		DialContext:         transport.dial,
		MaxIdleConnsPerHost: connections,
		MaxConnsPerHost:     connections,
		// Go asks for gzip unless told not to, and wrk doesn't.
		DisableCompression: true,
	}
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.Workers(uint64(connections)),
		vegeta.MaxWorkers(uint64(connections)),
		vegeta.MaxBody(0),
	)
	var sent atomic.Uint64
	next := func(target *vegeta.Target) error {
		*target = targets[(sent.Add(1)-1)%uint64(len(targets))]
		return nil
	}
	seen := newTally()
	window := time.Duration(pace.seconds) * time.Second
	for result := range attacker.Attack(next, pace, window+timeout, "") {
		sent := pace.offset(result.Timestamp)
		seen.add(result, sent-pace.due(result.Seq), sent <= window)
	}
	seen.EndedNs = monotonicNs()
	seen.StartedNs = pace.startedNs()
	seen.Rate, seen.DurationSeconds = pace.rate, pace.seconds
	seen.ConnectionsOpened = transport.opened.Load()
	return seen
}

// countingTransport counts the connections that were opened, gives up answers that take too long, and sends no header
// field that vegeta adds. http.Client's own timeout would cost a goroutine and a timer for each request.
type countingTransport struct {
	inner   *http.Transport
	timeout time.Duration
	dialer  net.Dialer
	opened  atomic.Int64
}

func (t *countingTransport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := t.dialer.DialContext(ctx, network, address)
	if err == nil {
		t.opened.Add(1)
	}
	return connection, err
}

// RoundTrip implements http.RoundTripper. The header is vegeta's copy for this one request.
func (t *countingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	delete(request.Header, "X-Vegeta-Seq")
	limited, cancel := context.WithTimeout(request.Context(), t.timeout)
	response, err := t.inner.RoundTrip(request.WithContext(limited))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &limitedBody{response.Body, cancel}
	return response, nil
}

// limitedBody ends its time limit when it is closed.
type limitedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *limitedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
