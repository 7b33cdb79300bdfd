package identifier

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"1", 1, true},
		{"10", 10, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"9223372036854775808", 0, false},
		{"99999999999999999999", 0, false},
		{"", 0, false},
		{"0", 0, false},
		{"01", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1.0", 0, false},
		{"1_0", 0, false},
		{"1 ", 0, false},
		{"１", 0, false},
		{"me", 0, false},
	} {
		got, ok := Parse(tt.in)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("Parse(%q) = %d, %t; want %d, %t", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1", "0", "9223372036854775807", "+5", "1e3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := Parse(s); ok && (id < 1 || strconv.FormatInt(id, 10) != s) {
			t.Errorf("Parse(%q) = %d, which isn't written so", s, id)
		}
	})
}

func TestIsUsername(t *testing.T) {
	for in, want := range map[string]bool{
		"abc":                   true,
		"a_0":                   true,
		strings.Repeat("z", 32): true,
		strings.Repeat("z", 33): false,
		"ab":                    false,
		"":                      false,
		"Abc":                   false,
		"a-b":                   false,
		"a b":                   false,
		"abé":                   false,
		"ab\x00":                false,
	} {
		if got := IsUsername(in); got != want {
			t.Errorf("IsUsername(%q) = %t, want %t", in, got, want)
		}
	}
}
