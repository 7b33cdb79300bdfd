package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/problem"
	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/token"
	"fairground/apis/go/internal/upload"
	"fairground/apis/go/internal/view"
)

// maxBoundaryBytes is from RFC 2046, section 5.1.1.
const maxBoundaryBytes = 70

func (a *api) uploadFile(c *gin.Context, caller token.User) error {
	received, err := a.receive(c.Request)
	if err != nil {
		return err
	}
	file := store.File{
		OwnerID:     caller.ID,
		Filename:    received.Name,
		ContentType: received.ContentType,
		Size:        received.Size,
		SHA256:      received.SHA256,
		StorageName: received.StorageName,
	}
	err = a.store.CreateFile(c.Request.Context(), &file)
	if err != nil {
		removed := a.uploads.Remove(received.StorageName)
		if errors.Is(err, store.ErrNoSuchUser) && removed == nil {
			return problem.BadToken
		}
		return errors.Join(err, removed)
	}
	return writeView(c, http.StatusCreated, view.OfFile(file))
}

// receive stores the content of an upload, or returns the problem with it.
func (a *api) receive(r *http.Request) (upload.File, error) {
	if !hasMediaType(r, "multipart/form-data") {
		return upload.File{}, problem.NotMultipart
	}
	if r.ContentLength > upload.MaxBodyBytes {
		return upload.File{}, problem.FileTooLarge
	}
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	boundary := parameters["boundary"]
	if err != nil || boundary == "" || len(boundary) > maxBoundaryBytes {
		return upload.File{}, problem.BadUpload
	}
	file, err := a.uploads.Receive(r.Body, boundary)
	var read *upload.ReadError
	switch {
	case errors.Is(err, upload.ErrMalformed):
		return upload.File{}, problem.BadUpload
	case errors.Is(err, upload.ErrType):
		return upload.File{}, problem.NotAcceptedFile
	case errors.Is(err, upload.ErrTooLarge):
		return upload.File{}, problem.FileTooLarge
	case errors.As(err, &read):
		return upload.File{}, bodyProblem(read, problem.BadUpload)
	}
	return file, err
}

func (a *api) file(c *gin.Context) error {
	file, err := a.store.File(c.Request.Context(), pathID(c))
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoFile
	}
	if err != nil {
		return err
	}
	content, err := a.uploads.Open(file.StorageName, file.Size)
	if err != nil {
		return fmt.Errorf("opening the content of file %d: %w", file.ID, err)
	}
	defer content.Close()
	c.Header("Content-Disposition", `attachment; filename="`+file.Filename+`"`)
	writeHead(c, http.StatusOK, []string{file.ContentType}, file.Size)
	if c.Request.Method == http.MethodHead {
		return nil
	}
	if _, err := io.CopyN(c.Writer, content, file.Size); err != nil {
		panic(http.ErrAbortHandler) // the client has gone, or must not take this for the whole
	}
	return nil
}
