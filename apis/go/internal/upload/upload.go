// Package upload receives files as multipart/form-data and keeps their content
// in one directory, under random names.
package upload

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"strings"
)

// Limits of an upload, in octets.
const (
	MaxFileBytes = 2 << 20
	MaxBodyBytes = MaxFileBytes + 64<<10
)

// What Receive tells apart. Any other error is of the disk.
var (
	ErrMalformed = errors.New("not multipart/form-data with exactly one file")
	ErrType      = errors.New("not of an accepted type, or declared as another")
	ErrTooLarge  = errors.New("too large")
)

// ReadError wraps what reading the request's body failed with.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "reading the body: " + e.Err.Error() }
func (e *ReadError) Unwrap() error { return e.Err }

// File is a received file.
type File struct {
	Name        string
	ContentType string
	Size        int64
	SHA256      string
	StorageName string
}

// Directory holds the content of files.
type Directory struct{ root *os.Root }

// OpenDirectory returns the Directory at path, which must exist.
func OpenDirectory(path string) (Directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return Directory{}, fmt.Errorf("opening the upload directory: %w", err)
	}
	return Directory{root: root}, nil
}

// Close releases the directory itself.
func (d Directory) Close() error { return d.root.Close() }

// Open returns the content under a storage name, which must have size octets.
func (d Directory) Open(storageName string, size int64) (*os.File, error) {
	content, err := d.root.Open(storageName)
	if err != nil {
		return nil, err
	}
	info, err := content.Stat()
	if err == nil && info.Size() != size {
		err = fmt.Errorf("%s has %d bytes instead of %d", storageName, info.Size(), size)
	}
	if err != nil {
		return nil, errors.Join(err, content.Close())
	}
	return content, nil
}

// Remove deletes the content under a storage name.
func (d Directory) Remove(storageName string) error { return d.root.Remove(storageName) }

// Receive reads body up to its closing delimiter and stores the content of the
// one part named "file". The first breach ends it, and leaves nothing behind.
func (d Directory) Receive(body io.Reader, boundary string) (file File, err error) {
	limited := &bodyReader{r: body, closing: "--" + boundary + "--", left: MaxBodyBytes}
	defer func() {
		// The parser takes a body that fails for one that is malformed.
		if errors.Is(err, ErrMalformed) && limited.err != nil {
			err = limited.err
		}
		if err != nil && file.StorageName != "" {
			err = errors.Join(err, d.Remove(file.StorageName))
			file = File{}
		}
	}()
	parts := multipart.NewReader(limited, boundary)
	for {
		// Not NextPart, which would decode a quoted-printable part.
		part, err := parts.NextRawPart()
		if err == io.EOF { // the closing delimiter: bodyReader never ends with it
			break
		}
		if err != nil {
			return file, ErrMalformed
		}
		about, ok := parseDisposition(part.Header.Get("Content-Disposition"))
		if !ok {
			return file, ErrMalformed
		}
		if about.name != "file" {
			continue
		}
		if file.StorageName != "" || about.filename == "" {
			return file, ErrMalformed
		}
		if file, err = d.store(part, about.filename); err != nil {
			return file, err
		}
	}
	if file.StorageName == "" {
		return file, ErrMalformed
	}
	return file, nil
}

// store checks the type of one part and writes its content. With an error it
// still returns the storage name, if there is anything under it.
func (d Directory) store(part *multipart.Part, filename string) (File, error) {
	prefix, err := readPrefix(part)
	if err != nil {
		return File{}, ErrMalformed
	}
	contentType := match(prefix)
	if contentType == "" || !declares(part, contentType) {
		return File{}, ErrType
	}
	file := File{Name: SafeName(filename), ContentType: contentType}
	var random [16]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	storageName := hex.EncodeToString(random[:])
	out, err := d.root.OpenFile(storageName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return File{}, fmt.Errorf("creating content: %w", err)
	}
	file.StorageName = storageName
	file.Size, file.SHA256, err = write(out, io.MultiReader(bytes.NewReader(prefix), part))
	if closeErr := out.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("closing content: %w", closeErr)
	}
	return file, err
}

// declares tells whether the part's own Content-Type, if it has one, agrees.
func declares(part *multipart.Part, contentType string) bool {
	values := part.Header.Values("Content-Type")
	if len(values) == 0 {
		return true
	}
	declared, _, _ := strings.Cut(values[0], ";")
	return strings.EqualFold(strings.Trim(declared, " \t"), contentType)
}

// write copies content to out and returns its size and hash.
func write(out io.Writer, content io.Reader) (size int64, hash string, err error) {
	digest := sha256.New()
	buffered := bufio.NewWriterSize(out, 32<<10)
	failing := &diskWriter{w: buffered}
	size, err = io.Copy(io.MultiWriter(digest, failing), io.LimitReader(content, MaxFileBytes+1))
	switch {
	case failing.err != nil:
		return size, "", fmt.Errorf("writing content: %w", failing.err)
	case err != nil:
		return size, "", ErrMalformed
	case size > MaxFileBytes:
		return size, "", ErrTooLarge
	}
	if err := buffered.Flush(); err != nil {
		return size, "", fmt.Errorf("writing content: %w", err)
	}
	return size, hex.EncodeToString(digest.Sum(nil)), nil
}

// diskWriter remembers its error, so that io.Copy's can be told from the one
// of reading.
type diskWriter struct {
	w   io.Writer
	err error
}

func (d *diskWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.err = err
	return n, err
}

// bodyReader fails with ErrTooLarge once more than left octets were read, and
// remembers how reading failed, which the multipart parser doesn't always tell.
//
// It ends with io.ErrUnexpectedEOF, and with a line end behind a closing
// delimiter that has none: the parser answers io.EOF not only to that
// delimiter, but also to a body that ends where the headers of a part begin.
type bodyReader struct {
	r       io.Reader
	closing string
	tail    []byte
	ended   bool
	left    int64
	err     error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	b.remember(p[:n])
	if b.left < 0 {
		b.err = ErrTooLarge
		return 0, b.err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = &ReadError{Err: err}
		return n, b.err
	}
	if err == nil || n > 0 {
		return n, nil
	}
	if !b.ended && bytes.HasSuffix(bytes.TrimRight(b.tail, " \t"), []byte(b.closing)) {
		const lineEnd = "\r\n"
		b.ended = true
		b.r, b.left = strings.NewReader(lineEnd), int64(len(lineEnd))
		return b.Read(p)
	}
	return 0, io.ErrUnexpectedEOF
}

// remember keeps the last octets of the body, enough for its closing delimiter
// and some blanks.
func (b *bodyReader) remember(octets []byte) {
	const most = 256
	octets = octets[max(0, len(octets)-most):]
	if over := len(b.tail) + len(octets) - most; over > 0 {
		b.tail = b.tail[:copy(b.tail, b.tail[over:])]
	}
	b.tail = append(b.tail, octets...)
}
