package codec

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

var (
	marshalerType     = reflect.TypeFor[json.Marshaler]()
	unmarshalerType   = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

// roundTrips reports what in a type JSON would lose.
func roundTrips(t reflect.Type) error { return errors.Join(losses(t, t.String(), nil)...) }

func losses(t reflect.Type, where string, seen []reflect.Type) (found []error) {
	for _, s := range seen {
		if s == t {
			return nil
		}
	}
	seen = append(seen, t)
	if marshals(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return []error{fmt.Errorf("%s is a %v, which cannot be stored", where, t.Kind())}
	case reflect.Interface:
		return []error{fmt.Errorf("%s is an interface; name its variants (module.Union) or use a struct", where)}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return losses(t.Elem(), where+"[]", seen)
	case reflect.Map:
		return append(losses(t.Key(), where+" key", seen), losses(t.Elem(), where+"[]", seen)...)
	case reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			name := where + "." + field.Name
			switch {
			case field.Tag.Get("json") == "-":
				found = append(found, fmt.Errorf("%s has the tag json:\"-\" and would be lost; remove the field or the tag", name))
			case !field.IsExported() && !field.Anonymous:
				found = append(found, fmt.Errorf("%s is not exported and would be lost; export it or give the type MarshalJSON and UnmarshalJSON", name))
			default:
				found = append(found, losses(field.Type, name, seen)...)
			}
		}
	}
	return found
}

func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() != reflect.Interface && (p.Implements(marshalerType) && p.Implements(unmarshalerType) || p.Implements(textMarshalerType))
}

// plain reports whether a copy of a value shares nothing that can be changed.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return false
	case reflect.Array:
		return plain(t.Elem())
	case reflect.Struct:
		if t.PkgPath() == "time" && t.Name() == "Time" {
			return true // its pointer names a time zone, which nobody changes
		}
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}
