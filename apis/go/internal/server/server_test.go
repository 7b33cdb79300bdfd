package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestStopFinishesWhatIsInFlight(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()

	const clients = 20
	entered, finish := make(chan struct{}, clients), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-finish
		}
		w.WriteHeader(http.StatusNoContent)
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	log := slog.New(slog.DiscardHandler)
	server := New(address, handler, log)
	CloseUnused(server)
	go func() { ended <- Run(ctx, server, log) }()

	get := func(path string) int {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			return 0
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for get("/") != http.StatusNoContent { // its connection stays idle
		time.Sleep(10 * time.Millisecond)
	}
	statuses := make(chan int)
	for range clients {
		go func() { statuses <- get("/slow") }()
	}
	for range clients {
		<-entered
	}
	unused, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	stop()
	select {
	case <-ended:
		t.Error("ended before the requests did")
	case <-time.After(400 * time.Millisecond):
	}
	close(finish)
	for range clients {
		if status := <-statuses; status != http.StatusNoContent {
			t.Errorf("status %d", status)
		}
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * time.Second):
		t.Error("a connection without a request delays the end")
	}
}

func TestAddressInUseIsAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	log := slog.New(slog.DiscardHandler)
	if err := Run(t.Context(), New(listener.Addr().String(), http.NotFoundHandler(), log), log); err == nil {
		t.Error("no error")
	}
}
