// Package problem has the error answers of the API: RFC 9457 problem documents.
package problem

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
)

// MediaType is the Content-Type of a problem document.
const MediaType = "application/problem+json"

// Problem is an answer that reports an error. As an error value it travels
// from where it is found to where it is written.
type Problem struct {
	Status int
	Detail string
	// Body is the whole document, encoded once.
	Body []byte
}

// Error implements error.
func (p *Problem) Error() string {
	return fmt.Sprintf("%d %s: %s", p.Status, title(p.Status), p.Detail)
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// The problems of the contract whose text is fixed.
var (
	BadJSON         = fixed(http.StatusBadRequest, "The request body must be a JSON object whose members have the right types and appear once.")
	BadUpload       = fixed(http.StatusBadRequest, "The request body must be multipart/form-data with exactly one file, in a part named file.")
	BadToken        = fixed(http.StatusUnauthorized, "A valid access token is required.")
	BadLogin        = fixed(http.StatusUnauthorized, "The email or the password is wrong.")
	NotOwner        = fixed(http.StatusForbidden, "This post belongs to another user.")
	NoPath          = fixed(http.StatusNotFound, "There is nothing at this path.")
	NoUser          = fixed(http.StatusNotFound, "There is no such user.")
	NoPost          = fixed(http.StatusNotFound, "There is no such post.")
	NoFile          = fixed(http.StatusNotFound, "There is no such file.")
	BadMethod       = fixed(http.StatusMethodNotAllowed, "This path does not take this method.")
	BodyTimeout     = fixed(http.StatusRequestTimeout, "The request body stopped arriving.")
	UsernameTaken   = fixed(http.StatusConflict, "The username is taken.")
	EmailTaken      = fixed(http.StatusConflict, "The email is taken.")
	JSONTooLarge    = fixed(http.StatusRequestEntityTooLarge, "The request body must be at most 65536 bytes.")
	FileTooLarge    = fixed(http.StatusRequestEntityTooLarge, "The file must be at most 2097152 bytes.")
	NotJSON         = fixed(http.StatusUnsupportedMediaType, "The request body must be application/json.")
	NotMultipart    = fixed(http.StatusUnsupportedMediaType, "The request body must be multipart/form-data.")
	NotAcceptedFile = fixed(http.StatusUnsupportedMediaType, "The file must be a PNG, JPEG, WebP or PDF and declared as what it is.")
	Internal        = fixed(http.StatusInternalServerError, "An internal error occurred.")
	Unavailable     = fixed(http.StatusServiceUnavailable, "The service is not available at the moment.")
)

// Invalid returns the problem that lists the fields that break a rule.
func Invalid(errors []FieldError) *Problem {
	return encode(http.StatusUnprocessableEntity, "One or more fields are not valid.", errors)
}

func fixed(status int, detail string) *Problem { return encode(status, detail, nil) }

func encode(status int, detail string, errors []FieldError) *Problem {
	body, err := json.Marshal(struct {
		Type   string       `json:"type"`
		Title  string       `json:"title"`
		Status int          `json:"status"`
		Detail string       `json:"detail"`
		Errors []FieldError `json:"errors,omitempty"`
	}{"about:blank", title(status), status, detail, errors})
	if err != nil {
		panic(fmt.Sprintf("encoding a problem: %v", err)) // strings and integers always encode
	}
	return &Problem{Status: status, Detail: detail, Body: body}
}

// title is the reason phrase of RFC 9110; net/http still has older ones.
func title(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "Content Too Large"
	case http.StatusUnprocessableEntity:
		return "Unprocessable Content"
	default:
		return http.StatusText(status)
	}
}
