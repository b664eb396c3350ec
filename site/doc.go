// Command site makes the documentation site of the Markdown files of the repository:
// README.md, CHANGELOG.md, CONTRIBUTING.md and docs/. `make site` calls it.
//
//	site -root .. -out ../.site
//
// Every link within the repository has to lead somewhere: to a page, to a heading of a
// page, or to a file, which is linked where the source is published. Every block of code has
// to be checked by something, or to say that it is none: see blocks.go. The command tells
// all that is wrong and fails.
//
// It is a module of its own: nothing that it needs is needed by who uses the library.
package main
