package shape

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

var (
	jsonWriter = reflect.TypeFor[json.Marshaler]()
	jsonReader = reflect.TypeFor[json.Unmarshaler]()
	textWriter = reflect.TypeFor[encoding.TextMarshaler]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Rules are those of a codec that follows Go's fields.
type Rules struct {
	// Tag is the key of the field tags that it reads.
	Tag string
	// Own reports whether a type says itself how it is stored.
	Own func(reflect.Type) bool
	// OneWay reports whether a type says how it is stored, and not how it is read.
	OneWay func(reflect.Type) bool
}

// JSON are the rules of encoding/json.
var JSON = Rules{Tag: "json", Own: ownJSON, OneWay: func(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return !ownJSON(t) && (p.Implements(jsonWriter) || p.Implements(textWriter))
}}

func ownJSON(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	if p.Implements(jsonWriter) {
		return p.Implements(jsonReader)
	}
	return p.Implements(textWriter) && p.Implements(textReader)
}

// Losses returns everything in a type that would not survive the way there and
// back: unexported fields, functions, channels, complex numbers, interfaces.
func (r Rules) Losses(t reflect.Type) error { return errors.Join(r.losses(t, t.String(), nil)...) }

func (r Rules) losses(t reflect.Type, where string, seen []reflect.Type) (found []error) {
	if slices.Contains(seen, t) {
		return nil
	}
	seen = append(seen, t)
	if t.Kind() != reflect.Interface && r.Own(t) {
		return nil
	}
	if t.Kind() != reflect.Interface && r.OneWay(t) {
		return []error{fmt.Errorf("%s writes its stored form itself and does not read it; give it UnmarshalJSON or UnmarshalText, too", where)}
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return []error{fmt.Errorf("%s is a %v, which cannot be stored", where, t.Kind())}
	case reflect.Interface:
		return []error{fmt.Errorf("%s is an interface; name its variants (module.Union) or use a struct", where)}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return r.losses(t.Elem(), where+"[]", seen)
	case reflect.Map:
		return append(r.losses(t.Key(), where+" key", seen), r.losses(t.Elem(), where+"[]", seen)...)
	case reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			name := where + "." + field.Name
			switch {
			case field.Tag.Get(r.Tag) == "-":
				found = append(found, fmt.Errorf("%s has the tag %s:\"-\" and would be lost; remove the field or the tag", name, r.Tag))
			case !field.IsExported() && !field.Anonymous:
				found = append(found, fmt.Errorf("%s is not exported and would be lost; export it or give the type MarshalJSON and UnmarshalJSON", name))
			default:
				found = append(found, r.losses(field.Type, name, seen)...)
			}
		}
	}
	return found
}

// Plain reports whether a copy of a value shares nothing that can be changed.
func Plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return false
	case reflect.Array:
		return Plain(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return true // its pointer names a time zone, which nobody changes
		}
		for i := range t.NumField() {
			if !Plain(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}
