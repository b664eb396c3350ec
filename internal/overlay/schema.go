package overlay

import (
	"slices"

	"github.com/coppice-run/coppice/internal/shape"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Decl is a declared PState as the views know it. It does not change after the
// module's Define.
type Decl struct {
	Module string
	ID     int     // position among the module's PStates
	Name   string  // part of the Redis keys
	Owner  string  // the topology that writes it
	Schema *Schema // of its outermost structure
	Leaf   any     // *codec.Codec[T] of the values, where there is no schema

	Global   bool // one partition, on task 0
	Private  bool // only its topology reads it
	Foreign  bool // it is of another module: only views of what is committed read it
	Volatile bool // written beside the views, which therefore keep nothing of it
	// Temporary: it is empty at the beginning of each attempt at a microbatch, lives in
	// memory, and is never stored.
	Temporary bool
	Initial   *string // stored form of what a value is before it is written; nil: absent
	// Partition is the PState's own func(K, int) int from a key to a task; nil: by hash.
	Partition any
}

// Kind is a kind of structure.
type Kind uint8

// The kinds of structures.
const (
	KindValue Kind = iota + 1
	KindMap
	KindSortedMap
	KindSet
	KindSortedSet
	KindList
	KindMapOf  // a map of structures
	KindListOf // a list of structures
	KindFixed  // a structure for each of some fixed keys
)

func (k Kind) String() string {
	return [...]string{"no structure", "value", "map", "sorted map", "set", "sorted set", "list", "map of", "list of", "fixed keys"}[k]
}

// Schema is one level of a PState: a structure, and what is known of those within.
// Paths lead along it, whoever made them: the handles of a module's code, or text
// that came from outside.
type Schema struct {
	Kind   Kind
	Parent *Schema // the structure that this one is in; nil at the root

	Key  *wire.KeyType // of maps and sets
	Leaf any           // *codec.Codec[T] of the values of a Value, a Map, a SortedMap or a List

	// Of values that migrate: the migrations, and what each starts from; whether a stored value
	// has not passed them; and what stores an element as it is read, which one that the view does
	// not know has raw in the store.
	Migrations []string
	From       []*shape.Shape
	Outdated   func(raw string) bool
	Rewrite    func(v *View, p *Path, raw string) (rewritten bool)

	Codec string       // its name
	Shape *shape.Shape // of the values

	Elem   *Schema   // of MapOf and ListOf
	Fields []*Schema // of Fixed
	Name   string    // of a field
	Text   string    // the schema in words, with the names of Go types
	Column int       // of a value that is a field: where its table keeps it

	// Keyed is the first level on the way here that has keys, if no list comes before
	// it: its key chooses the task.
	Keyed *Schema
	// Depth is the number of segments that lead to this structure.
	Depth int
	// Task finds the task of a key of this level.
	Task func(key *wire.Segment, tasks int) (task.ID, error)
}

// Table is the kind of the table that holds the structure's elements, or the keys of
// the structures within.
func (s *Schema) Table() store.Kind {
	switch s.Kind {
	case KindValue:
		return store.Value
	case KindSortedMap:
		return store.SortedMap
	case KindSet:
		return store.Set
	case KindSortedSet, KindMapOf, KindListOf:
		return store.SortedSet
	case KindList:
		return store.List
	}
	return store.Map
}

// Field finds one of fixed keys by its name.
func (s *Schema) Field(name string) (i int, ok bool) {
	i = slices.IndexFunc(s.Fields, func(f *Schema) bool { return f.Name == name })
	return i, i >= 0
}

// holder is the structure whose table holds the schema's elements: a value among
// fixed keys is one of that table's.
func (s *Schema) holder() *Schema {
	if s != nil && s.Kind == KindValue {
		return s.Parent
	}
	return s
}
