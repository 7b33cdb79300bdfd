package api

import (
	"net/http"
	"os"
	"path/filepath"

	"github.com/gin-gonic/gin"

	"fairground/apis/go/internal/store"
	"fairground/apis/go/internal/upload"
	"fairground/apis/go/internal/view"
)

func (a *API) upload(c *gin.Context) {
	received, err := upload.Receive(c.Request, a.UploadDir)
	if err != nil {
		fail(c, err).SetType(gin.ErrorTypeBind)
		return
	}
	file := store.File{
		OwnerID:     caller(c).ID,
		Filename:    received.Name,
		ContentType: received.ContentType,
		Size:        received.Size,
		SHA256:      received.SHA256,
		StorageName: received.StorageName,
	}
	if err := a.Store.CreateFile(c.Request.Context(), &file); err != nil {
		if store.IsRefused(err) { // else there may be a row, which must not be without its content
			_ = upload.Remove(a.UploadDir, received.StorageName)
		}
		fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, view.NewFile(file))
}

func (a *API) download(c *gin.Context) {
	id, ok := pathID(c)
	if !ok {
		return
	}
	file, err := a.Store.File(c.Request.Context(), id)
	if err != nil {
		fail(c, err)
		return
	}
	content, err := os.Open(filepath.Join(a.UploadDir, file.StorageName))
	if err != nil {
		fail(c, err)
		return
	}
	defer content.Close()
	c.DataFromReader(http.StatusOK, file.Size, file.ContentType, content, map[string]string{
		"Content-Disposition":    `attachment; filename="` + file.Filename + `"`,
		"X-Content-Type-Options": "nosniff",
	})
}
