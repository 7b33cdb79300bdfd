package main

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// histogram counts durations by the whole microsecond.
type histogram map[int64]int64

func (h histogram) add(duration time.Duration) { h[max(duration, 0).Microseconds()]++ }

// MarshalJSON writes pairs of (microseconds, count) in rising order, with their sum, minimum and maximum.
func (h histogram) MarshalJSON() ([]byte, error) {
	written := struct {
		Count     int64      `json:"count"`
		MinimumUs int64      `json:"minimum_us"`
		MaximumUs int64      `json:"maximum_us"`
		Histogram [][2]int64 `json:"histogram"`
	}{Histogram: [][2]int64{}}
	for _, value := range slices.Sorted(maps.Keys(h)) {
		written.Count += h[value]
		written.Histogram = append(written.Histogram, [2]int64{value, h[value]})
	}
	if last := len(written.Histogram) - 1; last >= 0 {
		written.MinimumUs, written.MaximumUs = written.Histogram[0][0], written.Histogram[last][0]
	}
	return json.Marshal(written)
}

type errorCounts struct {
	Timeout int64 `json:"timeout"`
	Other   int64 `json:"other"`
}

// tally is open-loop.json; OpenLoopResult in documents/run/window.py explains each member.
type tally struct {
	Version           int                         `json:"version"`
	VegetaVersion     string                      `json:"vegeta_version"`
	Workload          string                      `json:"workload"`
	Connections       int                         `json:"connections"`
	TimeoutSeconds    int                         `json:"timeout_seconds"`
	DurationSeconds   uint64                      `json:"duration_seconds"`
	Rate              uint64                      `json:"rate"`
	StartedNs         int64                       `json:"started_ns"`
	EndedNs           int64                       `json:"ended_ns"`
	Requests          int64                       `json:"requests"`
	SentInWindow      int64                       `json:"sent_in_window"`
	ConnectionsOpened int64                       `json:"connections_opened"`
	Errors            errorCounts                 `json:"errors"`
	FirstError        *string                     `json:"first_error"`
	Statuses          map[string]map[string]int64 `json:"statuses"`
	Latency           histogram                   `json:"latency"`
	Lateness          histogram                   `json:"lateness"`
}

func newTally() *tally {
	return &tally{Version: 1, Statuses: map[string]map[string]int64{}, Latency: histogram{}, Lateness: histogram{}}
}

// add counts one request. Its latency runs from when it was due, not from when it was sent: it includes the wait for a
// connection, or for a generator that was late.
func (t *tally) add(result *vegeta.Result, lateness time.Duration, inWindow bool) {
	t.Requests++
	if inWindow {
		t.SentInWindow++
	}
	t.Lateness.add(lateness)
	if result.Code == 0 {
		t.fail(result.Error)
		return
	}
	t.Latency.add(lateness + result.Latency)
	if t.Statuses[result.Method] == nil {
		t.Statuses[result.Method] = map[string]int64{}
	}
	t.Statuses[result.Method][strconv.Itoa(int(result.Code))]++
}

func (t *tally) fail(message string) {
	if t.FirstError == nil {
		t.FirstError = &message
	}
	// The result has only the text of the error. A connection that wasn't made in time has the second one.
	if strings.Contains(message, context.DeadlineExceeded.Error()) || strings.Contains(message, "i/o timeout") {
		t.Errors.Timeout++
	} else {
		t.Errors.Other++
	}
}

// write writes the file in one step.
func (t *tally) write(path string) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".part", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
