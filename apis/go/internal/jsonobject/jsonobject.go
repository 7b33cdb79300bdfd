// Package jsonobject decodes the JSON bodies of the contract: objects whose
// known members are strings, read more strictly than encoding/json does.
package jsonobject

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep arrays and objects may nest, the outermost counting.
const maxDepth = 32

// errNotObject and the others say why a body is refused, for logs and tests.
var (
	errNotObject = errors.New("not an object")
	errDuplicate = errors.New("a member appears twice")
	errType      = errors.New("a known member is neither a string nor null")
	errDepth     = errors.New("nested too deeply")
	errTrailing  = errors.New("something follows the object")
)

// Member binds the name of a known member to where its value goes. A member
// that is missing or null leaves the pointer nil.
type Member struct {
	Name  string
	Value **string
}

// Decode reads body, which must be exactly one JSON object in valid UTF-8,
// without a lone surrogate or a repeated name. Names are case-sensitive, and
// unknown members are ignored once their syntax is known to be good.
func Decode(body []byte, members ...Member) error {
	// Duplicates inside of ignored members are allowed, so the decoder must
	// not look for any.
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	open, err := d.ReadToken()
	if err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	if open.Kind() != '{' {
		return errNotObject
	}
	seen := make(map[string]struct{}, len(members))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("decoding: %w", err)
		}
		if token.Kind() == '}' {
			break
		}
		name := token.String()
		if _, twice := seen[name]; twice {
			return errDuplicate
		}
		seen[name] = struct{}{}
		if err := readValue(d, find(members, name)); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

func find(members []Member, name string) **string {
	for _, m := range members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

func readValue(d *jsontext.Decoder, target **string) error {
	if target == nil {
		return skip(d)
	}
	token, err := d.ReadToken()
	if err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	switch token.Kind() {
	case '"':
		value := token.String()
		*target = &value
	case 'n':
	default:
		return errType
	}
	return nil
}

// skip passes over one value of any kind.
func skip(d *jsontext.Decoder) error {
	outside := d.StackDepth()
	for {
		if _, err := d.ReadToken(); err != nil {
			return fmt.Errorf("decoding: %w", err)
		}
		switch depth := d.StackDepth(); {
		case depth > maxDepth:
			return errDepth
		case depth == outside:
			return nil
		}
	}
}
