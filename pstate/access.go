package pstate

import (
	"errors"

	"github.com/coppice-run/coppice/internal/overlay"
)

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
// declare, and what can be a field of fixed keys.
type Schema interface {
	shape(*shaper) *overlay.Schema
	bind(overlay.Path)
}

// Handle is a structure that can lie within another: in a MapOf or a ListOf.
type Handle[H any] interface {
	shape(*shaper) *overlay.Schema
	at(overlay.Path) H
	path() *overlay.Path
}

// Keyed is a handle whose partitions are found by a key of type K: what a step
// can be placed at.
type Keyed[K any] interface {
	keyed(K)
	path() *overlay.Path
}

// Errors of reads, and of writes: those fail the event. Each is wrapped with the
// PState that it is about.
var (
	ErrNotOwner   = overlay.ErrNotOwner   // written by another topology than the one that declares it
	ErrPrivate    = overlay.ErrPrivate    // a private PState, read by a client or another topology
	ErrForeign    = overlay.ErrForeign    // a PState of another module, used by a handler
	ErrNotHere    = overlay.ErrNotHere    // a global PState, used on another task than task 0
	ErrUndeclared = overlay.ErrUndeclared // the handle's module was not launched, nor bound with Use
	ErrBadKey     = overlay.ErrBadKey     // a key without a stored form: NaN, a year of five digits
	ErrIndex      = overlay.ErrIndex      // a list has no such element
	ErrTooMany    = overlay.ErrTooMany    // one event deletes more structures than one commit may hold
)

// ErrPlacedByCode: which task holds a key is only known to the module's code, by a
// partitioner of the PState or a JSON form of the key's own, and the program has not got it.
var ErrPlacedByCode = errors.New("only the module's code knows which task holds the key")
