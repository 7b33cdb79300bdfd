package upload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	png  = "\x89PNG\r\n\x1a\n and so on"
	webp = "RIFF\x00\x01\x02\x03WEBPVP8 "
)

func TestSafeName(t *testing.T) {
	for given, want := range map[string]string{
		"picture.png":            "picture.png",
		"../../etc/passwd":       "passwd",
		`C:\temp\a b.png`:        "a_b.png",
		".htaccess":              "htaccess",
		"...é...png":             "_...png",
		"…é…png":                 "_png",
		"Zoë (1).jpg":            "Zo_1_.jpg",
		"..":                     "file",
		"":                       "file",
		"a/":                     "file",
		"\"\r\nX: y":             "_X_y",
		"\xff\xfe":               "_",
		"a__b  c":                "a__b_c",
		strings.Repeat("x", 300): strings.Repeat("x", 100),
	} {
		if got := SafeName(given); got != want {
			t.Errorf("SafeName(%q) = %q, want %q", given, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	for _, seed := range []string{"a.png", "../x", `\`, "..é", "\x00"} {
		f.Add(seed)
	}
	safe := regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)
	f.Fuzz(func(t *testing.T, given string) {
		if got := SafeName(given); !safe.MatchString(got) {
			t.Errorf("SafeName(%q) = %q", given, got)
		}
	})
}

func TestParseDisposition(t *testing.T) {
	for _, tt := range []struct {
		header, name, filename string
		ok                     bool
	}{
		{`form-data`, "", "", true},
		{`form-data; name="file"; filename="a.png"`, "file", "a.png", true},
		{`FORM-DATA;NAME=file;` + "\t" + `FileName=a.png`, "file", "a.png", true},
		{`form-data; name="a\"b\\c"`, `a"b\c`, "", true},
		{`form-data; name="a;b"; filename="c=d"`, "a;b", "c=d", true},
		{`form-data; name=file; name=other`, "file", "", true},
		{`form-data; filename*=UTF-8''x.png; name=file`, "file", "", true},
		{`form-data; name="%66ile"`, "%66ile", "", true},
		{`form-data; name="é"`, "é", "", true},
		{`form-data; name=""`, "", "", true},
		{``, "", "", false},
		{`attachment; name="file"`, "", "", false},
		{`form-data name="file"`, "", "", false},
		{`form-data; name`, "", "", false},
		{`form-data; ="file"`, "", "", false},
		{`form-data; name="file`, "", "", false},
		{`form-data; name="file\`, "", "", false},
		{`form-data; name="file"x`, "", "", false},
		{`form-data; name=file x`, "", "", false},
		{`form-data; name="file";`, "", "", false},
		{`form-data;; name="file"`, "", "", false},
	} {
		got, ok := parseDisposition(tt.header)
		if ok != tt.ok || got != (disposition{tt.name, tt.filename}) {
			t.Errorf("parseDisposition(%s) = %+v, %t; want %q, %q, %t", tt.header, got, ok, tt.name, tt.filename, tt.ok)
		}
	}
}

func FuzzParseDisposition(f *testing.F) {
	for _, seed := range []string{`form-data; name="file"; filename="a\"b"`, `form-data;a=b;c="`, "form-data"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if _, ok := parseDisposition(header); ok && !strings.EqualFold(header[:len("form-data")], "form-data") && header[0] > ' ' {
			t.Errorf("accepted %q", header)
		}
	})
}

// part is one part with its header lines.
func part(headers, content string) string {
	return "--B\r\n" + headers + "\r\n\r\n" + content + "\r\n"
}

const (
	closing  = "--B--\r\n"
	fileLine = `Content-Disposition: form-data; name="file"; filename="../a b.png"`
)

func receive(t *testing.T, body io.Reader) (File, Directory, string, error) {
	t.Helper()
	path := t.TempDir()
	d, err := OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	file, err := d.Receive(body, "B")
	return file, d, path, err
}

func TestReceive(t *testing.T) {
	largest := png + strings.Repeat("x", MaxFileBytes-len(png))
	note := part(`Content-Disposition: form-data; name="note"`, "text")
	for name, tt := range map[string]struct{ body, content, contentType string }{
		"alone":              {part(fileLine, png) + closing, png, "image/png"},
		"among others":       {note + part(fileLine, png) + note + closing, png, "image/png"},
		"preamble, epilogue": {"pre\r\n" + part(fileLine, png) + closing + "post", png, "image/png"},
		"declared":           {part(fileLine+"\r\nContent-Type: IMAGE/WebP ; x=y", webp) + closing, webp, "image/webp"},
		"no line end":        {part(fileLine, png) + "--B--", png, "image/png"},
		"blanks at the end":  {part(fileLine, png) + "--B-- \t", png, "image/png"},
		"repeated header":    {part(fileLine+"\r\nContent-Disposition: x", png) + closing, png, "image/png"},
		"transfer encoding":  {part(fileLine+"\r\nContent-Transfer-Encoding: quoted-printable", "%PDF-=41") + closing, "%PDF-=41", "application/pdf"},
		"shortest":           {part(fileLine, "\xff\xd8\xff") + closing, "\xff\xd8\xff", "image/jpeg"},
		"largest":            {part(fileLine, largest) + closing, largest, "image/png"},
		"looks like the end": {part(fileLine, png+"\r\n--A--\r\n--Bx--") + closing, png + "\r\n--A--\r\n--Bx--", "image/png"},
	} {
		for reading, body := range map[string]io.Reader{
			"whole":        strings.NewReader(tt.body),
			"byte by byte": iotest.OneByteReader(strings.NewReader(tt.body)),
		} {
			file, d, path, err := receive(t, body)
			if err != nil {
				t.Errorf("%s, %s: %v", name, reading, err)
				continue
			}
			sum := sha256.Sum256([]byte(tt.content))
			want := File{"a_b.png", tt.contentType, int64(len(tt.content)), hex.EncodeToString(sum[:]), file.StorageName}
			if file != want {
				t.Errorf("%s, %s: got %+v, want %+v", name, reading, file, want)
			}
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(file.StorageName) {
				t.Errorf("%s: storage name %q", name, file.StorageName)
			}
			content, err := d.Open(file.StorageName, file.Size)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := io.ReadAll(content)
			if err != nil || string(stored) != tt.content {
				t.Errorf("%s, %s: stored %d bytes, %v", name, reading, len(stored), err)
			}
			if err := content.Close(); err != nil {
				t.Fatal(err)
			}
			if err := d.Remove(file.StorageName); err != nil {
				t.Fatal(err)
			}
			expectEmpty(t, name, path)
		}
	}
}

func TestBreaches(t *testing.T) {
	broken := errors.New("broken")
	text := func(s string) io.Reader { return strings.NewReader(s) }
	for name, tt := range map[string]struct {
		body io.Reader
		want error
	}{
		"empty":                    {text(""), ErrMalformed},
		"no part":                  {text(closing), ErrMalformed},
		"other boundary":           {text("--C\r\n" + fileLine + "\r\n\r\n" + png + "\r\n--C--\r\n"), ErrMalformed},
		"no closing delimiter":     {text(part(fileLine, png)), ErrMalformed},
		"another delimiter":        {text(part(fileLine, png) + "--B\r\n"), ErrMalformed},
		"half a closing delimiter": {text(part(fileLine, png) + "--B"), ErrMalformed},
		"cut in the content":       {text("--B\r\n" + fileLine + "\r\n\r\n" + png), ErrMalformed},
		"cut in the headers":       {text("--B\r\n" + fileLine), ErrMalformed},
		"bad header":               {text(part("no colon", png) + closing), ErrMalformed},
		"no disposition":           {text(part("X: y", png) + closing), ErrMalformed},
		"bad disposition":          {text(part(`Content-Disposition: form-data; name="file`, png) + closing), ErrMalformed},
		"no file name":             {text(part(`Content-Disposition: form-data; name="file"`, png) + closing), ErrMalformed},
		"empty file name":          {text(part(`Content-Disposition: form-data; name="file"; filename=""`, png) + closing), ErrMalformed},
		"other name":               {text(part(`Content-Disposition: form-data; name="File"; filename="a"`, png) + closing), ErrMalformed},
		"two files":                {text(part(fileLine, png) + part(fileLine, png) + closing), ErrMalformed},
		"second file of no type":   {text(part(fileLine, png) + part(fileLine, "text") + closing), ErrMalformed},
		"no type":                  {text(part(fileLine, "text") + closing), ErrType},
		"no type, and cut":         {text("--B\r\n" + fileLine + "\r\n\r\nmore than twelve octets"), ErrType},
		"cut before its type":      {text("--B\r\n" + fileLine + "\r\n\r\ntext"), ErrMalformed},
		"empty content":            {text(part(fileLine, "") + closing), ErrType},
		"almost a type":            {text(part(fileLine, "RIFF0123WEB") + closing), ErrType},
		"declared as another":      {text(part(fileLine+"\r\nContent-Type: image/jpeg", png) + closing), ErrType},
		"declared as nothing":      {text(part(fileLine+"\r\nContent-Type:", png) + closing), ErrType},
		"file too large":           {text(part(fileLine, png+strings.Repeat("x", MaxFileBytes-len(png)+1)) + closing), ErrTooLarge},
		"file without end":         {io.MultiReader(text("--B\r\n"+fileLine+"\r\n\r\n"+png), endless("x")), ErrTooLarge},
		"preamble without end":     {endless("preamble\r\n"), ErrTooLarge},
		"reading fails":            {io.MultiReader(text("--B\r\n"+fileLine+"\r\n\r\n"+png), iotest.ErrReader(broken)), broken},
		"reading fails at once":    {iotest.ErrReader(broken), broken},
	} {
		file, _, path, err := receive(t, tt.body)
		if !errors.Is(err, tt.want) || file != (File{}) {
			t.Errorf("%s: got %+v, %v; want %v", name, file, err, tt.want)
		}
		expectEmpty(t, name, path)
	}
}

func TestOpenFindsContentThatChanged(t *testing.T) {
	file, d, path, err := receive(t, strings.NewReader(part(fileLine, png)+closing))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path+"/"+file.StorageName, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(file.StorageName, file.Size); err == nil {
		t.Error("opened")
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(part(fileLine, png) + closing))
	f.Add([]byte(part(fileLine, "\xff\xd8\xff") + part(fileLine, webp) + closing))
	f.Add([]byte("--B\r\n\r\n\r\n--B--"))
	path := f.TempDir()
	d, err := OpenDirectory(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		file, err := d.Receive(bytes.NewReader(body), "B")
		if err == nil {
			err = d.Remove(file.StorageName)
		} else if file != (File{}) {
			t.Errorf("%+v beside %v", file, err)
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrType) {
			t.Error(err)
		}
		expectEmpty(t, "", path)
	})
}

func expectEmpty(t *testing.T, name, path string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 0 {
		t.Errorf("%s: left behind %v, %v", name, entries, err)
	}
}

// endless repeats itself.
type endless string

func (e endless) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(string(e), len(p)/len(e)+1)), nil
}
