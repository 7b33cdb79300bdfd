package problem

import "testing"

func TestDocuments(t *testing.T) {
	for _, tt := range []struct {
		problem *Problem
		want    string
	}{
		{NoPath, `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this path."}`},
		{JSONTooLarge, `{"type":"about:blank","title":"Content Too Large","status":413,"detail":"The request body must be at most 65536 bytes."}`},
		{
			Invalid([]FieldError{{"title", "is required"}, {"body", "is required"}}),
			`{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"One or more fields are not valid.",` +
				`"errors":[{"field":"title","message":"is required"},{"field":"body","message":"is required"}]}`,
		},
	} {
		if got := string(tt.problem.Body); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
