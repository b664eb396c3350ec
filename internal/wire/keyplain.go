package wire

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// GoType returns a Go type whose keys have the encoded form and, unless OwnForm says
// otherwise, the JSON form of this key type: for programs that have the plan of a module
// and not its code.
func (k *KeyType) GoType() reflect.Type {
	switch k.Kind {
	case KeyText:
		return reflect.TypeFor[string]()
	case KeyInt:
		return integer(k.Bits, reflect.TypeFor[int64](), reflect.TypeFor[int32](), reflect.TypeFor[int16](), reflect.TypeFor[int8]())
	case KeyUint:
		return integer(k.Bits, reflect.TypeFor[uint64](), reflect.TypeFor[uint32](), reflect.TypeFor[uint16](), reflect.TypeFor[uint8]())
	case KeyFloat:
		if k.Bits == 32 {
			return reflect.TypeFor[float32]()
		}
		return reflect.TypeFor[float64]()
	case KeyBool:
		return reflect.TypeFor[bool]()
	case KeyTime:
		return reflect.TypeFor[time.Time]()
	case KeyBytes:
		return reflect.ArrayOf(k.Bytes, reflect.TypeFor[byte]())
	case KeyTuple:
		return k.tupleGoType()
	}
	return reflect.TypeFor[JSONKey]()
}

func integer(bits int, widths ...reflect.Type) reflect.Type {
	i := slices.IndexFunc(widths, func(t reflect.Type) bool { return t.Bits() == bits })
	return widths[max(i, 0)]
}

// Array reports whether a tuple is that of an array, whose parts have numbers for names.
func (k *KeyType) Array() bool {
	for i := range k.Parts {
		if k.Parts[i].Name != strconv.Itoa(i) {
			return false
		}
	}
	return k.Kind == KeyTuple
}

func (k *KeyType) tupleGoType() reflect.Type {
	if k.Array() && len(k.Parts) > 0 {
		return reflect.ArrayOf(len(k.Parts), k.Parts[0].Type.GoType())
	}
	fields := make([]reflect.StructField, len(k.Parts))
	for i := range k.Parts {
		p := &k.Parts[i]
		fields[i] = reflect.StructField{Name: p.Name, Type: p.Type.GoType(), Anonymous: p.Embedded && p.Type.Kind == KeyTuple}
		if p.Tag != "" {
			fields[i].Tag = reflect.StructTag(`json:` + strconv.Quote(p.Tag))
		}
	}
	return reflect.StructOf(fields)
}

// OwnForm reports whether a part of the key has a JSON form that only its Go type knows:
// then so has the task that it belongs to.
func (k *KeyType) OwnForm() bool {
	return k.Own || slices.ContainsFunc(k.Parts, func(p KeyPart) bool { return p.Type.OwnForm() })
}

// JSONKey is the JSON form of a key of kind json.
type JSONKey string

var errNoKey = errors.New("an empty text is no key")

// MarshalJSON is the form itself.
func (k JSONKey) MarshalJSON() ([]byte, error) {
	if k == "" {
		return nil, errNoKey
	}
	return []byte(k), nil
}

// UnmarshalJSON takes any JSON.
func (k *JSONKey) UnmarshalJSON(raw []byte) error {
	if !json.Valid(raw) {
		return errNoKey
	}
	*k = JSONKey(raw)
	return nil
}
