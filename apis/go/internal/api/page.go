package api

import (
	"strconv"
	"strings"

	"fairground/apis/go/internal/identifier"
	"fairground/apis/go/internal/problem"
)

const (
	defaultLimit = 20
	maxLimit     = 100
)

// page is which posts a list asks for; before is 0 where it isn't given.
type page struct {
	limit  int
	before int64
}

func (p page) isDefault() bool { return p == page{limit: defaultLimit} }

// parsePage reads a query string as it was sent: nothing in it is decoded.
func parsePage(query string) (page, error) {
	p := page{limit: defaultLimit}
	if query == "" {
		return p, nil
	}
	var invalid []problem.FieldError
	report := func(name, message string) {
		invalid = append(invalid, problem.FieldError{Field: name, Message: message})
	}
	switch value, count := parameter(query, "limit"); {
	case count > 1:
		report("limit", "must be given only once")
	case count == 1:
		limit, err := strconv.Atoi(value)
		if err != nil || limit < 1 || limit > maxLimit || strconv.Itoa(limit) != value {
			report("limit", "must be an integer from 1 to 100")
		}
		p.limit = limit
	}
	switch value, count := parameter(query, "before"); {
	case count > 1:
		report("before", "must be given only once")
	case count == 1:
		before, ok := identifier.Parse(value)
		if !ok {
			report("before", "must be an id")
		}
		p.before = before
	}
	if invalid != nil {
		return page{}, problem.Invalid(invalid)
	}
	return p, nil
}

// parameter returns the value of a parameter and how often it is given.
func parameter(query, name string) (value string, count int) {
	for piece := range strings.SplitSeq(query, "&") {
		if n, v, _ := strings.Cut(piece, "="); n == name {
			value = v
			count++
		}
	}
	return value, count
}
