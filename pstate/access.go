package pstate

import "github.com/coppice-run/coppice/internal/overlay"

// Reader is what PStates are read through: an event or a client.
type Reader interface {
	// StateView is for the handles of this package.
	StateView() *overlay.View
}

// Writer is what PStates are written through: an event of the topology that
// declares them.
type Writer interface {
	Reader
	// StateWriter is for the handles of this package.
	StateWriter()
}

// Schema is implemented by a pointer to every handle type: what a topology can
// declare.
type Schema interface {
	declare(*overlay.Decl) []error
	describe() string
}

// Keyed is a handle whose partitions are found by a key of type K: what a step
// can be placed at.
type Keyed[K comparable] interface {
	keyed(K)
	declared() *overlay.Decl
}

// Handle is a structure that can be nested in a MapOf.
type Handle[H any] interface {
	at(overlay.Path) H
	check() []error
	describe() string
	leaf() (any, error)
	dropAll(*overlay.View)
}

// Declare binds a handle to its declaration and returns the mistakes in its
// type. For package module.
func Declare(h Schema, d *overlay.Decl) []error { return h.declare(d) }

// Describe prints a handle's type as a schema: map[string]int64. For package
// module.
func Describe(h Schema) string { return h.describe() }

// DeclOf returns the declaration of a handle, nil before it is declared. For
// package module.
func DeclOf[K comparable](h Keyed[K]) *overlay.Decl { return h.declared() }
