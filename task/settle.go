package task

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
	"time"
)

// ownBytes returns the bytes of a string or byte slice of a named type, unless the
// type has a JSON form of its own.
func ownBytes(key any) (text []byte, ok bool) {
	v := reflect.ValueOf(key)
	switch {
	case !v.IsValid() || marshals(v.Type()):
		return nil, false
	case v.Kind() == reflect.String:
		return []byte(v.String()), true
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return v.Bytes(), true
	}
	return nil, false
}

// settled returns a key whose JSON is that of all keys equal to it: Go holds two
// times of one instant for different JSON if their zones differ, and writes -0.
func settled(key any) any {
	v := reflect.ValueOf(key)
	if !v.IsValid() || !varies(v.Type()) {
		return key
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	settle(out)
	return out.Interface()
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	variesFor sync.Map // reflect.Type -> bool
)

func marshals(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// varies reports whether equal keys of a type may have different JSON.
func varies(t reflect.Type) bool {
	if known, ok := variesFor.Load(t); ok {
		return known.(bool)
	}
	found := false
	switch {
	case t == timeType:
		found = true
	case marshals(t):
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		found = true
	case t.Kind() == reflect.Array:
		found = varies(t.Elem())
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			found = found || t.Field(i).IsExported() && varies(t.Field(i).Type)
		}
	}
	variesFor.Store(t, found)
	return found
}

// settle changes a settable value in place.
func settle(v reflect.Value) {
	switch {
	case !varies(v.Type()):
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(v.Interface().(time.Time).UTC()))
	case v.CanFloat():
		if v.Float() == 0 {
			v.SetFloat(0)
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			settle(v.Index(i))
		}
	default:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				settle(v.Field(i))
			}
		}
	}
}
