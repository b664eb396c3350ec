// Package codec turns values into bytes and back: records of depots, payloads
// of hops, values of PStates, ack returns. The default is JSON, with integers
// as decimal text, so that redis-cli and kafka-console-consumer show what is
// there.
package codec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/coppice-run/coppice/internal/shape"
)

// Codec encodes values of one type. Decode may keep and alias raw, which
// nobody changes afterwards.
type Codec[T any] struct {
	Name   string
	Append func(dst []byte, value *T) ([]byte, error)
	Decode func(raw []byte, value *T) error
	// View is Decode for types of which a value is a view of raw: it returns the value, where
	// Decode's would be put on the heap for its address alone. nil: there is only Decode.
	View func(raw []byte) T

	// Plain: the type holds no references that a copy would share (strings do
	// not count: they cannot be changed). Such values may be kept and passed on
	// as they are; all others are encoded at once, and decoded for each reader.
	Plain bool
	// Sure: Append cannot fail, so it may be put off until the commit.
	Sure bool
	// Check, of a codec that is not sure, says what Append would fail with, at little
	// cost; nil: only Append knows.
	Check func(value *T) error
	// Size is how many bytes a value takes, of types where that may be many and is known
	// without encoding; nil: a few.
	Size func(value *T) int
	// Shape is how values are stored, for the plan.
	Shape *shape.Shape
}

// ErrNotUTF8 says that a string has no JSON form.
var ErrNotUTF8 = shape.ErrNotUTF8

// JSON returns the default codec of T. The error lists everything in T that
// would not survive the way there and back: unexported fields, functions,
// channels, complex numbers, interfaces without variants.
func JSON[T any]() (Codec[T], error) {
	t := reflect.TypeFor[T]()
	codec := Codec[T]{Name: "json", Append: appendJSON[T], Decode: decodeJSON[T], Plain: shape.Plain(t)}
	if err := shape.JSON.Losses(t); err != nil {
		return codec, err
	}
	codec.Shape = shape.JSON.Of(t)
	if marshals(t) {
		return codec, nil
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		codec.Append, codec.Decode, codec.Sure = intCodec[T](t)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		codec.Append, codec.Decode, codec.Sure = uintCodec[T](t)
	case reflect.String:
		codec.Append, codec.Decode, codec.Check = appendString[T], decodeString[T], checkString[T]
		codec.Size = func(value *T) int { return len(*asString(value)) + len(`""`) }
	case reflect.Bool:
		codec.Sure = true
	}
	return codec, nil
}

// marshals reports whether a type writes its JSON itself; a pointer's method counts.
func marshals(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// Text returns the codec that writes a string's or byte slice's own bytes. It
// fits no other type.
func Text[T any]() (Codec[T], error) {
	t := reflect.TypeFor[T]()
	switch {
	case t.Kind() == reflect.String:
		return Codec[T]{
			Name:   "text",
			Append: func(dst []byte, value *T) ([]byte, error) { return append(dst, *asString(value)...), nil },
			Decode: func(raw []byte, value *T) error { *asString(value) = view(raw); return nil },
			View:   func(raw []byte) (value T) { *asString(&value) = view(raw); return value },
			Plain:  true, Sure: true, Shape: &shape.Shape{Kind: "string"},
			Size: func(value *T) int { return len(*asString(value)) },
		}, nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return Codec[T]{
			Name:   "text",
			Append: func(dst []byte, value *T) ([]byte, error) { return append(dst, *asBytes(value)...), nil },
			Decode: func(raw []byte, value *T) error { *asBytes(value) = append([]byte(nil), raw...); return nil },
			Sure:   true, Shape: &shape.Shape{Kind: "bytes"},
		}, nil
	}
	return Codec[T]{}, fmt.Errorf("the text codec is for strings and byte slices, not for %v", t)
}

func appendJSON[T any](dst []byte, value *T) ([]byte, error) {
	raw, err := shape.MarshalJSON(value)
	if err != nil {
		return dst, err
	}
	return append(dst, raw...), nil
}

func decodeJSON[T any](raw []byte, value *T) error {
	var zero T
	*value = zero
	return json.Unmarshal(raw, value)
}

// The functions below look at a value of type T as the basic type of its kind;
// their callers have checked the kind.

func asString[T any](value *T) *string { return (*string)(unsafe.Pointer(value)) }
func asBytes[T any](value *T) *[]byte  { return (*[]byte)(unsafe.Pointer(value)) }

func view(raw []byte) string { return unsafe.String(unsafe.SliceData(raw), len(raw)) }

func checkString[T any](value *T) error {
	if !utf8.ValidString(*asString(value)) {
		return ErrNotUTF8
	}
	return nil
}

func appendString[T any](dst []byte, value *T) ([]byte, error) {
	text := *asString(value)
	simple := true
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			simple = false
			break
		}
	}
	if !simple {
		if !utf8.ValidString(text) {
			return dst, ErrNotUTF8
		}
		raw, err := json.Marshal(text)
		if err != nil {
			return dst, err
		}
		return append(dst, raw...), nil
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"'), nil
}

