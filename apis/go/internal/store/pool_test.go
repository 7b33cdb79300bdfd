package store

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func newTestPool(t *testing.T, size int) pool {
	t.Helper()
	config, err := pgx.ParseConfig("postgres://user:password@127.0.0.1:1/name")
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(config, size)
	t.Cleanup(func() { p.db.Close() })
	return p
}

func TestAcquire(t *testing.T) {
	p := newTestPool(t, 1)
	free, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := free.Value(connectDeadline{}).(time.Time); ok {
		t.Error("who didn't wait has less time to connect")
	}

	waiting := time.Now()
	acquired := make(chan context.Context)
	go func() {
		ctx, err := p.acquire(t.Context())
		if err != nil {
			t.Error(err)
			ctx = t.Context()
		}
		acquired <- ctx
	}()
	select {
	case <-acquired:
		t.Fatal("two have the only slot")
	case <-time.After(50 * time.Millisecond):
	}
	p.release()
	deadline, ok := (<-acquired).Value(connectDeadline{}).(time.Time)
	if until := deadline.Sub(waiting); !ok || until < acquireTimeout || until > acquireTimeout+time.Second {
		t.Errorf("who waited may connect until %v after the beginning, want %v", until, acquireTimeout)
	}

	began := time.Now()
	if _, err := p.acquire(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("the wait ended with %v", err)
	}
	if waited := time.Since(began); waited < acquireTimeout || waited > acquireTimeout+time.Second {
		t.Errorf("waited %v", waited)
	}

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.acquire(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait ended with %v", err)
	}
}

func TestConnectEndsAtItsDeadline(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // connections are taken by the kernel, and nobody answers
	config, err := pgx.ParseConfig("postgres://user:password@" + listener.Addr().String() + "/name")
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(config, 1)
	defer p.db.Close()
	for name, tt := range map[string]struct {
		waited bool
		want   time.Duration
	}{
		"did not wait": {false, acquireTimeout},
		"waited":       {true, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, began := t.Context(), time.Now()
			if tt.waited {
				ctx = context.WithValue(ctx, connectDeadline{}, began.Add(tt.want))
			}
			if err := p.db.PingContext(ctx); !errors.Is(err, ErrUnavailable) {
				t.Errorf("ended with %v", err)
			}
			if took := time.Since(began); took < tt.want || took > tt.want+time.Second {
				t.Errorf("took %v, want %v", took, tt.want)
			}
		})
	}
}

// pair returns both ends of a connection.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestIsOpen(t *testing.T) {
	for name, tt := range map[string]struct {
		happens func(client, server net.Conn) error
		want    bool
	}{
		"idle":           {func(_, _ net.Conn) error { return nil }, true},
		"server closed":  {func(_, server net.Conn) error { return server.Close() }, false},
		"client closed":  {func(client, _ net.Conn) error { return client.Close() }, false},
		"server says so": {func(_, server net.Conn) error { _, err := server.Write([]byte("E")); return err }, false},
		"server resets": {func(_, server net.Conn) error {
			if err := server.(*net.TCPConn).SetLinger(0); err != nil {
				return err
			}
			return server.Close()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t)
			if err := tt.happens(client, server); err != nil {
				t.Fatal(err)
			}
			// What the server did takes its time to arrive.
			for deadline := time.Now().Add(5 * time.Second); isOpen(client) != tt.want; {
				if time.Now().After(deadline) {
					t.Fatalf("isOpen = %t", !tt.want)
				}
			}
		})
	}
}

func TestIsOpenDoesNotWaitForAReader(t *testing.T) {
	client, _ := pair(t)
	reading := make(chan struct{})
	go func() {
		close(reading)
		client.Read(make([]byte, 1)) // ends when the test closes it
	}()
	<-reading
	time.Sleep(20 * time.Millisecond) // until Read has blocked
	open := make(chan bool)
	go func() { open <- isOpen(client) }()
	select {
	case got := <-open:
		if !got {
			t.Error("isOpen = false")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("waits for the reader")
	}
}
