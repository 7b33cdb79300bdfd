package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

var tokenPlace = regexp.MustCompile(`\{token:(\d+)\}`)

// readTargets reads a request file, the one that replay.lua gives to wrk: frames of a line `<bytes of head> <bytes of
// body>`, the head, the body, a newline. The head is HTTP/1.1 as it goes over the wire, except for `{host}` and
// `{token:USER}`. Several generators take turns: each has every n-th request, and together they send all in the file's
// order.
func readTargets(path, host string, tokens map[string]string, part, parts int) ([]vegeta.Target, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var targets []vegeta.Target
	for number, position := 0, 0; position < len(data); number++ {
		head, body, next, err := frame(data, position)
		if err != nil {
			return nil, fmt.Errorf("%s %w", path, err)
		}
		if number%parts == part {
			target, err := target(head, body, host, tokens)
			if err != nil {
				return nil, fmt.Errorf("%s at byte %d: %w", path, position, err)
			}
			targets = append(targets, target)
		}
		position = next
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("%s has no request for the generator %d of %d", path, part, parts)
	}
	return targets, nil
}

func frame(data []byte, position int) (head, body []byte, next int, err error) {
	line, rest, found := bytes.Cut(data[position:], []byte("\n"))
	headText, bodyText, two := strings.Cut(string(line), " ")
	headLength, headErr := strconv.ParseUint(headText, 10, 31)
	bodyLength, bodyErr := strconv.ParseUint(bodyText, 10, 31)
	if !found || !two || headErr != nil || bodyErr != nil {
		return nil, nil, 0, fmt.Errorf("has no frame at byte %d", position)
	}
	headEnd, bodyEnd := int(headLength), int(headLength+bodyLength)
	if bodyEnd >= len(rest) || rest[bodyEnd] != '\n' {
		return nil, nil, 0, fmt.Errorf("is cut off or damaged at byte %d", position)
	}
	return rest[:headEnd], rest[headEnd:bodyEnd], position + len(line) + 1 + bodyEnd + 1, nil
}

func target(head, body []byte, host string, tokens map[string]string) (vegeta.Target, error) {
	var missing error
	text := tokenPlace.ReplaceAllStringFunc(strings.ReplaceAll(string(head), "{host}", host), func(place string) string {
		user := tokenPlace.FindStringSubmatch(place)[1]
		token, known := tokens[user]
		if !known {
			missing = fmt.Errorf("there is no token for user %s", user)
		}
		return token
	})
	if missing != nil {
		return vegeta.Target{}, missing
	}
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + string(body))))
	if err != nil {
		return vegeta.Target{}, err
	}
	if request.ContentLength != int64(len(body)) {
		return vegeta.Target{}, fmt.Errorf("Content-Length is %d, but the body has %d bytes", request.ContentLength, len(body))
	}
	// wrk sends the head unchanged. Go adds this field unless it is there, and omits it if it is empty.
	request.Header["User-Agent"] = []string{""}
	return vegeta.Target{
		Method: request.Method,
		URL:    "http://" + request.Host + request.RequestURI,
		Body:   body,
		Header: request.Header,
	}, nil
}

// readTokens reads a line `<user> <token>` for each user.
func readTokens(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tokens := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		user, token, found := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !found {
			// A token is a secret, so the message doesn't show the line.
			return nil, fmt.Errorf("%s has a line without a user and a token", path)
		}
		tokens[user] = token
	}
	return tokens, nil
}
