// Package identifier knows the two kinds of names of the contract: ids and
// usernames.
package identifier

import "strconv"

// Parse reads an id: a decimal from 1 to 2⁶³−1 without sign or leading zero.
func Parse(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 19 || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil
}

// IsUsername tells whether s is 3 to 32 of a–z, 0–9 and the underscore.
func IsUsername(s string) bool {
	if len(s) < 3 || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '_':
		default:
			return false
		}
	}
	return true
}
