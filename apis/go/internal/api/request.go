package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"fairground/apis/go/internal/jsonobject"
	"fairground/apis/go/internal/problem"
	"fairground/apis/go/internal/token"
)

const maxJSONBytes = 64 << 10

// authenticate returns whom the access token of r speaks for.
func (a *api) authenticate(r *http.Request) (token.User, error) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return token.User{}, problem.BadToken
	}
	scheme, credentials, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return token.User{}, problem.BadToken
	}
	user, err := a.tokens.Verify(strings.TrimLeft(credentials, " "))
	if err != nil {
		return token.User{}, problem.BadToken
	}
	return user, nil
}

// hasMediaType tells whether r has one Content-Type, and it is want whatever
// its parameters.
func hasMediaType(r *http.Request, want string) bool {
	values := r.Header["Content-Type"]
	if len(values) != 1 {
		return false
	}
	mediaType, _, _ := strings.Cut(values[0], ";")
	return strings.EqualFold(strings.Trim(mediaType, " \t"), want)
}

// readFields reads the JSON body of r into fields and checks their rules.
func readFields(r *http.Request, fields ...*field) error {
	if !hasMediaType(r, "application/json") {
		return problem.NotJSON
	}
	body, err := readJSON(r)
	if err != nil {
		return err
	}
	members := make([]jsonobject.Member, len(fields))
	for i, f := range fields {
		members[i] = jsonobject.Member{Name: f.name, Value: &f.given}
	}
	if err := jsonobject.Decode(body, members...); err != nil {
		return problem.BadJSON
	}
	return validate(fields)
}

func readJSON(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxJSONBytes {
		return nil, problem.JSONTooLarge
	}
	var body []byte
	var err error
	if r.ContentLength >= 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, body)
	} else {
		body, err = io.ReadAll(io.LimitReader(r.Body, maxJSONBytes+1))
	}
	switch {
	case err != nil:
		return nil, bodyProblem(err, problem.BadJSON)
	case len(body) > maxJSONBytes:
		return nil, problem.JSONTooLarge
	}
	return body, nil
}

// bodyProblem is the answer where reading a body failed with err: most often
// nobody is left to read it.
func bodyProblem(err error, malformed *problem.Problem) *problem.Problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return problem.BodyTimeout
	}
	return malformed
}
