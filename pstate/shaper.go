package pstate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/codec"
	internal "github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/shape"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// shaper makes the schema of a handle's type, and gathers its mistakes.
type shaper struct {
	codecs    []codec.Codec
	partition any            // the option's func(K, int) int
	placed    bool           // a level took it
	within    int            // keyed levels and lists around
	types     []reflect.Type // fixed keys around
	where     []string       // fields around
	mistakes  []error

	migrations []*migration
	chain      []string       // of the value's type that is looked at: migrations that lead to it, the first one first
	stored     []*shape.Shape // what each of them starts from
}

func (s *shaper) mistake(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if len(s.where) > 0 {
		err = fmt.Errorf("field %s: %w", strings.Join(s.where, "."), err)
	}
	s.mistakes = append(s.mistakes, err)
}

// valued makes the schema of a structure with values of type T.
func valued[T any](s *shaper, kind overlay.Kind) *overlay.Schema {
	out := &overlay.Schema{Kind: kind}
	if t := reflect.TypeFor[T](); reflect.PointerTo(t).Implements(reflect.TypeFor[Schema]()) {
		s.mistake("value type %v is a structure of its own, and cannot be stored as a value; nest it with MapOf, ListOf or Fixed", t)
		return out
	}
	leaf, err := internal.Choose[T](s.codecs)
	if err != nil {
		s.mistake("value type %v: %w", reflect.TypeFor[T](), err)
	}
	out.Leaf, out.Codec, out.Shape = &leaf, leaf.Name, leaf.Shape
	s.chain, s.stored = nil, nil
	if s.migrated(&leaf, reflect.TypeFor[T](), leaf.Name); len(s.chain) > 0 {
		out.Migrations, out.From = s.chain, s.stored
		mark := MarkOf(s.chain[len(s.chain)-1])
		out.Outdated = func(raw string) bool { return !strings.HasSuffix(raw, mark) }
		out.Rewrite = overlay.Rewrite[T]
	}
	return out
}

// keyed gives a schema keys of type K. sorted asks for keys whose encoding keeps their
// order.
func keyed[K any](s *shaper, out *overlay.Schema, sorted bool) *overlay.Schema {
	key, err := wire.KeyTypeOf(reflect.TypeFor[K]())
	if err != nil {
		s.mistake("%w", err)
		return out
	}
	if sorted && !key.Ordered() {
		s.mistake("key type %v has only its JSON, whose order means nothing; a sorted structure takes strings, numbers, bool, times, byte arrays, and structs of such", reflect.TypeFor[K]())
	}
	out.Key = key
	var own func(K, int) int
	if s.partition != nil && s.within == 0 {
		f, ok := s.partition.(func(K, int) int)
		if !ok {
			s.mistake("the partitioner is a %T, and the keys are of type %v", s.partition, reflect.TypeFor[K]())
		}
		own, s.placed = f, true
	}
	out.Task = func(segment *wire.Segment, tasks int) (task.ID, error) {
		key, err := parseKey[K](out, string(wire.AppendElement(nil, *segment)))
		if err != nil {
			return task.None, err
		}
		id, _, err := taskOf(key, own, tasks, nil)
		return id, err
	}
	return out
}

// inside makes the schema of what lies within another level.
func (s *shaper) inside(shape func(*shaper) *overlay.Schema) *overlay.Schema {
	s.within++
	defer func() { s.within-- }()
	return shape(s)
}

// settle tells every level of a schema where it lies.
func settle(s, parent *overlay.Schema, depth int, keyed *overlay.Schema, listed bool) {
	s.Parent, s.Depth = parent, depth
	listed = listed || s.Kind == overlay.KindList || s.Kind == overlay.KindListOf
	if keyed == nil && !listed && s.Key != nil {
		keyed = s
	}
	s.Keyed = keyed
	for _, inner := range append(slices.Clone(s.Fields), s.Elem) {
		if inner != nil {
			settle(inner, s, depth+1, keyed, listed)
		}
	}
}

func typeName[T any]() string { return reflect.TypeFor[T]().String() }
