package jsonobject

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func decode(body string) (a, b *string, err error) {
	err = Decode([]byte(body), Member{"a", &a}, Member{"b", &b})
	return a, b, err
}

func TestDecode(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, tt := range []struct {
		body string
		a, b *string
	}{
		{`{}`, nil, nil},
		{" \t\r\n{ } \n", nil, nil},
		{`{"a":"x","b":"y"}`, text("x"), text("y")},
		{`{"b":"y","a":"x"}`, text("x"), text("y")},
		{`{"a":null}`, nil, nil},
		{`{"a":""}`, text(""), nil},
		{`{"A":"x"}`, nil, nil},
		{`{"\u0061":"x"}`, text("x"), nil},
		{`{"a":"\u00e9\ud83d\ude00\u0000\/"}`, text("é😀\x00/"), nil},
		{`{"a":"é😀` + "\u2028" + `"}`, text("é😀\u2028"), nil},
		{`{"c":1e999999,"d":[true,{"x":1,"x":2}],"e":"z","f":null}`, nil, nil},
		{`{"c":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, nil, nil},
	} {
		a, b, err := decode(tt.body)
		if err != nil || !equal(a, tt.a) || !equal(b, tt.b) {
			t.Errorf("Decode(%s) = %s, %s, %v; want %s, %s", tt.body, show(a), show(b), err, show(tt.a), show(tt.b))
		}
	}
}

func TestBadBodiesAreRefused(t *testing.T) {
	for _, body := range []string{
		``, ` `, `{`, `}`, `{}{}`, `{} x`, `{},`, `[]`, `""`, `null`, `true`, `1`,
		"\ufeff{}",
		`{"a"}`, `{"a":}`, `{"a":"x",}`, `{,}`, `{a:"x"}`, `{'a':'x'}`, `{"a":"x" "b":"y"}`,
		`{"a":1}`, `{"a":true}`, `{"a":[]}`, `{"a":{}}`, `{"a":["x"]}`,
		`{"a":"x","b":1}`,
		`{"a":"x","a":"x"}`, `{"a":null,"a":"x"}`, `{"a":"x","\u0061":"y"}`, `{"c":1,"c":2}`,
		`{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800\ud800"}`, `{"a":"\ude00\ud83d"}`, `{"a":"\ud800x"}`,
		`{"c":"\ud800"}`, `{"\ud800":1}`, `{"c":[{"\udfff":1}]}`,
		"{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"c\":\"\xf4\x90\x80\x80\"}", "{\"\xff\":1}",
		"{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", `{"a":"\x41"}`, `{"a":"\u12"}`, `{"a":"`,
		`{"c":01}`, `{"c":+1}`, `{"c":1.}`, `{"c":.5}`, `{"c":NaN}`, `{"c":tru}`, `{"c":[1,]}`, `{"c":[1}`, `{"c":/**/1}`,
		`{"c":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		`{"c":` + strings.Repeat(`{"d":`, 32) + `1` + strings.Repeat("}", 32) + `}`,
		`{"c":` + strings.Repeat("[", 60000),
	} {
		if a, b, err := decode(body); err == nil {
			t.Errorf("Decode(%.80q) accepted it as %s, %s", body, show(a), show(b))
		}
	}
}

// What Decode takes, the standard library must take as well, and read alike.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":"x","b":null,"c":[1,{"d":2}]}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud800"}`, `[]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, b, err := decode(body)
		if err != nil {
			return
		}
		if !utf8.ValidString(body) {
			t.Fatalf("accepted bad UTF-8: %q", body)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(body), &want); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
			t.Fatalf("accepted %q: %v", body, err)
		}
		for name, got := range map[string]*string{"a": a, "b": b} {
			if value, ok := want[name].(string); ok != (got != nil) || ok && value != *got {
				t.Errorf("%q: %s is %s, the standard library says %v", body, name, show(got), want[name])
			}
		}
	})
}

func equal(a, b *string) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

func show(s *string) string {
	if s == nil {
		return "nil"
	}
	return `"` + *s + `"`
}
