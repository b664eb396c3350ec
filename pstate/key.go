package pstate

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// segment turns a key into a path segment.
func segment[K comparable](key K) wire.Segment {
	switch k := any(&key).(type) {
	case *string:
		return wire.Segment{Kind: wire.SegmentText, Text: *k}
	case *int64:
		return wire.Segment{Kind: wire.SegmentInt, Number: *k}
	case *int:
		return wire.Segment{Kind: wire.SegmentInt, Number: int64(*k)}
	}
	return segmentByKind(key)
}

func segmentByKind[K comparable](key K) wire.Segment {
	kind := kindOf[K]()
	v := reflect.ValueOf(key)
	switch kind {
	case wire.SegmentText:
		return wire.Segment{Kind: kind, Text: v.String()}
	case wire.SegmentInt:
		return wire.Segment{Kind: kind, Number: v.Int()}
	case wire.SegmentUint:
		return wire.Segment{Kind: kind, Number: int64(v.Uint())}
	case wire.SegmentBool:
		if v.Bool() {
			return wire.Segment{Kind: kind, Number: 1}
		}
		return wire.Segment{Kind: kind}
	}
	text, _ := task.AppendKey(nil, key) // checked at declaration
	return wire.Segment{Kind: wire.SegmentOpaque, Text: string(text)}
}

// kindOf says how keys of a type are encoded.
func kindOf[K comparable]() wire.SegmentKind {
	t := reflect.TypeFor[K]()
	if _, own := any(*new(K)).(json.Marshaler); own {
		return wire.SegmentOpaque
	}
	switch t.Kind() {
	case reflect.String:
		return wire.SegmentText
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return wire.SegmentInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return wire.SegmentUint
	case reflect.Bool:
		return wire.SegmentBool
	}
	return wire.SegmentOpaque
}

// parseKey reads an encoded key back.
func parseKey[K comparable](field string) (key K, err error) {
	kind := kindOf[K]()
	s, err := wire.ParseElement(field, kind)
	if err != nil {
		return key, err
	}
	v := reflect.ValueOf(&key).Elem()
	switch kind {
	case wire.SegmentText:
		v.SetString(s.Text)
	case wire.SegmentInt:
		if v.OverflowInt(s.Number) {
			return key, fmt.Errorf("key %q does not fit %T", field, key)
		}
		v.SetInt(s.Number)
	case wire.SegmentUint:
		if v.OverflowUint(uint64(s.Number)) {
			return key, fmt.Errorf("key %q does not fit %T", field, key)
		}
		v.SetUint(uint64(s.Number))
	case wire.SegmentBool:
		v.SetBool(s.Number != 0)
	default:
		if err := json.Unmarshal([]byte(field), &key); err != nil {
			quoted, _ := json.Marshal(field)
			if err := json.Unmarshal(quoted, &key); err != nil {
				return key, fmt.Errorf("key %q is no %T: %w", field, key, err)
			}
		}
	}
	return key, nil
}

// checkKey returns what is wrong with a key type; sorted asks for one whose
// encoding keeps the order.
func checkKey[K comparable](sorted bool) []error {
	t := reflect.TypeFor[K]()
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return []error{fmt.Errorf("key type %v: NaN equals no key, not even itself; use an integer or a string", t)}
	case reflect.Pointer, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
		return []error{fmt.Errorf("key type %v has no stable bytes; use the value it stands for", t)}
	}
	if kindOf[K]() != wire.SegmentOpaque {
		return nil
	}
	if sorted {
		return []error{fmt.Errorf("key type %v: a sorted structure takes strings, integers or bool, whose stored order is theirs", t)}
	}
	var zero K
	if _, err := task.AppendKey(nil, zero); err != nil {
		return []error{fmt.Errorf("key type %v: %w", t, err)}
	}
	return nil
}
