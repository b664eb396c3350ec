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
	// Methods are the names of those by which a type says it: an embedded field can bring
	// them, and then speaks for the whole struct.
	Methods []string
	// Key reports whether a type can be the key of a map. Default: any that can be a value.
	Key func(reflect.Type) bool
}

// JSON are the rules of encoding/json.
var JSON = Rules{Tag: "json", Own: ownJSON, OneWay: func(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return !ownJSON(t) && (p.Implements(jsonWriter) || p.Implements(textWriter))
}, Methods: []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"}, Key: keyJSON}

// keyJSON: JSON's keys are text.
func keyJSON(t reflect.Type) bool {
	writes, reads := t.Implements(textWriter), reflect.PointerTo(t).Implements(textReader)
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return writes == reads
	}
	return writes && reads
}

func ownJSON(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	if p.Implements(jsonWriter) {
		return p.Implements(jsonReader)
	}
	return p.Implements(textWriter) && p.Implements(textReader)
}

// Losses returns everything in a type that would not survive the way there and
// back: unexported fields, fields that share a stored name or that an embedded one speaks
// for, functions, channels, complex numbers, interfaces, keys of maps without a form.
func (r Rules) Losses(t reflect.Type) error { return errors.Join(r.losses(t, t.String(), nil)...) }

func (r Rules) losses(t reflect.Type, where string, seen []reflect.Type) (found []error) {
	if slices.Contains(seen, t) {
		return nil
	}
	seen = append(seen, t)
	if t.Kind() != reflect.Interface && r.Own(t) {
		if from, ok := r.promoted(t); ok {
			return []error{fmt.Errorf("%s is stored as its embedded %s alone, whose methods it has, and the other fields would be lost; give the field a name, or the type methods of its own", where, from.Name)}
		}
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
		if r.Key != nil && !r.Key(t.Key()) {
			found = append(found, fmt.Errorf("%s key is a %v, which has no form as a key; use a string or an integer, a type with MarshalText and UnmarshalText, or a slice of structs", where, t.Key()))
		} else {
			found = r.losses(t.Key(), where+" key", seen)
		}
		return append(found, r.losses(t.Elem(), where+"[]", seen)...)
	case reflect.Struct:
		fields, lost := r.storedFields(t, where, seen)
		found = append(lost, twice(fields)...)
		for _, f := range fields {
			found = append(found, r.losses(f.field.Type, f.where, seen)...)
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
