package api

import (
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"
)

var usernamePattern = regexp.MustCompile(`^[a-z0-9_]{3,32}$`)

// The rules that the validator doesn't have. Its own min and max count code
// points; passwords are bounded in bytes.
func init() {
	engine := binding.Validator.Engine().(*validator.Validate)
	engine.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json")+f.Tag.Get("form"), ",")
		return name
	})
	rules := map[string]func(string) bool{
		"username": usernamePattern.MatchString,
		"password": func(s string) bool { return len(s) >= 8 && len(s) <= 72 },
		"nonul":    func(s string) bool { return !strings.Contains(s, "\x00") },
	}
	for tag, holds := range rules {
		err := engine.RegisterValidation(tag, func(f validator.FieldLevel) bool { return holds(f.Field().String()) })
		if err != nil {
			panic(err)
		}
	}
}

var messages = map[string]string{
	"required": "is required",
	"email":    "must be an email address",
	"username": "must be 3 to 32 characters of a-z, 0-9 and _",
	"password": "must be 8 to 72 bytes",
	"nonul":    "must not contain U+0000",
	"min":      "is below the minimum of ",
	"max":      "is above the maximum of ",
}

// invalidFields names each field that breaks its rule.
func invalidFields(invalid validator.ValidationErrors) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "")
	for _, field := range invalid {
		p.Errors = append(p.Errors, fieldError{Field: field.Field(), Message: messages[field.Tag()] + field.Param()})
	}
	return p
}
