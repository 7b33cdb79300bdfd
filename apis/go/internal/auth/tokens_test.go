package auth

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var secret = []byte(strings.Repeat("s", 32))

func TestIssuedTokenIsValid(t *testing.T) {
	tokens := NewTokens(secret)
	want := User{ID: 1<<63 - 1, Name: "alice"}
	token, err := tokens.Issue(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tokens.Check(token); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOnlyTokensOfTheContractAreValid(t *testing.T) {
	now := time.Now().Unix()
	for name, change := range map[string]func(claims jwt.MapClaims){
		"":                   func(jwt.MapClaims) {},
		"expired":            func(c jwt.MapClaims) { c["exp"] = now - 1 },
		"no expiry":          func(c jwt.MapClaims) { delete(c, "exp") },
		"another issuer":     func(c jwt.MapClaims) { c["iss"] = "other" },
		"no issuer":          func(c jwt.MapClaims) { delete(c, "iss") },
		"another audience":   func(c jwt.MapClaims) { c["aud"] = "other" },
		"no audience":        func(c jwt.MapClaims) { delete(c, "aud") },
		"no name":            func(c jwt.MapClaims) { delete(c, "name") },
		"no subject":         func(c jwt.MapClaims) { delete(c, "sub") },
		"subject isn't one":  func(c jwt.MapClaims) { c["sub"] = "x" },
		"subject is 0":       func(c jwt.MapClaims) { c["sub"] = "0" },
		"subject is no text": func(c jwt.MapClaims) { c["sub"] = 7 },
	} {
		claims := jwt.MapClaims{
			"sub": "7", "name": "alice", "iat": now, "exp": now + 3600, "iss": "fairground", "aud": []string{"fairground-api"},
		}
		change(claims)
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewTokens(secret).Check(token); (err == nil) != (name == "") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOtherClaimsAreIgnored(t *testing.T) {
	now := time.Now().Unix()
	for _, other := range []jwt.MapClaims{
		{"nbf": now - 60}, {"jti": "x"}, {"x": map[string]any{"y": []any{1, nil}}},
	} {
		claims := jwt.MapClaims{
			"sub": "7", "name": "alice", "iat": now, "exp": now + 3600, "iss": "fairground", "aud": "fairground-api",
		}
		maps.Copy(claims, other)
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		if user, err := NewTokens(secret).Check(token); err != nil || user != (User{ID: 7, Name: "alice"}) {
			t.Errorf("%v: %v, %v", other, user, err)
		}
	}
}

func TestOtherSignaturesAreRefused(t *testing.T) {
	tokens := NewTokens(secret)
	claims := jwt.MapClaims{
		"sub": "7", "name": "alice", "exp": time.Now().Unix() + 60, "iss": "fairground", "aud": "fairground-api",
	}
	sign := func(method jwt.SigningMethod, key any) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(jwt.SigningMethodHS256, secret)
	if _, err := tokens.Check(good); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"another key":       sign(jwt.SigningMethodHS256, []byte("other")),
		"another algorithm": sign(jwt.SigningMethodHS512, secret),
		"none":              sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"cut":               good[:len(good)-1],
		"empty":             "",
	} {
		if _, err := tokens.Check(token); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
