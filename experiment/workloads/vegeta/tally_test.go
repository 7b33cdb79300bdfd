package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
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

// How vegeta itself merges the results of several attackers: it decodes their streams in turn, and adds each result to
// the same sums. What several generators counted is added up by the analysis instead, which comes to the same.
func TestTalliesAddUpToWhatVegetasOwnMergeCounts(t *testing.T) {
	parts := []*tally{newTally(), newTally()}
	streams := make([]vegeta.Decoder, len(parts))
	for number := range parts {
		var stream bytes.Buffer
		encode := vegeta.NewEncoder(&stream)
		for k := range 50 {
			result := vegeta.Result{Method: "GET", Code: 200, Latency: time.Duration(k*(number+1)) * 37 * time.Microsecond}
			if k%10 == 9 {
				result = vegeta.Result{Method: "GET", Error: "EOF"}
			}
			parts[number].add(&result, 0, true)
			if err := encode(&result); err != nil {
				t.Fatal(err)
			}
		}
		streams[number] = vegeta.NewDecoder(&stream)
	}
	merged, decode := newTally(), vegeta.NewRoundRobinDecoder(streams...)
	for {
		var result vegeta.Result
		if err := decode(&result); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		merged.add(&result, 0, true)
	}
	sum := maps.Clone(parts[0].Latency)
	for value, count := range parts[1].Latency {
		sum[value] += count
	}
	if !maps.Equal(merged.Latency, sum) || merged.Requests != 100 || merged.Errors.Other != 10 {
		t.Errorf("%v %v", merged.Latency, sum)
	}
	if merged.Statuses["GET"]["200"] != parts[0].Statuses["GET"]["200"]+parts[1].Statuses["GET"]["200"] {
		t.Errorf("%v", merged.Statuses)
	}
}
