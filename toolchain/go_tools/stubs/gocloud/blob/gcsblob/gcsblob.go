// Package gcsblob registers no driver: the engine that is built here keeps its state in a folder.
package gcsblob

// Scheme is that of the URLs.
const Scheme = "gs"
