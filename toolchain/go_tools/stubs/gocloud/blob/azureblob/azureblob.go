// Package azureblob registers no driver: the engine that is built here keeps its state in a folder.
package azureblob

import (
	"context"
	"errors"
	"net/url"

	"gocloud.dev/blob"
)

// Scheme is that of the URLs.
const Scheme = "azblob"

// ServiceURLOptions is empty.
type ServiceURLOptions struct{}

// URLOpener opens nothing.
type URLOpener struct {
	MakeClient        func()
	ServiceURLOptions ServiceURLOptions
}

// NewDefaultClient does nothing.
func NewDefaultClient() {}

// NewDefaultServiceURLOptions returns nothing.
func NewDefaultServiceURLOptions() *ServiceURLOptions { return &ServiceURLOptions{} }

// OpenBucketURL fails.
func (*URLOpener) OpenBucketURL(context.Context, *url.URL) (*blob.Bucket, error) {
	return nil, errors.New("this engine was built without Azure's storage")
}
