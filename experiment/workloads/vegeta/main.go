// Command open-loop replays a request file at a constant rate, however long the answers take, and writes its result.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

const vegetaModule = "github.com/tsenart/vegeta/v12"

type options struct {
	url, requests, tokens, output, workload string
	rate, seconds                           uint64
	connections, timeoutSeconds             int
	part, parts                             int
	startNs                                 int64
}

func main() {
	chosen, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(chosen)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "open-loop:", err)
		os.Exit(3)
	}
}

func parse(arguments []string, messages io.Writer) (options, error) {
	var chosen options
	flags := flag.NewFlagSet("open-loop", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.StringVar(&chosen.url, "url", "", "the API, as http://HOST:PORT")
	flags.StringVar(&chosen.requests, "requests", "", "the request file")
	flags.StringVar(&chosen.tokens, "tokens", "", "the token file, a line `user token` for each user")
	flags.StringVar(&chosen.output, "output", "", "where the result goes")
	flags.StringVar(&chosen.workload, "workload", "", "the workload's name, for the result")
	flags.Uint64Var(&chosen.rate, "rate", 0, "requests a second")
	flags.Uint64Var(&chosen.seconds, "seconds", 0, "how long requests are sent")
	flags.IntVar(&chosen.connections, "connections", 0, "the most connections at a time")
	flags.IntVar(&chosen.timeoutSeconds, "timeout", 0, "seconds after which an answer is given up")
	flags.IntVar(&chosen.part, "part", 0, "which of several generators this is, from 0 on: each sends its share of the requests")
	flags.IntVar(&chosen.parts, "parts", 1, "how many generators there are")
	flags.Int64Var(&chosen.startNs, "start", 0, "when requests begin, in nanoseconds of CLOCK_MONOTONIC; at once unless given")
	if err := flags.Parse(arguments); err != nil {
		return chosen, err
	}
	// Within these bounds no product of them overflows.
	switch {
	case flags.NArg() > 0:
		return chosen, fmt.Errorf("%q is no option", flags.Arg(0))
	case chosen.rate < 1 || chosen.rate > 1_000_000:
		return chosen, errors.New("-rate must be from 1 to 1,000,000")
	case chosen.seconds < 1 || chosen.seconds > 3600:
		return chosen, errors.New("-seconds must be from 1 to 3,600")
	case chosen.connections < 1 || chosen.connections > 10_000:
		return chosen, errors.New("-connections must be from 1 to 10,000")
	case chosen.timeoutSeconds < 1 || chosen.timeoutSeconds > 60:
		return chosen, errors.New("-timeout must be from 1 to 60")
	case chosen.part < 0 || chosen.part >= chosen.parts:
		return chosen, errors.New("-part must be from 0 to less than -parts")
	case chosen.startNs < 0:
		return chosen, errors.New("-start must not be negative")
	case chosen.requests == "" || chosen.tokens == "" || chosen.output == "" || chosen.workload == "":
		return chosen, errors.New("-requests, -tokens, -output and -workload must be given")
	}
	return chosen, nil
}

func run(chosen options) error {
	address, err := url.Parse(chosen.url)
	if err != nil {
		return err
	}
	if address.Scheme != "http" || address.Host == "" {
		return fmt.Errorf("-url must be http://HOST:PORT, and is %q", chosen.url)
	}
	tokens, err := readTokens(chosen.tokens)
	if err != nil {
		return err
	}
	targets, err := readTargets(chosen.requests, address.Host, tokens, chosen.part, chosen.parts)
	if err != nil {
		return err
	}
	version, err := vegetaVersion()
	if err != nil {
		return err
	}
	// One more than there are CPUs: the goroutine that waits for the next request's time needs none.
	runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	debug.SetGCPercent(400)
	timeout := time.Duration(chosen.timeoutSeconds) * time.Second
	// A time that has passed needs no wait.
	sleepUntil(chosen.startNs)
	seen := attack(targets, &schedule{rate: chosen.rate, seconds: chosen.seconds}, chosen.connections, timeout)
	seen.VegetaVersion = version
	seen.Workload = chosen.workload
	seen.Connections = chosen.connections
	seen.TimeoutSeconds = chosen.timeoutSeconds
	return seen.write(chosen.output)
}

// vegetaVersion is the one in go.mod, as the build recorded it.
func vegetaVersion() (string, error) {
	info, found := debug.ReadBuildInfo()
	if !found {
		return "", errors.New("this binary has no build information")
	}
	for _, module := range info.Deps {
		if module.Path == vegetaModule {
			return module.Version, nil
		}
	}
	return "", fmt.Errorf("this binary was built without %s", vegetaModule)
}
