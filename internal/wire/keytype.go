package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// KeyType says how the keys of one Go type are encoded. It is kept with a module's
// plan: data under keys of another encoding would not be found again.
//
//	text      string kinds and byte slices: their own bytes
//	int       signed integers of any width
//	uint      unsigned integers of any width
//	bool      f, t
//	float     see appendFloat
//	time      time.Time: see appendInstant
//	bytes     arrays of bytes: two hexadecimal digits for each
//	tuple     structs and other arrays: the parts one after another, with a tab between; see appendPart
//	json      everything else that has a JSON form: that form, whose order means nothing
//
// Named types are encoded like the type beneath them, whatever their JSON form.
type KeyType struct {
	Kind  KeyKind   `json:"kind"`
	Bits  int       `json:"bits,omitempty"`  // of integers and floats
	Bytes int       `json:"bytes,omitempty"` // of arrays of bytes
	Parts []KeyPart `json:"parts,omitempty"` // of tuples
	Type  string    `json:"type,omitempty"`  // the Go type, of json
	// Own: the Go type has a JSON form of its own beside this one. The task of a key
	// follows from that form, which only the type knows.
	Own bool `json:"own,omitempty"`
}

// KeyKind is a way to encode keys.
type KeyKind string

// The kinds of keys.
const (
	KeyText  KeyKind = "text"
	KeyInt   KeyKind = "int"
	KeyUint  KeyKind = "uint"
	KeyBool  KeyKind = "bool"
	KeyFloat KeyKind = "float"
	KeyTime  KeyKind = "time"
	KeyBytes KeyKind = "bytes"
	KeyTuple KeyKind = "tuple"
	KeyJSON  KeyKind = "json"
)

// KeyPart is one part of a tuple.
type KeyPart struct {
	Name string  `json:"name"`
	Type KeyType `json:"type"`
	// Tag and Embedded say how the field stands in the struct's JSON, from which the task
	// of a key follows. They do not count for its encoded form.
	Tag      string `json:"tag,omitempty"`
	Embedded bool   `json:"embedded,omitempty"`
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonReader    = reflect.TypeFor[json.Unmarshaler]()
	textReader    = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// arrayPartsMax bounds the arrays that can be keys.
const arrayPartsMax = 64

// KeyTypeOf returns the key type of a Go type, or why it can be no key: it has no
// bytes that stay the same, or would lose a part.
func KeyTypeOf(t reflect.Type) (*KeyType, error) {
	k, err := keyTypeOf(t)
	if err != nil {
		return nil, fmt.Errorf("key type %v: %w", t, err)
	}
	return &k, nil
}

func keyTypeOf(t reflect.Type) (KeyType, error) {
	if t == timeType {
		return KeyType{Kind: KeyTime}, nil
	}
	own := marshals(t)
	switch t.Kind() {
	case reflect.String:
		return KeyType{Kind: KeyText, Own: own}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return KeyType{Kind: KeyInt, Bits: t.Bits(), Own: own}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return KeyType{Kind: KeyUint, Bits: t.Bits(), Own: own}, nil
	case reflect.Float32, reflect.Float64:
		return KeyType{Kind: KeyFloat, Bits: t.Bits(), Own: own}, nil
	case reflect.Bool:
		return KeyType{Kind: KeyBool, Own: own}, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return KeyType{Kind: KeyText, Own: own}, nil
		}
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return KeyType{Kind: KeyBytes, Bytes: t.Len(), Own: own}, nil
		}
		if !marshals(t) {
			return arrayType(t)
		}
	case reflect.Struct:
		if !marshals(t) {
			return tupleType(t)
		}
	case reflect.Pointer, reflect.Chan, reflect.Interface, reflect.UnsafePointer, reflect.Func:
		return KeyType{}, fmt.Errorf("a %v has no stable bytes; use the value that it stands for", t.Kind())
	case reflect.Complex64, reflect.Complex128:
		return KeyType{}, fmt.Errorf("complex numbers have no order and no JSON form; use a struct of two floats")
	}
	if !marshals(t) {
		return KeyType{}, fmt.Errorf("a %v is no key; use a string, a number, a time, or a struct of such", t.Kind())
	}
	if p := reflect.PointerTo(t); !p.Implements(jsonReader) && !p.Implements(textReader) {
		return KeyType{}, fmt.Errorf("it has a JSON form of its own and cannot be read back from it; give it UnmarshalText")
	}
	return KeyType{Kind: KeyJSON, Type: t.String()}, nil
}

// marshals reports whether a type has a JSON form of its own.
func marshals(t reflect.Type) bool {
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

func arrayType(t reflect.Type) (KeyType, error) {
	if t.Len() == 0 || t.Len() > arrayPartsMax {
		return KeyType{}, fmt.Errorf("an array as a key has 1 to %d elements", arrayPartsMax)
	}
	elem, err := keyTypeOf(t.Elem())
	if err != nil {
		return KeyType{}, err
	}
	k := KeyType{Kind: KeyTuple}
	for i := range t.Len() {
		k.Parts = append(k.Parts, KeyPart{Name: strconv.Itoa(i), Type: elem})
	}
	return k, nil
}

func tupleType(t reflect.Type) (KeyType, error) {
	k := KeyType{Kind: KeyTuple}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			return k, fmt.Errorf("its field %s is not exported and would be lost; export it", f.Name)
		}
		if f.Tag.Get("json") == "-" {
			return k, fmt.Errorf("its field %s has the tag json:\"-\" and would not count for the key's partition; remove the tag", f.Name)
		}
		part, err := keyTypeOf(f.Type)
		if err != nil {
			return k, fmt.Errorf("its field %s: %w", f.Name, err)
		}
		k.Parts = append(k.Parts, KeyPart{Name: f.Name, Type: part, Tag: f.Tag.Get("json"), Embedded: f.Anonymous})
	}
	if len(k.Parts) == 0 {
		return k, fmt.Errorf("it has no fields, so there is only one such key")
	}
	return k, nil
}

// Ordered reports whether the order of the encoded keys is that of the keys.
func (k *KeyType) Ordered() bool {
	for i := range k.Parts {
		if !k.Parts[i].Type.Ordered() {
			return false
		}
	}
	return k.Kind != KeyJSON
}

// String prints the key type: int64, text, (Tenant text, At time).
func (k *KeyType) String() string {
	switch k.Kind {
	case KeyTuple:
		parts := make([]string, len(k.Parts))
		for i := range k.Parts {
			parts[i] = k.Parts[i].Name + " " + k.Parts[i].Type.String()
		}
		return "(" + strings.Join(parts, ", ") + ")"
	case KeyInt, KeyUint, KeyFloat:
		return string(k.Kind) + strconv.Itoa(k.Bits)
	case KeyBytes:
		return strconv.Itoa(k.Bytes) + " bytes"
	case KeyJSON:
		return "json of " + k.Type
	}
	return string(k.Kind)
}

// Equal reports whether two key types encode alike. The names of parts and types do
// not count.
func (k *KeyType) Equal(o *KeyType) bool {
	if k == nil || o == nil {
		return k == o
	}
	if k.Kind != o.Kind || k.Bits != o.Bits || k.Bytes != o.Bytes || len(k.Parts) != len(o.Parts) {
		return false
	}
	for i := range k.Parts {
		if !k.Parts[i].Type.Equal(&o.Parts[i].Type) {
			return false
		}
	}
	return true
}
