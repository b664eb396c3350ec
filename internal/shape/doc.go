// Package shape looks at Go types as codecs do: what of a value would be lost on
// the way there and back, whether copies share anything, and which fields it is
// stored with. A shape is kept with a module's plan, so that its next version is
// compared with what lies in the store.
package shape
