package upload

import "strings"

// disposition is a Content-Disposition header of a part.
type disposition struct {
	name, filename string
}

// parseDisposition reads "form-data" with its parameters. It doesn't use
// mime.ParseMediaType, which decodes RFC 2231 values and refuses repeated
// parameters; here the first counts, and values are taken as they are.
func parseDisposition(header string) (disposition, bool) {
	kind, rest := header, ""
	if i := strings.IndexByte(header, ';'); i >= 0 {
		kind, rest = header[:i], header[i:]
	}
	if !strings.EqualFold(strings.Trim(kind, " \t"), "form-data") {
		return disposition{}, false
	}
	var name, filename *string
	for rest != "" {
		var key, value string
		var ok bool
		key, value, rest, ok = nextParameter(rest)
		if !ok {
			return disposition{}, false
		}
		switch strings.ToLower(key) {
		case "name":
			setOnce(&name, value)
		case "filename":
			setOnce(&filename, value)
		}
	}
	return disposition{name: valueOf(name), filename: valueOf(filename)}, true
}

func setOnce(target **string, value string) {
	if *target == nil {
		*target = &value
	}
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// nextParameter reads one ;name=value from the front of s.
func nextParameter(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	s, ok = strings.CutPrefix(s, ";")
	if !ok {
		return "", "", "", false
	}
	s = strings.TrimLeft(s, " \t")
	end := strings.IndexAny(s, "=;\" \t")
	if end < 1 || s[end] != '=' {
		return "", "", "", false
	}
	key, s = s[:end], s[end+1:]
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = unquote(s)
		return key, value, rest, ok
	}
	if end = strings.IndexAny(s, "; \t"); end < 0 {
		end = len(s)
	}
	return key, s[:end], s[end:], true
}

// unquote reads a quoted string, in which a backslash stands for the
// character behind it, from the front of s.
func unquote(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