func decodeString[T any](raw []byte, value *T) error {
	if n := len(raw); n >= 2 && raw[0] == '"' && raw[n-1] == '"' {
		simple := true
		for _, c := range raw[1 : n-1] {
			if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
				simple = false
				break
			}
		}
		if simple {
			*asString(value) = view(raw[1 : n-1])
			return nil
		}
	}
	return json.Unmarshal(raw, asString(value))
}

// blanks may stand behind JSON: migrations mark with them what they have written.
const blanks = " \t\r\n"

func intCodec[T any](t reflect.Type) (func([]byte, *T) ([]byte, error), func([]byte, *T) error, bool) {
	bits := t.Bits()
	appendInt := func(dst []byte, value *T) ([]byte, error) {
		return strconv.AppendInt(dst, loadInt(unsafe.Pointer(value), bits), 10), nil
	}
	decodeInt := func(raw []byte, value *T) error {
		n, err := strconv.ParseInt(strings.TrimRight(view(raw), blanks), 10, bits)
		if err != nil {
			return fmt.Errorf("%q is no %v", raw, t)
		}
		storeInt(unsafe.Pointer(value), bits, uint64(n))
		return nil
	}
	return appendInt, decodeInt, true
}

func uintCodec[T any](t reflect.Type) (func([]byte, *T) ([]byte, error), func([]byte, *T) error, bool) {
	bits := t.Bits()
	mask := uint64(math.MaxUint64) >> (64 - bits)
	appendUint := func(dst []byte, value *T) ([]byte, error) {
		return strconv.AppendUint(dst, uint64(loadInt(unsafe.Pointer(value), bits))&mask, 10), nil
	}
	decodeUint := func(raw []byte, value *T) error {
		n, err := strconv.ParseUint(strings.TrimRight(view(raw), blanks), 10, bits)
		if err != nil {
			return fmt.Errorf("%q is no %v", raw, t)
		}
		storeInt(unsafe.Pointer(value), bits, n)
		return nil
	}
	return appendUint, decodeUint, true
}

func loadInt(p unsafe.Pointer, bits int) int64 {
	switch bits {
	case 8:
		return int64(*(*int8)(p))
	case 16:
		return int64(*(*int16)(p))
	case 32:
		return int64(*(*int32)(p))
	}
	return *(*int64)(p)
}

func storeInt(p unsafe.Pointer, bits int, n uint64) {
	switch bits {
	case 8:
		*(*uint8)(p) = uint8(n)
	case 16:
		*(*uint16)(p) = uint16(n)
	case 32:
		*(*uint32)(p) = uint32(n)
	default:
		*(*uint64)(p) = n
	}
}
