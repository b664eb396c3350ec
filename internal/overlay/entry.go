package overlay

import "unsafe"

// node is what the view knows of one element, whatever the type of its value.
type node struct {
	table *Table
	field string
	raw   string // the stored form, where it is kept; see Entry
	saved uint32 // savepoint that last recorded this node
	batch uint32 // last batch that touched it: it stays cached until that ends (R45)
	flags flags
	base  base // whether the element exists without the open batch's writes; set when it becomes dirty
}

type flags uint8

const (
	loaded  flags = 1 << iota // value and presence are known
	present                   // the element exists
	dirty                     // written by the open batch
	wanted                    // asked for in this round of needs
	used                      // touched since the eviction hand last passed
	broken                    // the stored form does not decode: reading it fails the event
)

type base uint8

const (
	baseUnknown base = iota
	baseAbsent
	basePresent
)

// element is an Entry of any type.
type element interface {
	node() *node
	load(raw string, found bool)
	restore()
	drop()
	appendValue(arena []byte) ([]byte, error)
	kept() bool // the stored form is in node.raw
	size() int  // about how many bytes it takes in its commit
	forget()
}

// Entry is one cached element. Plain types keep the value, and, where encoding
// can fail, also its stored form from the moment of writing; other types keep
// only the stored form, so that each reader gets a copy of its own.
type Entry[T any] struct {
	n     node
	value T
	in    *fields[T]
}

func (e *Entry[T]) node() *node { return &e.n }
func (e *Entry[T]) kept() bool  { return !e.in.codec.Sure || !e.in.codec.Plain }

func (e *Entry[T]) load(raw string, found bool) {
	e.n.flags |= loaded
	if !found {
		e.n.flags &^= present
		return
	}
	e.n.flags |= present
	if e.kept() {
		e.n.raw = raw
	}
	if e.in.codec.Plain {
		if err := e.in.codec.Decode(bytesOf(raw), &e.value); err != nil {
			e.n.flags |= broken
			e.n.raw = raw
		}
	}
}

// whyBroken decodes the stored form again for its error.
func (e *Entry[T]) whyBroken() error {
	var value T
	return e.in.codec.Decode(bytesOf(e.n.raw), &value)
}

func (e *Entry[T]) restore() {
	last := len(e.in.undone) - 1
	e.value = e.in.undone[last]
	var zero T
	e.in.undone[last] = zero
	e.in.undone = e.in.undone[:last]
}

func (e *Entry[T]) appendValue(arena []byte) ([]byte, error) {
	return e.in.codec.Append(arena, &e.value)
}

func (e *Entry[T]) forget() { delete(e.in.entries, e.n.field) }

// get copies the value out; only for loaded, present entries.
func (e *Entry[T]) get() (T, error) {
	if e.in.codec.Plain {
		return e.value, nil
	}
	return e.decoded()
}

// decoded is apart because the value escapes here.
func (e *Entry[T]) decoded() (value T, err error) {
	err = e.in.codec.Decode(bytesOf(e.n.raw), &value)
	return value, err
}

// set changes the value; the caller has recorded the old one. The codec gets the
// address of the entry's own copy: a caller's would escape with every write.
func (e *Entry[T]) set(value T, scratch *[]byte) error {
	before := e.value
	e.value = value
	if e.kept() {
		raw, err := e.in.codec.Append((*scratch)[:0], &e.value)
		if err != nil {
			e.value = before
			return err
		}
		*scratch = raw
		e.n.raw = string(raw)
	}
	if !e.in.codec.Plain {
		e.value = before // zero: such entries keep the stored form only
	}
	e.n.flags = e.n.flags&^broken | loaded | present
	return nil
}

// Sizes that are guessed: of what stands around an element in its commit, and of a value
// that is a number or the like.
const (
	aroundBytes = 32
	scalarBytes = 16
)

// size is about how many bytes the element takes in its commit.
func (e *Entry[T]) size() int {
	n := aroundBytes + len(e.n.field)
	switch {
	case e.kept():
		return n + len(e.n.raw)
	case e.in.codec.Size != nil:
		return n + e.in.codec.Size(&e.value)
	}
	return n + scalarBytes
}

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
