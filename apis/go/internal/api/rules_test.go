package api

import (
	"errors"
	"strings"
	"testing"

	"fairground/apis/go/internal/problem"
)

func TestRules(t *testing.T) {
	const (
		username = "must be 3 to 32 characters of a-z, 0-9 and _"
		email    = "must be 3 to 254 visible ASCII characters with one @ between others"
		nul      = "must not contain U+0000"
		password = "must be 8 to 72 bytes"
		title    = "must be 1 to 200 characters"
		body     = "must be 1 to 20000 characters"
	)
	repeat := strings.Repeat
	for _, tt := range []struct {
		rule    func(string) string
		value   string
		message string
	}{
		{usernameRule, "a_0", ""},
		{usernameRule, "A_0", username},
		{usernameRule, "", username},
		{emailRule, "a@b", ""},
		{emailRule, "!#$~@A", ""},
		{emailRule, "a@" + repeat("b", 252), ""},
		{emailRule, "a@" + repeat("b", 253), email},
		{emailRule, "", email},
		{emailRule, "ab", email},
		{emailRule, "abc", email},
		{emailRule, "@ab", email},
		{emailRule, "ab@", email},
		{emailRule, "a@@", email},
		{emailRule, "a@b@c", email},
		{emailRule, "a @b", email},
		{emailRule, "a@b\x7f", email},
		{emailRule, "a@b\x00", email},
		{emailRule, "é@b", email},
		{passwordRule, "12345678", ""},
		{passwordRule, repeat("x", 72), ""},
		{passwordRule, repeat("é", 36), ""},
		{passwordRule, "1234567", password},
		{passwordRule, repeat("x", 73), password},
		{passwordRule, repeat("é", 37), password},
		{passwordRule, "", password},
		{passwordRule, "\x00", nul},
		{titleRule, "t", ""},
		{titleRule, repeat("😀", 200), ""},
		{titleRule, repeat("😀", 201), title},
		{titleRule, "", title},
		{titleRule, "\x00" + repeat("x", 300), nul},
		{bodyRule, " ", ""},
		{bodyRule, repeat("é", 20000), ""},
		{bodyRule, repeat("é", 20001), body},
		{bodyRule, "", body},
		{bodyRule, "a\x00", nul},
	} {
		if got := tt.rule(tt.value); got != tt.message {
			t.Errorf("%.40q (%d bytes): got %q, want %q", tt.value, len(tt.value), got, tt.message)
		}
	}
}

func TestParsePage(t *testing.T) {
	const (
		once   = `"message":"must be given only once"`
		limit  = `"message":"must be an integer from 1 to 100"`
		before = `"message":"must be an id"`
	)
	for _, tt := range []struct {
		query string
		want  page
		// errors is what the 422 has, field by field.
		errors []string
	}{
		{"", page{20, 0}, nil},
		{"limit=20", page{20, 0}, nil},
		{"limit=1", page{1, 0}, nil},
		{"limit=100&before=9223372036854775807", page{100, 9223372036854775807}, nil},
		{"before=5&&x&x=1&LIMIT=0&limit%3D=7", page{20, 5}, nil},
		{"limit=0", page{}, []string{limit}},
		{"limit=101", page{}, []string{limit}},
		{"limit=010", page{}, []string{limit}},
		{"limit=%32", page{}, []string{limit}},
		{"limit=+5", page{}, []string{limit}},
		{"limit=", page{}, []string{limit}},
		{"limit", page{}, []string{limit}},
		{"limit=5;before=1", page{}, []string{limit}},
		{"limit=5&limit=5", page{}, []string{once}},
		{"before=0", page{}, []string{before}},
		{"before=9223372036854775808", page{}, []string{before}},
		{"before=x&limit=x", page{}, []string{limit, before}},
		{"before=1&before=1&limit=0", page{}, []string{limit, once}},
	} {
		got, err := parsePage(tt.query)
		var p *problem.Problem
		if errors.As(err, &p) != (tt.errors != nil) || got != tt.want {
			t.Errorf("parsePage(%q) = %+v, %v", tt.query, got, err)
			continue
		}
		if tt.errors == nil {
			continue
		}
		rest := string(p.Body)
		for _, e := range tt.errors {
			_, after, found := strings.Cut(rest, e)
			if !found {
				t.Errorf("parsePage(%q): no %s in order in %s", tt.query, e, p.Body)
			}
			rest = after
		}
		if strings.Count(string(p.Body), `"field"`) != len(tt.errors) {
			t.Errorf("parsePage(%q): %s", tt.query, p.Body)
		}
	}
}

func TestMatches(t *testing.T) {
	const etag = `"1-2"`
	for _, tt := range []struct {
		fields []string
		want   bool
	}{
		{[]string{etag}, true},
		{[]string{"W/" + etag}, true},
		{[]string{"*"}, true},
		{[]string{" *\t"}, true},
		{[]string{`"x", ` + etag + "\t, y"}, true},
		{[]string{`"x"`, etag}, true},
		{[]string{""}, false},
		{[]string{"1-2"}, false},
		{[]string{`"1-20"`}, false},
		{[]string{"w/" + etag}, false},
		{[]string{"W/W/" + etag}, false},
		{[]string{"*", "*"}, false},
		{[]string{`"x" ` + etag}, false},
	} {
		if got := matches(tt.fields, etag); got != tt.want {
			t.Errorf("matches(%q) = %t, want %t", tt.fields, got, tt.want)
		}
	}
}
