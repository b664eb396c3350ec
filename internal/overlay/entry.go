package overlay

import (
	"strings"
	"unsafe"
)

// node is what the view knows of one element, whatever the type of its value.
type node struct {
	table  *Table
	field  string
	raw    string // the stored form, where it is kept; see Entry
	saved  uint32 // savepoint that last recorded this node
	batch  uint32 // last batch that touched it: it stays cached until that ends (R45)
	flags  flags
	base   base   // whether the element exists without the open batch's writes; set when it becomes dirty
	column uint16 // of the table
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

// Entry is one cached element, one line of memory where its value is a number. Plain types keep the value, and, where encoding
// can fail, also its stored form from the moment of writing; other types keep
// only the stored form, so that each reader gets a copy of its own.
type Entry[T any] struct {
	n     node
	value T
}

// shortMax is the longest field that lies behind its entry.
const shortMax = 16

// shortEntry is an entry and its field: that is compared at a known place, without
// waiting for the entry to say where it is.
type shortEntry[T any] struct {
	Entry[T]
	field [shortMax]byte
}

// newEntry makes an entry of a field, which may lie in scratch.
func newEntry[T any](field string) *Entry[T] {
	if len(field) > shortMax {
		e := &Entry[T]{}
		e.n.field = strings.Clone(field)
		return e
	}
	e := &shortEntry[T]{}
	e.n.field = unsafe.String(&e.field[0], copy(e.field[:], field))
	return &e.Entry
}

// named reports whether an entry has this field, if one of both is short only if the other is, too.
func (e *Entry[T]) named(field string) bool {
	if len(field) > shortMax {
		return e.n.field == field
	}
	return len(e.n.field) == len(field) && string((*shortEntry[T])(unsafe.Pointer(e)).field[:len(field)]) == field
}

// last reads the end of an entry with this hash.
func (e *Entry[T]) last(hash uint64) int {
	if hash&shortBit == 0 {
		return 0
	}
	return int((*shortEntry[T])(unsafe.Pointer(e)).field[shortMax-1])
}

// in is the column that holds it.
func (e *Entry[T]) in() *fields[T] { return e.n.table.columns[e.n.column].(*fields[T]) }

func (e *Entry[T]) node() *node { return &e.n }
func (e *Entry[T]) kept() bool  { return e.in().kept() }

// kept reports whether entries keep the stored form.
func (f *fields[T]) kept() bool { return !f.codec.Sure || !f.codec.Plain }

func (e *Entry[T]) load(raw string, found bool) {
	e.n.flags |= loaded
	if !found {
		e.n.flags &^= present
		return
	}
	e.n.flags |= present
	f := e.in()
	if f.kept() {
		e.n.raw = raw
	}
	if f.codec.Plain {
		if err := f.codec.Decode(bytesOf(raw), &e.value); err != nil {
			e.n.flags |= broken
			e.n.raw = raw
		}
	}
}

// whyBroken decodes the stored form again for its error.
func (e *Entry[T]) whyBroken() error {
	var value T
	return e.in().codec.Decode(bytesOf(e.n.raw), &value)
}

func (e *Entry[T]) restore() {
	f := e.in()
	last := len(f.undone) - 1
	e.value = f.undone[last]
	var zero T
	f.undone[last] = zero
	f.undone = f.undone[:last]
}

func (e *Entry[T]) appendValue(arena []byte) ([]byte, error) {
	return e.in().codec.Append(arena, &e.value)
}

func (e *Entry[T]) forget() { e.in().entries.remove(hashOf(e.n.field), e.n.field) }

// get copies the value out; only for loaded, present entries.
func (e *Entry[T]) get() (T, error) {
	if e.in().codec.Plain {
		return e.value, nil
	}
	return e.decoded()
}

// decoded is apart because the value escapes here.
func (e *Entry[T]) decoded() (value T, err error) {
	err = e.in().codec.Decode(bytesOf(e.n.raw), &value)
	return value, err
}

// set changes the value; the caller has recorded the old one. The codec gets the
// address of the entry's own copy: a caller's would escape with every write.
func (e *Entry[T]) set(value T, scratch *[]byte) error {
	before, f := e.value, e.in()
	e.value = value
	if f.kept() {
		raw, err := f.codec.Append((*scratch)[:0], &e.value)
		if err != nil {
			e.value = before
			return err
		}
		*scratch = raw
		e.n.raw = string(raw)
	}
	if !f.codec.Plain {
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
	n, f := aroundBytes+len(e.n.field), e.in()
	switch {
	case f.kept():
		return n + len(e.n.raw)
	case f.codec.Size != nil:
		return n + f.codec.Size(&e.value)
	}
	return n + scalarBytes
}

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
