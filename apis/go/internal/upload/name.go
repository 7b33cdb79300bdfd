package upload

import "strings"

const maxNameBytes = 100

// SafeName turns the file name that a client gave into one that is safe to
// show, and to put between quotes in a header. It is never used as a path.
func SafeName(given string) string {
	given = given[strings.LastIndexAny(given, `/\`)+1:]
	var b strings.Builder
	replaced := false
	for i := range len(given) {
		switch c := given[i]; {
		case isSafe(c):
			b.WriteByte(c)
			replaced = false
		case !replaced:
			b.WriteByte('_')
			replaced = true
		}
	}
	name := strings.TrimLeft(b.String(), ".")
	name = name[:min(len(name), maxNameBytes)]
	if name == "" {
		return "file"
	}
	return name
}

func isSafe(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}
