package main

import (
	"io"
	"strings"
	"testing"
)

var whole = []string{
	"-url", "http://127.0.0.1:8080", "-requests", "r", "-tokens", "t", "-output", "o", "-workload", "mixed",
	"-rate", "100", "-seconds", "2", "-connections", "10", "-timeout", "2",
}

func TestOptionsAreReadAndKeptInTheirBounds(t *testing.T) {
	chosen, err := parse(whole, io.Discard)
	if err != nil || chosen.rate != 100 || chosen.connections != 10 || chosen.workload != "mixed" {
		t.Errorf("%+v %v", chosen, err)
	}
	for _, unfit := range [][2]string{
		{"-rate", "0"}, {"-rate", "1000001"}, {"-seconds", "0"}, {"-connections", "0"}, {"-timeout", "61"},
		{"-output", ""}, {"-colour", "red"}, {"-start", "-1"},
		{"-part", "1"}, {"-part", "-1"}, {"-parts", "0"},
	} {
		if _, err := parse(append(append([]string{}, whole...), unfit[0], unfit[1]), io.Discard); err == nil {
			t.Errorf("%s %s was taken", unfit[0], unfit[1])
		}
	}
	if _, err := parse(append(append([]string{}, whole...), "more"), io.Discard); err == nil {
		t.Error("an argument that is no option was taken")
	}
}

func TestAnAddressThatIsNoneIsRefusedBeforeAnythingIsRead(t *testing.T) {
	err := run(options{url: "127.0.0.1:8080"})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:8080") {
		t.Errorf("%v", err)
	}
}

func TestRequestsAreDueAtEqualDistances(t *testing.T) {
	pace := schedule{rate: 3, seconds: 3600}
	if pace.total() != 10_800 || pace.due(1).Nanoseconds() != 333_333_333 || pace.due(10_797).Seconds() != 3599 {
		t.Errorf("%d %s %s", pace.total(), pace.due(1), pace.due(10_797))
	}
}

func TestNothingIsWaitedForOnceItsMomentHasPassed(t *testing.T) {
	before := monotonicNs()
	sleepUntil(0)
	sleepUntil(before)
	sleepUntil(before + 30_000_000)
	if slept := monotonicNs() - before; slept < 30_000_000 {
		t.Errorf("%d ns", slept)
	}
}
