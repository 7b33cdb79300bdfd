package upload

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSafeName(t *testing.T) {
	long := strings.Repeat("x", 101)
	for name, want := range map[string]string{
		"a-b_c.PNG":    "a-b_c.PNG",
		long[:100]:     long[:100],
		long:           long[:100],
		"..profile":    "profile",
		"my cat (1).é": "my_cat_1_._",
		`a"; b\n.pdf`:  "a_b_n.pdf",
		"...":          "file",
		"":             "file",
	} {
		if got := SafeName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

const (
	png  = "\x89PNG\r\n\x1a\n"
	jpeg = "\xff\xd8\xff"
	webp = "RIFF\x24\x01\x00\x00WEBPVP8 "
	pdf  = "%PDF-"
)

// body returns a multipart body with one part, and its boundary.
func body(t *testing.T, disposition, contentType, content string) (string, string) {
	t.Helper()
	var b strings.Builder
	w := multipart.NewWriter(&b)
	header := textproto.MIMEHeader{"Content-Disposition": {disposition}}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	part, err := w.CreatePart(header)
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.Boundary()
}

func receive(sent, boundary, dir string) (File, error) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(sent))
	r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	return Receive(r, dir)
}

const named = `form-data; name="file"; filename="../a b.png"`

func TestContentIsStored(t *testing.T) {
	for contentType, content := range map[string]string{
		"image/png": png, "image/jpeg": jpeg, "image/webp": webp, "application/pdf": pdf + strings.Repeat("x", MaxFile-5),
	} {
		for _, declared := range []string{contentType, contentType + "; x=y", ""} {
			dir := t.TempDir()
			sent, boundary := body(t, named, declared, content)
			file, err := receive(sent, boundary, dir)
			if err != nil || file.Name != "a_b.png" || file.ContentType != contentType || file.Size != int64(len(content)) {
				t.Fatalf("%s declared as %q: %+v, %v", contentType, declared, file, err)
			}
			stored, err := os.ReadFile(filepath.Join(dir, file.StorageName))
			if err != nil || !bytes.Equal(stored, []byte(content)) {
				t.Errorf("%s: %d bytes stored, %v", contentType, len(stored), err)
			}
		}
	}
}

func TestRefusedUploadLeavesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		disposition, contentType, content string
		want                              error
	}{
		"another type":    {named, "", "GIF89a", ErrType},
		"declared as jpg": {named, "image/jpeg", png, ErrType},
		"empty":           {named, "image/png", "", ErrType},
		"too large":       {named, "", pdf + strings.Repeat("x", MaxFile-4), ErrTooLarge},
		"a large head":    {`form-data; name="file"; filename="` + strings.Repeat("x", maxHead) + `"`, "", png, ErrTooLarge},
		"no file name":    {`form-data; name="file"`, "", png, ErrNoFile},
		"another name":    {`form-data; name="other"; filename="a"`, "", png, ErrNoFile},
	} {
		dir := t.TempDir()
		sent, boundary := body(t, tt.disposition, tt.contentType, tt.content)
		_, err := receive(sent, boundary, dir)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		expectEmpty(t, dir)
	}
}

const note = "\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n"

func TestOtherPartsArePassedOver(t *testing.T) {
	sent, boundary := body(t, named, "image/png", png)
	sent = "--" + boundary + note + strings.Repeat("x", 2*maxHead) + "\r\n" + sent
	file, err := receive(sent, boundary, t.TempDir())
	if err != nil || file.Size != int64(len(png)) {
		t.Errorf("%+v, %v", file, err)
	}
}

func TestBodyThatIsCutOffLeavesNothing(t *testing.T) {
	sent, boundary := body(t, named, "image/png", png+strings.Repeat("x", 600))
	sent = strings.TrimSuffix(sent, "--\r\n") + note + "text\r\n--" + boundary + "--"
	dir := t.TempDir()
	for length := range len(sent) {
		if _, err := receive(sent[:length], boundary, dir); err == nil {
			t.Errorf("%d of %d bytes were accepted", length, len(sent))
		}
	}
	expectEmpty(t, dir)
	if _, err := receive(sent, boundary, dir); err != nil {
		t.Errorf("without a line end behind it: %v", err)
	}
}

func TestWritesWaitForATurn(t *testing.T) {
	for range cap(turns) {
		turns <- struct{}{}
	}
	var b strings.Builder
	ended := make(chan error)
	go func() {
		_, err := inTurn{&b}.Write([]byte("x"))
		ended <- err
	}()
	select {
	case <-ended:
		t.Fatal("written without a turn")
	case <-time.After(50 * time.Millisecond):
	}
	for range cap(turns) {
		<-turns
	}
	if err := <-ended; err != nil || b.String() != "x" {
		t.Errorf("wrote %q, %v", b.String(), err)
	}
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
