package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"maps"
	"strings"
	"testing"
	"time"

	"encoding/json"
)

var (
	secret = []byte("0123456789abcdef0123456789abcdef")
	now    = time.Unix(1_800_000_000, 0)
)

func authority() *Authority {
	return NewAuthority(secret, func() time.Time { return now })
}

func sign(t *testing.T, key []byte, algorithm func() hash.Hash, header, payload string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(algorithm, key)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

const goodHeader = `{"alg":"HS256","typ":"JWT"}`

func payload(t *testing.T, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"sub": "7", "name": "alice", "iat": now.Unix(), "exp": now.Unix() + 3600,
		"iss": "fairground", "aud": "fairground-api",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == missing })
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// missing as a change takes a claim away.
var missing = struct{ missing bool }{true}

func TestIssuedTokensAreGood(t *testing.T) {
	signed, err := authority().Issue(User{ID: 7, Name: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	user, err := authority().Verify(signed)
	if err != nil || user != (User{ID: 7, Name: "alice"}) {
		t.Errorf("Verify = %v, %v", user, err)
	}
	parts := strings.Split(signed, ".")
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || string(header) != goodHeader {
		t.Errorf("header is %s, %v", header, err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"aud":"fairground-api","exp":1800003600,"iat":1800000000,"iss":"fairground","name":"alice","sub":"7"}`
	if string(claims) != want {
		t.Errorf("claims are %s, want %s", claims, want)
	}
}

func TestGoodClaims(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"as issued":               {},
		"last second":             {"exp": now.Unix() + 1},
		"audience in a list":      {"aud": []string{"other", "fairground-api"}},
		"issued in the future":    {"iat": now.Unix() + 600},
		"valid from now":          {"nbf": now.Unix()},
		"null not before":         {"nbf": nil},
		"unknown claim":           {"role": "admin"},
		"highest id":              {"sub": "9223372036854775807"},
		"known claim, other case": {"SUB": 5, "Exp": "never"},
	} {
		if _, err := authority().Verify(sign(t, secret, sha256.New, goodHeader, payload(t, changes))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadClaimsAreRefused(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"no sub":              {"sub": missing},
		"no name":             {"name": missing},
		"no iat":              {"iat": missing},
		"no exp":              {"exp": missing},
		"no iss":              {"iss": missing},
		"no aud":              {"aud": missing},
		"null sub":            {"sub": nil},
		"null exp":            {"exp": nil},
		"null iat":            {"iat": nil},
		"sub a number":        {"sub": 7},
		"sub zero":            {"sub": "0"},
		"sub no id":           {"sub": "7 "},
		"sub too large":       {"sub": "9223372036854775808"},
		"name no username":    {"name": "Alice"},
		"name a number":       {"name": 7},
		"iat a string":        {"iat": "1800000000"},
		"iat a fraction":      {"iat": 1800000000.5},
		"exp a string":        {"exp": "1800003600"},
		"exp a fraction":      {"exp": 1800003600.5},
		"exp in another case": {"exp": missing, "EXP": now.Unix() + 3600},
		"expired now":         {"exp": now.Unix()},
		"expired":             {"exp": now.Unix() - 1},
		"expired long ago":    {"exp": 0},
		"not yet valid":       {"nbf": now.Unix() + 1},
		"nbf a string":        {"nbf": "1800000000"},
		"wrong iss":           {"iss": "Fairground"},
		"empty iss":           {"iss": ""},
		"wrong aud":           {"aud": "fairground"},
		"empty aud":           {"aud": ""},
		"wrong aud in a list": {"aud": []string{"fairground"}},
		"empty list of aud":   {"aud": []string{}},
		"list with a number":  {"aud": []any{"fairground-api", 1}},
		"aud of a wrong type": {"aud": map[string]any{}},
	} {
		if _, err := authority().Verify(sign(t, secret, sha256.New, goodHeader, payload(t, changes))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	good := sign(t, secret, sha256.New, goodHeader, payload(t, nil))
	if _, err := authority().Verify(good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	flipped := func(s string) string {
		// The last of 43 characters has two bits that don't count.
		return s[:42] + string(rune(s[42]+1))
	}
	for name, signed := range map[string]string{
		"empty":              "",
		"dots":               "..",
		"two parts":          parts[0] + "." + parts[1],
		"four parts":         good + ".",
		"padding":            good + "=",
		"leading space":      " " + good,
		"bits left over":     parts[0] + "." + parts[1] + "." + flipped(parts[2]),
		"no signature":       parts[0] + "." + parts[1] + ".",
		"other key":          sign(t, []byte(strings.Repeat("k", 32)), sha256.New, goodHeader, payload(t, nil)),
		"alg none":           sign(t, secret, sha256.New, `{"alg":"none"}`, payload(t, nil)),
		"alg none, unsigned": parts[0] + "." + parts[1] + ".",
		"alg hs256":          sign(t, secret, sha256.New, `{"alg":"hs256"}`, payload(t, nil)),
		"alg HS512":          sign(t, secret, sha512.New, `{"alg":"HS512"}`, payload(t, nil)),
		"alg RS256":          sign(t, secret, sha256.New, `{"alg":"RS256"}`, payload(t, nil)),
		"alg a list":         sign(t, secret, sha256.New, `{"alg":["HS256"]}`, payload(t, nil)),
		"no alg":             sign(t, secret, sha256.New, `{"typ":"JWT"}`, payload(t, nil)),
		"header no JSON":     sign(t, secret, sha256.New, `{`, payload(t, nil)),
		"header a list":      sign(t, secret, sha256.New, `[]`, payload(t, nil)),
		"claims no JSON":     sign(t, secret, sha256.New, goodHeader, `{`),
		"claims a list":      sign(t, secret, sha256.New, goodHeader, `[]`),
		"claims null":        sign(t, secret, sha256.New, goodHeader, `null`),
		"a claim twice":      sign(t, secret, sha256.New, goodHeader, `{"sub":"8",`+payload(t, nil)[1:]),
		"exp in exponent":    sign(t, secret, sha256.New, goodHeader, strings.Replace(payload(t, nil), "1800003600", "18000036e2", 1)),
	} {
		if user, err := authority().Verify(signed); err == nil {
			t.Errorf("%s: accepted as %v", name, user)
		}
	}
}

func FuzzVerify(f *testing.F) {
	good, err := authority().Issue(User{ID: 7, Name: "alice"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, signed string) {
		if user, err := authority().Verify(signed); err == nil && signed != good {
			t.Errorf("Verify(%q) = %v", signed, user)
		}
	})
}
