// Package place is what paths (package nav) know of the elements of structures (package
// pstate): where one is, and what may be done with it.
package place

import "github.com/coppice-run/coppice/internal/overlay"

// The modes of a place, as types: what may be done with it is known to the compiler.
type (
	// Value is a value that can be replaced and removed.
	Value struct{}
	// Structure is a structure of package pstate: it can be removed, with everything
	// under it, and not replaced.
	Structure struct{}
	// Row is a structure in a list of structures: it stays where it is.
	Row struct{}
	// Derived is computed from what is stored, and can only be read.
	Derived struct{}
)

// Place is an element of a structure.
type Place[E any] struct {
	Value E       // if Known
	Known bool    // without asking the cell
	There bool    // if Known: it exists. A structure that is Known may exist or not.
	Cell  Cell[E] // nil where the place is only read
	Of    overlay.Moment
}

// Cell reads and writes an element.
type Cell[E any] interface {
	// Lookup returns the element, and whether it exists.
	Lookup(v *overlay.View) (E, bool, error)
	// Set replaces it. Structures are not replaced.
	Set(v *overlay.View, e E)
	// Remove removes it, with everything under it.
	Remove(v *overlay.View)
}
