package task

import (
	"fmt"
	"iter"
	"reflect"
	"strconv"
)

// Keys returns keys that belong to a task of so many, always the same ones in the same
// order: for tests that want to say where something happens. Strings are "k0", "k1", …;
// integers count from 0; arrays and structs vary in all their parts. The sequence is as
// long as its type is rich: of bool it has two keys at most. Errors: a type that has
// other parts than these, or that has no partition bytes.
func Keys[K any](id ID, tasks int) (iter.Seq[K], error) {
	if id < 0 || int(id) >= tasks {
		return nil, fmt.Errorf("there is no task %d of %d", id, tasks)
	}
	kind := reflect.TypeFor[K]()
	most, err := variety(kind)
	if err != nil {
		return nil, err
	}
	var zero K
	if _, err := AppendKey(nil, zero); err != nil {
		return nil, err
	}
	return func(yield func(K) bool) {
		for i := range most {
			var key K
			vary(reflect.ValueOf(&key).Elem(), i)
			if bytes, err := AppendKey(nil, key); err == nil && Of(bytes, tasks) == id && !yield(key) {
				return
			}
		}
	}, nil
}

// varietyMax ends the sequences of types that have more values than anybody asks for.
const varietyMax = 1 << 30

// variety is how many different values vary makes.
func variety(t reflect.Type) (int, error) {
	switch t.Kind() {
	case reflect.String:
		return varietyMax, nil
	case reflect.Bool:
		return 2, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return 1 << min(t.Bits()-1, 30), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return 1 << min(t.Bits(), 30), nil
	case reflect.Array:
		return variety(t.Elem())
	case reflect.Struct:
		most := 1
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				return 0, fmt.Errorf("no keys of type %v are known: its field %s is not exported", t, f.Name)
			}
			n, err := variety(f.Type)
			if err != nil {
				return 0, err
			}
			most = max(most, n)
		}
		return most, nil
	}
	return 0, fmt.Errorf("no keys of type %v are known", t)
}

// vary makes the i-th value.
func vary(v reflect.Value, i int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("k" + strconv.Itoa(i))
	case reflect.Bool:
		v.SetBool(i%2 == 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(i % (1 << min(v.Type().Bits()-1, 30))))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(i % (1 << min(v.Type().Bits(), 30))))
	case reflect.Array:
		for n := range v.Len() {
			vary(v.Index(n), i)
		}
	case reflect.Struct:
		for n := range v.NumField() {
			vary(v.Field(n), i)
		}
	}
}
