package store

import (
	"net"
	"testing"
	"time"
)

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
