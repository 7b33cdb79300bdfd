// Package upload receives files as multipart/form-data and stores their content
// in a directory.
package upload

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

const (
	// MaxFile is the largest content of a file, in bytes.
	MaxFile = 2 << 20
	// MaxBody leaves room for the other parts of the body.
	MaxBody = MaxFile + 64<<10

	maxHead = 64 << 10 // bytes of the head of a part
	sniffed = 512      // bytes that http.DetectContentType looks at
	written = 64 << 10 // bytes of one write; mime/multipart returns 4 KiB at a time
)

// Errors of Receive that are the client's. Others are those of reading the form,
// or of the types *fs.PathError and *os.LinkError.
var (
	ErrNoFile   = errors.New("no part is named file and has a file name")
	ErrType     = errors.New("the file is of no accepted type, or declared as another")
	ErrTooLarge = errors.New("the file is over 2 MiB, or the head of a part over 64 KiB")
)

var accepted = []string{"image/png", "image/jpeg", "image/webp", "application/pdf"}

// File is a stored file.
type File struct {
	Name        string
	ContentType string
	Size        int64
	SHA256      string
	StorageName string // within the directory
}

// Receive reads the form of r and stores the content of the first file in dir.
func Receive(r *http.Request, dir string) (File, error) {
	form := &formReader{body: io.MultiReader(r.Body, strings.NewReader("\r\n"), cutOff{})}
	r.Body = io.NopCloser(form)
	parts, err := r.MultipartReader()
	if err != nil {
		return File{}, err
	}
	var file File
	for {
		form.left = maxHead
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		form.left = MaxBody
		switch {
		case err != nil:
		case file.StorageName == "" && part.FormName() == "file" && part.FileName() != "":
			file, err = save(part, dir)
		default:
			err = part.Close() // reads its content
		}
		if err != nil {
			return File{}, errors.Join(err, Remove(dir, file.StorageName))
		}
	}
	if file.StorageName == "" {
		return File{}, ErrNoFile
	}
	return file, nil
}

// formReader reads left bytes at most: mime/multipart holds the head of a part in
// memory, up to 10 MiB.
type formReader struct {
	body io.Reader
	left int64
}

func (f *formReader) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := f.body.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// cutOff stands behind the body, after a line end, which the closing delimiter
// may lack. mime/multipart would take io.EOF in the head of a part for the end of
// the form.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Remove deletes the content under a storage name, if there is one.
func Remove(dir, storageName string) error {
	if storageName == "" {
		return nil
	}
	return os.Remove(filepath.Join(dir, storageName))
}

// save writes under a temporary name, so that a random name has all its content.
func save(part *multipart.Part, dir string) (File, error) {
	content := bufio.NewReaderSize(part, sniffed)
	head, err := content.Peek(sniffed)
	if err != nil && err != io.EOF {
		return File{}, err
	}
	contentType := http.DetectContentType(head)
	declared, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if !slices.Contains(accepted, contentType) || (declared != "" && declared != contentType) {
		return File{}, ErrType
	}
	temporary, err := os.CreateTemp(dir, "*.part")
	if err != nil {
		return File{}, err
	}
	digest := sha256.New()
	stored := bufio.NewWriterSize(inTurn{io.MultiWriter(temporary, digest)}, written)
	size, err := io.Copy(stored, io.LimitReader(content, MaxFile+1))
	if size > MaxFile {
		err = ErrTooLarge
	}
	err = errors.Join(err, stored.Flush())
	file := File{
		Name: SafeName(part.FileName()), ContentType: contentType, Size: size,
		SHA256: hex.EncodeToString(digest.Sum(nil)), StorageName: rand.Text(),
	}
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), filepath.Join(dir, file.StorageName))
	}
	if err != nil {
		return File{}, errors.Join(err, os.Remove(temporary.Name()))
	}
	return file, nil
}

// turns has a place for each CPU.
var turns = make(chan struct{}, runtime.GOMAXPROCS(0))

// inTurn is a Writer whose writes wait for a turn. Of many uploads only a few
// are in Go's run queue then, where all other requests would wait behind them.
type inTurn struct{ io.Writer }

func (w inTurn) Write(p []byte) (int, error) {
	turns <- struct{}{}
	defer func() { <-turns }()
	return w.Writer.Write(p)
}

var unsafeCharacters = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// SafeName makes a file name that can be shown in a header. It keeps up to 100
// of A-Z a-z 0-9 . - _ that don't begin with a dot.
func SafeName(name string) string {
	name = strings.TrimLeft(unsafeCharacters.ReplaceAllString(name, "_"), ".")
	name = name[:min(len(name), 100)]
	if name == "" {
		return "file"
	}
	return name
}
