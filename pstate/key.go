package pstate

import (
	"reflect"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
)

// segment turns a key of a structure into a path segment.
func segment[K any](s *overlay.Schema, key K) wire.Segment {
	switch k := any(&key).(type) {
	case *string:
		return wire.Segment{Kind: wire.SegmentText, Text: *k}
	case *int64:
		return wire.Segment{Kind: wire.SegmentInt, Number: *k}
	case *int:
		return wire.Segment{Kind: wire.SegmentInt, Number: int64(*k)}
	}
	return segmentByKind(s, key)
}

func segmentByKind[K any](s *overlay.Schema, key K) wire.Segment {
	if s == nil {
		return wire.Segment{} // not declared: the read or write will say so
	}
	v := reflect.ValueOf(key)
	switch s.Key.Kind {
	case wire.KeyText:
		if v.Kind() == reflect.String {
			return wire.Segment{Kind: wire.SegmentText, Text: v.String()}
		}
		return wire.Segment{Kind: wire.SegmentText, Text: string(v.Bytes())}
	case wire.KeyInt:
		return wire.Segment{Kind: wire.SegmentInt, Number: v.Int()}
	case wire.KeyUint:
		return wire.Segment{Kind: wire.SegmentUint, Number: int64(v.Uint())}
	case wire.KeyBool:
		if v.Bool() {
			return wire.Segment{Kind: wire.SegmentBool, Number: 1}
		}
		return wire.Segment{Kind: wire.SegmentBool}
	}
	text, err := s.Key.Append(nil, v)
	if err != nil {
		return wire.Segment{Kind: wire.SegmentBad, Text: err.Error()}
	}
	return wire.Segment{Kind: wire.SegmentEncoded, Text: string(text)}
}

// parseKey reads an encoded key of a structure back.
func parseKey[K any](s *overlay.Schema, field string) (key K, err error) {
	if k, ok := any(&key).(*string); ok {
		*k = field
		return key, nil
	}
	err = s.Key.Parse(field, reflect.ValueOf(&key).Elem())
	return key, err
}
