package api

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"fairground/apis/go/internal/identifier"
	"fairground/apis/go/internal/problem"
)

// field is a member of a JSON body: its name, its rule, and what was given.
type field struct {
	name string
	// rule returns what is wrong with a value, or "".
	rule  func(string) string
	given *string
}

// value may be called once validate has passed.
func (f *field) value() string { return *f.given }

func usernameField() *field { return &field{name: "username", rule: usernameRule} }
func emailField() *field    { return &field{name: "email", rule: emailRule} }
func passwordField() *field { return &field{name: "password", rule: passwordRule} }
func titleField() *field    { return &field{name: "title", rule: titleRule} }
func bodyField() *field     { return &field{name: "body", rule: bodyRule} }

// validate reports all fields that break their rule, in the order given.
func validate(fields []*field) error {
	var invalid []problem.FieldError
	for _, f := range fields {
		message := "is required"
		if f.given != nil {
			message = f.rule(*f.given)
		}
		if message != "" {
			invalid = append(invalid, problem.FieldError{Field: f.name, Message: message})
		}
	}
	if invalid != nil {
		return problem.Invalid(invalid)
	}
	return nil
}

func usernameRule(s string) string {
	if !identifier.IsUsername(s) {
		return "must be 3 to 32 characters of a-z, 0-9 and _"
	}
	return ""
}

func emailRule(s string) string {
	at := strings.IndexByte(s, '@')
	ok := len(s) >= 3 && len(s) <= 254 && at > 0 && at < len(s)-1 && strings.Count(s, "@") == 1
	for i := range len(s) {
		ok = ok && s[i] > ' ' && s[i] <= '~'
	}
	if !ok {
		return "must be 3 to 254 visible ASCII characters with one @ between others"
	}
	return ""
}

func passwordRule(s string) string {
	switch {
	case strings.ContainsRune(s, 0):
		return hasNUL
	case len(s) < 8 || len(s) > 72:
		return "must be 8 to 72 bytes"
	}
	return ""
}

var (
	titleRule = textRule(200)
	bodyRule  = textRule(20000)
)

func textRule(most int) func(string) string {
	wrongLength := fmt.Sprintf("must be 1 to %d characters", most)
	return func(s string) string {
		switch {
		case strings.ContainsRune(s, 0):
			return hasNUL
		case s == "" || utf8.RuneCountInString(s) > most:
			return wrongLength
		}
		return ""
	}
}

// hasNUL is about the one character that PostgreSQL can't store in a text.
const hasNUL = "must not contain U+0000"
