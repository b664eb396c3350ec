package task

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unsafe"
)

// AppendKey appends the partition bytes of a key: a string's own bytes, an
// integer's decimal text, a byte slice as it is, and for every other type its
// canonical JSON (object keys sorted, no white space, no HTML escapes). They
// decide the partition of a record and the target of a hop, alike.
//
// Keys that are equal have the same bytes: times are written in UTC, and -0 as 0. An infinite
// float is Infinity or -Infinity; within a struct or an array it has no bytes, which is an
// error, like NaN.
//
// Partition bytes have no order; PState keys have an encoding of their own.
func AppendKey[K any](dst []byte, key K) ([]byte, error) {
	switch k := any(&key).(type) {
	case *string:
		return append(dst, *k...), nil
	case *int64:
		return strconv.AppendInt(dst, *k, 10), nil
	case *int:
		return strconv.AppendInt(dst, int64(*k), 10), nil
	case *int32:
		return strconv.AppendInt(dst, int64(*k), 10), nil
	case *int16:
		return strconv.AppendInt(dst, int64(*k), 10), nil
	case *int8:
		return strconv.AppendInt(dst, int64(*k), 10), nil
	case *uint64:
		return strconv.AppendUint(dst, *k, 10), nil
	case *uint:
		return strconv.AppendUint(dst, uint64(*k), 10), nil
	case *uint32:
		return strconv.AppendUint(dst, uint64(*k), 10), nil
	case *uint16:
		return strconv.AppendUint(dst, uint64(*k), 10), nil
	case *uint8:
		return strconv.AppendUint(dst, uint64(*k), 10), nil
	case *[]byte:
		return append(dst, *k...), nil
	}
	return appendCanonicalJSON(dst, key)
}

// appendCanonicalJSON re-encodes through a generic value: Go sorts the keys of
// a map, but writes a struct's fields in the order of their declaration.
func appendCanonicalJSON(dst []byte, key any) ([]byte, error) {
	if text, ok := ownBytes(key); ok {
		return append(dst, text...), nil
	}
	if v := reflect.ValueOf(key); v.IsValid() && v.CanFloat() && math.IsInf(v.Float(), 0) && !marshals(v.Type()) {
		if v.Float() < 0 { // JSON has no infinite numbers; the text is that of paths
			return append(dst, "-Infinity"...), nil
		}
		return append(dst, "Infinity"...), nil
	}
	first, err := json.Marshal(settled(key))
	if err != nil {
		return dst, fmt.Errorf("key of type %T has no JSON form: %w", key, err)
	}
	// A named string or integer type is keyed like the type beneath it, so that
	// naming a type does not move its keys to other tasks.
	if len(first) > 0 && first[0] == '"' {
		var text string
		if err := json.Unmarshal(first, &text); err != nil {
			return dst, fmt.Errorf("key of type %T: %w", key, err)
		}
		return append(dst, text...), nil
	}
	decoder := json.NewDecoder(bytes.NewReader(first))
	decoder.UseNumber()
	var generic any
	if err := decoder.Decode(&generic); err != nil {
		return dst, fmt.Errorf("key of type %T: %w", key, err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(generic); err != nil {
		return dst, fmt.Errorf("key of type %T: %w", key, err)
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...), nil
}

// OfString is [Of] for a string key, without copying it.
func OfString(key string, tasks int) ID {
	return Of(unsafe.Slice(unsafe.StringData(key), len(key)), tasks)
}
