package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

func TestAHistogramIsWrittenInRisingPairsBesideItsSums(t *testing.T) {
	counted := histogram{}
	for _, duration := range []time.Duration{1500, 1999, 70 * time.Millisecond, -5} {
		counted.add(duration)
	}
	written, err := json.Marshal(counted)
	if want := `{"count":4,"minimum_us":0,"maximum_us":70000,"histogram":[[0,1],[1,2],[70000,1]]}`; err != nil || string(written) != want {
		t.Errorf("%s %v", written, err)
	}
	written, err = json.Marshal(histogram{})
	if want := `{"count":0,"minimum_us":0,"maximum_us":0,"histogram":[]}`; err != nil || string(written) != want {
		t.Errorf("%s %v", written, err)
	}
}

func TestALatencyRunsFromWhenItsRequestWasDue(t *testing.T) {
	seen := newTally()
	seen.add(&vegeta.Result{Method: "GET", Code: 200, Latency: 3 * time.Millisecond}, 2*time.Millisecond, true)
	if seen.Latency[5000] != 1 || seen.Lateness[2000] != 1 || seen.Requests != 1 {
		t.Errorf("%+v", seen)
	}
}

func TestAnErrorIsInNoLatencyAndAStatusIsNoError(t *testing.T) {
	seen := newTally()
	for _, result := range []vegeta.Result{
		{Method: "GET", Code: 200},
		{Method: "POST", Code: 404, Error: "404 Not Found"},
		{Method: "GET", Error: `Get "http://x": context deadline exceeded`},
		{Method: "GET", Error: "dial tcp 127.0.0.1:1: i/o timeout"},
		{Method: "GET", Error: "EOF"},
		{Method: "POST", Code: 404, Error: "404 Not Found"},
	} {
		seen.add(&result, 0, result.Method == "GET")
	}
	if seen.Requests != 6 || seen.SentInWindow != 4 || seen.Latency[0] != 3 || seen.Lateness[0] != 6 {
		t.Errorf("%+v", seen)
	}
	if seen.Errors != (errorCounts{Timeout: 2, Other: 1}) || (*seen.FirstError)[:3] != "Get" {
		t.Errorf("%+v %v", seen.Errors, seen.FirstError)
	}
	if seen.Statuses["GET"]["200"] != 1 || seen.Statuses["POST"]["404"] != 2 {
		t.Errorf("%v", seen.Statuses)
	}
}

func TestTheResultAppearsWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "open-loop.json")
	if err := newTally().write(path); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
	if err := newTally().write(filepath.Join(path, "below")); err == nil {
		t.Error("a result below a file was written")
	}
}
