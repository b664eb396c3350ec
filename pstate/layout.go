package pstate

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/shape"
	"github.com/coppice-run/coppice/internal/wire"
)

// Layout is how a PState's data are stored, level by level: what a new version of a
// module must not change without a word. It is kept with the module's plan.
type Layout struct {
	Name   string        `json:"name,omitempty"` // of a field of fixed keys
	Kind   string        `json:"kind"`
	Key    *wire.KeyType `json:"key,omitempty"`
	Codec  string        `json:"codec,omitempty"`
	Value  *shape.Shape  `json:"value,omitempty"`
	Elem   *Layout       `json:"elem,omitempty"`   // of a map or list of structures
	Fields []*Layout     `json:"fields,omitempty"` // of fixed keys
	// Migrations are those that values pass when they are read, the oldest first, and From what
	// each of them starts from.
	Migrations []string       `json:"migrations,omitempty"`
	From       []*shape.Shape `json:"from,omitempty"`
}

// LayoutOf returns the layout of a declared schema. For package module.
func LayoutOf(s *overlay.Schema) *Layout {
	if s == nil {
		return nil
	}
	l := &Layout{Name: s.Name, Kind: s.Kind.String(), Key: s.Key, Codec: s.Codec, Value: s.Shape, Elem: LayoutOf(s.Elem), Migrations: s.Migrations, From: s.From}
	for _, field := range s.Fields {
		l.Fields = append(l.Fields, LayoutOf(field))
	}
	return l
}

// Changes returns why data that were stored with this layout are not all found and
// read with another; nothing if they are. A new version may add fixed keys, and to
// values what shape.Changes allows, or what a migration reads.
func (l *Layout) Changes(now *Layout) []string { return l.changes(now, "") }

func (l *Layout) changes(now *Layout, where string) (found []string) {
	report := func(format string, args ...any) { found = append(found, where+fmt.Sprintf(format, args...)) }
	switch {
	case l == nil || now == nil:
		return nil
	case l.Kind != now.Kind:
		report("was a %s, is a %s", l.Kind, now.Kind)
		return found
	case !l.Key.Equal(now.Key):
		report("keys were %v, are %v", l.Key, now.Key)
	case l.Codec != now.Codec:
		report("values were stored as %s, are as %s", l.Codec, now.Codec)
	default:
		for _, text := range l.valueChanges(now) {
			report("values: %s", text)
		}
	}
	found = append(found, l.Elem.changes(now.Elem, where+"within: ")...)
	for _, field := range l.Fields {
		if other := now.field(field.Name); other == nil {
			report("field %s is gone", field.Name)
		} else {
			found = append(found, field.changes(other, where+"field "+field.Name+": ")...)
		}
	}
	return found
}

// Codecs returns the names of the codecs of all levels, each once.
func (l *Layout) Codecs() []string { return l.codecs(nil) }

func (l *Layout) codecs(names []string) []string {
	if l == nil {
		return names
	}
	if l.Codec != "" && !slices.Contains(names, l.Codec) {
		names = append(names, l.Codec)
	}
	for _, field := range l.Fields {
		names = field.codecs(names)
	}
	return l.Elem.codecs(names)
}

func (l *Layout) field(name string) *Layout {
	for _, field := range l.Fields {
		if field.Name == name {
			return field
		}
	}
	return nil
}
