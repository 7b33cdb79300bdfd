package upload

import (
	"bytes"
	"io"
)

// prefixBytes is how much of a content match looks at.
const prefixBytes = 12

// readPrefix reads the first octets of content, or all of them where there are
// fewer. io.ReadFull would not tell the end of a content from that of a body.
func readPrefix(content io.Reader) ([]byte, error) {
	prefix := make([]byte, 0, prefixBytes)
	for len(prefix) < prefixBytes {
		n, err := content.Read(prefix[len(prefix):prefixBytes])
		prefix = prefix[:len(prefix)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return prefix, nil
}

// match returns the media type that a content with this prefix has, or "".
func match(prefix []byte) string {
	switch {
	case bytes.HasPrefix(prefix, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(prefix, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(prefix) >= 12 && string(prefix[:4]) == "RIFF" && string(prefix[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(prefix, []byte("%PDF-")):
		return "application/pdf"
	default:
		return ""
	}
}
