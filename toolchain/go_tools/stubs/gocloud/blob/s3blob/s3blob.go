// Package s3blob registers no driver: the engine that is built here keeps its state in a folder.
package s3blob
