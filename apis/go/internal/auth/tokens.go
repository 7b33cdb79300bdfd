// Package auth issues and checks access tokens, and hashes passwords.
package auth

import (
	"errors"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime is how long a token is valid.
const Lifetime = time.Hour

const (
	issuer   = "fairground"
	audience = "fairground-api"
)

// User is what a token says of its user.
type User struct {
	ID   int64
	Name string
}

// Tokens issues and checks tokens under one secret.
type Tokens struct {
	secret []byte
	parser *jwt.Parser
}

// NewTokens returns Tokens with secret as the key of HS256.
func NewTokens(secret []byte) *Tokens {
	return &Tokens{secret: secret, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
	)}
}

// Issue returns a new token for user.
func (t *Tokens) Issue(user User) (string, error) {
	now := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub":  strconv.FormatInt(user.ID, 10),
		"name": user.Name,
		"iat":  now.Unix(),
		"exp":  now.Add(Lifetime).Unix(),
		"iss":  issuer,
		"aud":  audience,
	}).SignedString(t.secret)
}

// Check returns the user that a valid token is for.
func (t *Tokens) Check(token string) (User, error) {
	var claims struct {
		Name string `json:"name"`
		jwt.RegisteredClaims
	}
	_, err := t.parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return t.secret, nil })
	if err != nil {
		return User{}, err
	}
	id, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || id < 1 || claims.Name == "" {
		return User{}, errors.New("the token names no user")
	}
	return User{ID: id, Name: claims.Name}, nil
}
