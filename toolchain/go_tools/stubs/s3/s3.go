// Package s3 is what the file backend of the Pulumi engine names of Amazon's storage. The engine that is built here
// opens none.
package s3

// CopyObjectInput is never made: no driver of this engine's does.
type CopyObjectInput struct{ CopySource *string }
