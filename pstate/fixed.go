package pstate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/coppice-run/coppice/internal/overlay"
)

// Fixed makes a struct of handles a structure of its own, with one structure per
// field: fixed keys. A struct embeds Fixed of itself as its first field.
//
//	type Profile struct {
//		pstate.Fixed[Profile]
//		Name    pstate.Value[string]
//		Friends pstate.SortedSet[string]
//		Posts   pstate.List[Post]
//	}
//
//	Profiles pstate.MapOf[string, Profile]
//
//	m.Profiles.Key("ann").Name.Set(ev, "Ann")
//
// The values among the fields are kept together in one table, each of the other
// structures in its own. A field's name is part of the stored keys. Fixed keys that are
// a whole PState have a part on each task, or, where their fields have keys, one part
// for each of those: m.Site.Users.Key("ann") is on the task of "ann".
type Fixed[S any] struct{ p overlay.Path }

// Clear empties all fields, and frees everything under them, like MapOf.Delete.
func (f Fixed[S]) Clear(w Writer) { overlay.Drop(w.StateView(), &f.p) }

func (f Fixed[S]) path() *overlay.Path { return &f.p }

func (f Fixed[S]) of() reflect.Type { return reflect.TypeFor[S]() }

func (f Fixed[S]) at(p overlay.Path) (s S) {
	if l := layoutOf[S](); l.wrong == nil && p.Schema != nil {
		l.bind(unsafe.Pointer(&s), p)
	}
	return s
}

// bind binds the struct that f is the first field of; Declare has checked that it is.
func (f *Fixed[S]) bind(p overlay.Path) {
	if l := layoutOf[S](); l.wrong == nil {
		l.bind(unsafe.Pointer(f), p)
	}
}

func (f Fixed[S]) shape(s *shaper) *overlay.Schema {
	t := reflect.TypeFor[S]()
	out := &overlay.Schema{Kind: overlay.KindFixed, Text: t.String()}
	l := layoutOf[S]()
	if l.wrong != nil {
		s.mistake("%v: %w", t, l.wrong)
		return out
	}
	if slices.Contains(s.types, t) {
		s.mistake("%v contains itself; a schema has an end", t)
		return out
	}
	s.types = append(s.types, t)
	defer func() { s.types = s.types[:len(s.types)-1] }()
	texts := make([]string, len(l.fields))
	for i, field := range l.fields {
		s.where = append(s.where, field.name)
		inner := reflect.New(field.handle).Interface().(Schema).shape(s)
		s.where = s.where[:len(s.where)-1]
		inner.Name = field.name
		if inner.Kind == overlay.KindValue {
			inner.Column = i
		}
		out.Fields = append(out.Fields, inner)
		texts[i] = field.name + " " + inner.Text
	}
	out.Text = "{" + strings.Join(texts, ", ") + "}"
	return out
}

// layout is where a struct of fixed keys has its handles. Every handle begins with its
// path, so binding one is writing that.
type layout struct {
	fields []layoutField
	wrong  error
}

type layoutField struct {
	name   string
	offset uintptr
	handle reflect.Type
	fixed  *layout // of fixed keys among the fields
}

var layouts sync.Map // reflect.Type -> *layout

func layoutOf[S any]() *layout { return layoutFor(reflect.TypeFor[S]()) }

func layoutFor(t reflect.Type) *layout {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout)
	}
	l := &layout{}
	l.wrong = l.read(t)
	layouts.Store(t, l)
	return l
}

var schemaType = reflect.TypeFor[Schema]()

// read finds the handles of a struct type.
func (l *layout) read(t reflect.Type) error {
	if !fixedOf(t) {
		return fmt.Errorf("fixed keys are a struct whose first field is an embedded pstate.Fixed[%s]", t.Name())
	}
	for i := 1; i < t.NumField(); i++ {
		f := t.Field(i)
		if !reflect.PointerTo(f.Type).Implements(schemaType) {
			return fmt.Errorf("its field %s is a %v, and every field has to be a handle of package pstate", f.Name, f.Type)
		}
		field := layoutField{name: f.Name, offset: f.Offset, handle: f.Type}
		if isFixed(f.Type) {
			if field.fixed = layoutFor(f.Type); field.fixed.wrong != nil {
				return fmt.Errorf("its field %s: %w", f.Name, field.fixed.wrong)
			}
		}
		l.fields = append(l.fields, field)
	}
	if len(l.fields) == 0 {
		return fmt.Errorf("it has no fields beside Fixed")
	}
	return nil
}

// isFixed reports whether a handle type is a struct of fixed keys.
func isFixed(t reflect.Type) bool {
	_, ok := reflect.New(t).Interface().(interface{ of() reflect.Type })
	return ok
}

// fixedOf reports whether a struct type begins with Fixed of itself.
func fixedOf(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t.NumField() == 0 || !t.Field(0).Anonymous || t.Field(0).Offset != 0 {
		return false
	}
	first, ok := reflect.New(t.Field(0).Type).Interface().(interface {
		of() reflect.Type
		isFixed()
	})
	return ok && first.of() == t && reflect.TypeOf(first).Elem().NumField() == 1
}

// isFixed tells Fixed from a struct that embeds it.
func (f Fixed[S]) isFixed() {}

// bind writes the paths of a struct's handles.
func (l *layout) bind(base unsafe.Pointer, p overlay.Path) {
	*(*overlay.Path)(base) = p
	for i := range l.fields {
		field, at := p.Field(i), unsafe.Add(base, l.fields[i].offset)
		if inner := l.fields[i].fixed; inner != nil {
			inner.bind(at, field)
		} else {
			*(*overlay.Path)(at) = field
		}
	}
}
