// Package token issues and verifies access tokens: JWTs signed with HS256.
package token

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"fairground/apis/go/internal/identifier"
)

// Lifetime is how long an issued token is valid.
const Lifetime = time.Hour

const (
	issuer   = "fairground"
	audience = "fairground-api"
)

// User is who a token speaks for.
type User struct {
	ID   int64
	Name string
}

// Authority issues and verifies tokens under one secret. It is stateless and
// safe for concurrent use.
type Authority struct {
	secret []byte
	now    func() time.Time
	parser *jwt.Parser
}

// NewAuthority returns an Authority whose HMAC key is secret. now is time.Now
// but in tests.
func NewAuthority(secret []byte, now func() time.Time) *Authority {
	return &Authority{
		secret: secret,
		now:    now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithStrictDecoding(),
			jwt.WithIssuer(issuer),
			jwt.WithAudience(audience),
			jwt.WithExpirationRequired(),
			jwt.WithTimeFunc(now),
		),
	}
}

// Issue returns a new token for user.
func (a *Authority) Issue(user User) (string, error) {
	now := a.now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub":  strconv.FormatInt(user.ID, 10),
		"name": user.Name,
		"iat":  now.Unix(),
		"exp":  now.Add(Lifetime).Unix(),
		"iss":  issuer,
		"aud":  audience,
	}).SignedString(a.secret)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed, nil
}

// Verify returns whom the token speaks for. An error says why it is refused.
func (a *Authority) Verify(signed string) (User, error) {
	var c claims
	if _, err := a.parser.ParseWithClaims(signed, &c, a.key); err != nil {
		return User{}, fmt.Errorf("verifying a token: %w", err)
	}
	return c.user, nil
}

func (a *Authority) key(*jwt.Token) (any, error) { return a.secret, nil }

// claims are the claims of an access token. Pointers tell a missing claim from
// an empty one. It is decoded by the strict JSON package, for which names are
// case-sensitive, and integers have neither fraction nor exponent.
type claims struct {
	Subject   *string          `json:"sub"`
	Name      *string          `json:"name"`
	IssuedAt  *int64           `json:"iat"`
	Expiry    *int64           `json:"exp"`
	NotBefore *int64           `json:"nbf"`
	Issuer    *string          `json:"iss"`
	Audience  jwt.ClaimStrings `json:"aud"`

	user User
}

// UnmarshalJSON lets the parser's encoding/json hand over to the strict one.
func (c *claims) UnmarshalJSON(b []byte) error {
	type plain claims
	return json.Unmarshal(b, (*plain)(c))
}

// Validate checks what the parser doesn't know: the claims of this API. The
// parser calls it behind its own checks.
func (c *claims) Validate() error {
	if c.Subject == nil || c.Name == nil || c.IssuedAt == nil {
		return jwt.ErrTokenRequiredClaimMissing
	}
	id, ok := identifier.Parse(*c.Subject)
	if !ok || !identifier.IsUsername(*c.Name) {
		return jwt.ErrTokenInvalidSubject
	}
	c.user = User{ID: id, Name: *c.Name}
	return nil
}

func numericDate(seconds *int64) *jwt.NumericDate {
	if seconds == nil {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(*seconds, 0))
}

// The rest is jwt.Claims.

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return numericDate(c.Expiry), nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return numericDate(c.NotBefore), nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return numericDate(c.IssuedAt), nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.Audience, nil }

func (c *claims) GetIssuer() (string, error)  { return deref(c.Issuer), nil }
func (c *claims) GetSubject() (string, error) { return deref(c.Subject), nil }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
