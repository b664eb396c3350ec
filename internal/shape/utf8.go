package shape

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"
)

// ErrNotUTF8 says that a string has no JSON form.
var ErrNotUTF8 = errors.New("string is not UTF-8 and has no JSON form; use []byte")

// replaced are what encoding/json writes in the place of a byte that is not UTF-8: up to
// Go 1.26 an escape, which it does not write for a U+FFFD of the string's own, since then
// that character itself.
var replaced = [][]byte{[]byte(`\ufffd`), []byte("\uFFFD")}

// MarshalJSON writes a value's JSON. A string that is not UTF-8, which encoding/json
// would make another one of, is an error.
func MarshalJSON(value any) ([]byte, error) {
	raw, err := json.Marshal(value)
	if err == nil && slices.ContainsFunc(replaced, func(r []byte) bool { return bytes.Contains(raw, r) }) {
		err = utf8Of(reflect.ValueOf(value), "")
	}
	return raw, err
}

// utf8Of looks for strings that are not UTF-8 in what encoding/json writes by itself.
func utf8Of(v reflect.Value, where string) error {
	if !v.IsValid() {
		return nil
	}
	t := v.Type()
	switch p := reflect.PointerTo(t); {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return utf8Of(v.Elem(), where)
	case p.Implements(jsonWriter):
		return nil // it knows what it writes
	case p.Implements(textWriter):
		return utf8OfText(v, where)
	}
	switch t.Kind() {
	case reflect.String:
		return check(v.String(), where)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := utf8Of(v.Index(i), fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if err := utf8Of(entry.Key(), where+" key"); err != nil {
				return err
			}
			if err := utf8Of(entry.Value(), fmt.Sprintf("%s[%v]", where, entry.Key())); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if err := utf8Of(v.Field(i), where+"."+t.Field(i).Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// utf8OfText looks at what a value writes as its text.
func utf8OfText(v reflect.Value, where string) error {
	if !v.CanInterface() {
		return nil
	}
	own, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		return nil // by its pointer only, which encoding/json does not always find
	}
	text, err := own.MarshalText()
	if err != nil {
		return err
	}
	return check(string(text), where)
}

func check(text, where string) error {
	switch {
	case utf8.ValidString(text):
		return nil
	case where == "":
		return fmt.Errorf("%+q: %w", text, ErrNotUTF8)
	}
	return fmt.Errorf("%s is %+q: %w", where, text, ErrNotUTF8)
}
