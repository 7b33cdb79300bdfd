package main

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// schedule is a vegeta.Pacer: request k is due k/rate seconds after the first.
//
// It waits on its own. The Go runtime's timers are as coarse as a millisecond if nothing else is running, so with
// vegeta's own pacers, which use them, requests would leave in bursts.
type schedule struct {
	rate    uint64
	seconds uint64

	reference   time.Time     // a time of the first request
	sinceBegan  time.Duration // from the attack's start to the reference
	referenceNs int64         // the reference on CLOCK_MONOTONIC
}

// total is how many requests are due in the window.
func (s *schedule) total() uint64 { return s.rate * s.seconds }

// due is how long after the beginning a request is due.
func (s *schedule) due(number uint64) time.Duration {
	return time.Duration(number * uint64(time.Second) / s.rate)
}

// Pace waits until the next request is due. vegeta calls it from one goroutine.
func (s *schedule) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits == 0 {
		s.begin(elapsed)
	}
	if hits >= s.total() {
		return 0, true
	}
	sleepUntil(s.startedNs() + int64(s.due(hits)))
	return 0, false
}

// Rate is part of a vegeta.Pacer.
func (s *schedule) Rate(time.Duration) float64 { return float64(s.rate) }

func (s *schedule) begin(elapsed time.Duration) {
	// The goroutine keeps this thread, because timer slack is set per thread: the kernel's default of 50 µs would be
	// part of each latency.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		panic(fmt.Errorf("the kernel refuses to set this thread's timer slack: %w", err))
	}
	s.reference, s.referenceNs, s.sinceBegan = time.Now(), monotonicNs(), elapsed
}

// startedNs is when the attack began, on CLOCK_MONOTONIC.
func (s *schedule) startedNs() int64 { return s.referenceNs - int64(s.sinceBegan) }

// offset is how long after the beginning a moment was.
func (s *schedule) offset(moment time.Time) time.Duration {
	return moment.Sub(s.reference) + s.sinceBegan
}

func monotonicNs() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(fmt.Errorf("there is no CLOCK_MONOTONIC: %w", err))
	}
	return now.Nano()
}

func sleepUntil(momentNs int64) {
	until := unix.NsecToTimespec(momentNs)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil) == unix.EINTR {
	}
}
