package pstate

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"reflect"
	"regexp"
	"slices"

	internal "github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/shape"
)

// Migrate reads values that were stored as Old as New, by a function: every value of type
// New of the PState, wherever in its structures. It holds from the start of the version that declares it
// on; nothing waits for it (promise 8.01). Values of Old are turned when they are read, what is
// written is stored as New, and the tasks rewrite what is left, beside their work, a little
// at a time (migration.elements.per.second.max), until no value of Old is left. Then the next
// version may leave the option out; one that does so earlier is refused.
//
// id names the migration, for ever: for a PState it is not used again. f may be called more
// than once for a value, and by clients; it has to return the same each time. What it panics
// with fails the read. Several migrations of one PState follow each other: from A to B by one,
// from B to C by the next, given in this order.
//
// Both types are stored as JSON; what New is stored as ends in white space that says by which
// migration it was written, which readers of JSON do not see. Keys, the elements of sets, and the
// structures themselves do not migrate: give those a new name.
func Migrate[Old, New any](id string, f func(Old) New) Option {
	return Option{func(s *settings) {
		switch {
		case !migrationPattern.MatchString(id):
			s.mistakes = append(s.mistakes, fmt.Errorf("has a migration %q; a name has 1 to 80 letters, digits, '-' or '_', the first a letter or digit", id))
		case f == nil:
			s.mistakes = append(s.mistakes, fmt.Errorf("its migration %q has no function", id))
		case slices.ContainsFunc(s.migrations, func(m *migration) bool { return m.id == id || MarkOf(m.id) == MarkOf(id) }):
			s.mistakes = append(s.mistakes, fmt.Errorf("has two migrations whose ids are %q, or too much like it; give each an id of its own", id))
		default:
			s.migrations = append(s.migrations, &migration{
				id: id, from: reflect.TypeFor[Old](), to: reflect.TypeFor[New](),
				old:  func(s *shaper) (any, *shape.Shape, error) { return oldCodec[Old](s) },
				wrap: func(leaf, old any) { wrap(id, leaf.(*internal.Codec[New]), old.(*internal.Codec[Old]), f) },
			})
		}
	}}
}

var migrationPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$`)

// migration is a declared one.
type migration struct {
	id       string
	from, to reflect.Type
	old      func(*shaper) (codec any, stored *shape.Shape, err error)
	wrap     func(leaf, old any)
	used     bool
}

// markBytes is the length of a mark: four kinds of white space give it 16 bits.
const markBytes = 8

// MarkOf is what values end in that were written while a migration is declared. For package
// module, which sees to it that no two of a PState have the same.
func MarkOf(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	sum := h.Sum32()
	sum ^= sum >> 16
	mark := make([]byte, markBytes)
	for i := range mark {
		mark[i] = " \t\n\r"[sum>>(2*i)&3]
	}
	return string(mark)
}

func oldCodec[Old any](s *shaper) (any, *shape.Shape, error) {
	c, err := internal.JSON[Old]()
	stored := c.Shape
	if err == nil {
		s.migrated(&c, reflect.TypeFor[Old](), c.Name)
	}
	return &c, stored, err
}

// migrated has the codec of a value's type read what migrations turn into it.
func (s *shaper) migrated(leaf any, t reflect.Type, name string) {
	i := len(s.migrations) - 1
	for i >= 0 && s.migrations[i].to != t {
		i--
	}
	if i < 0 {
		return
	}
	m := s.migrations[i]
	if name != "json" {
		s.mistake("its migration %q is of values that are stored as %s: only those stored as JSON can be told from what they are migrated to; give the PState a new name", m.id, name)
		return
	}
	m.used = true
	outer := s.migrations
	s.migrations = outer[:i] // what leads to Old comes before it
	old, stored, err := m.old(s)
	s.migrations = outer
	if err != nil {
		s.mistake("its migration %q is from %v: %w", m.id, m.from, err)
		return
	}
	m.wrap(leaf, old)
	s.chain, s.stored = append(s.chain, m.id), append(s.stored, stored)
}

// wrap has a codec read what its type is migrated from, and mark what it writes.
func wrap[Old, New any](id string, c *internal.Codec[New], old *internal.Codec[Old], f func(Old) New) {
	inner, mark := *c, []byte(MarkOf(id))
	c.Append = func(dst []byte, v *New) ([]byte, error) {
		dst, err := inner.Append(dst, v)
		return append(dst, mark...), err
	}
	c.Decode = func(raw []byte, v *New) error {
		if stored, ok := bytes.CutSuffix(raw, mark); ok {
			return inner.Decode(stored, v)
		}
		var was Old
		if err := old.Decode(raw, &was); err != nil {
			return fmt.Errorf("migration %s, from %v: %w", id, reflect.TypeFor[Old](), err)
		}
		return turn(id, f, was, v)
	}
}

// turn turns a value; a panic becomes its error.
func turn[Old, New any](id string, f func(Old) New, was Old, v *New) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("migration %s panicked: %v", id, p)
		}
	}()
	*v = f(was)
	return nil
}

// unused says which migrations have nothing to do.
func (s *shaper) unused() (mistakes []error) {
	for _, m := range s.migrations {
		if !m.used {
			mistakes = append(mistakes, fmt.Errorf("its migration %q is to %v, and it has no values of that type, nor one that another migration starts from", m.id, m.to))
		}
	}
	return mistakes
}

// AllMigrations are the ids of all levels, each once, in their order.
func (l *Layout) AllMigrations() []string {
	if l == nil {
		return nil
	}
	ids := slices.Clone(l.Migrations)
	for _, inner := range append(slices.Clone(l.Fields), l.Elem) {
		for _, id := range inner.AllMigrations() {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// valueChanges says why stored values are not read: by the type that they are declared with,
// or by that which the first migration starts from that they have not passed.
func (l *Layout) valueChanges(now *Layout) []string {
	for i, id := range now.Migrations {
		if slices.Contains(l.Migrations, id) {
			continue
		}
		wrong := shape.Changes(l.Value, now.From[i])
		for k, text := range wrong {
			wrong[k] = fmt.Sprintf("%s, and migration %s is from that", text, id)
		}
		return wrong
	}
	return shape.Changes(l.Value, now.Value)
}
