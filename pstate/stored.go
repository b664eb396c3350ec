package pstate

import (
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Stored is a value as it is stored, for readers without the module's code.
type Stored string

// SchemaOf returns the schema of a layout, as LayoutOf has written it down: a view reads
// along it without the module's code, and gets the values as they are stored. For package
// client.
func SchemaOf(l *Layout) *overlay.Schema {
	s := schemaOf(l)
	settle(s, nil, 0, nil, false)
	return s
}

func schemaOf(l *Layout) *overlay.Schema {
	s := &overlay.Schema{Kind: l.kind(), Name: l.Name, Key: l.Key, Codec: l.Codec, Shape: l.Value}
	if l.Codec != "" {
		s.Leaf = storedCodec
	}
	if l.Key != nil {
		s.Task = func(segment *wire.Segment, tasks int) (task.ID, error) { return placeOf(l.Key, segment, tasks) }
	}
	if l.Elem != nil {
		s.Elem = schemaOf(l.Elem)
	}
	for i, field := range l.Fields {
		inner := schemaOf(field)
		if inner.Kind == overlay.KindValue {
			inner.Column = i
		}
		s.Fields = append(s.Fields, inner)
	}
	return s
}

// kind reads what Kind.String prints; 0 for what this version does not know.
func (l *Layout) kind() overlay.Kind {
	for k := overlay.KindValue; k <= overlay.KindFixed; k++ {
		if k.String() == l.Kind {
			return k
		}
	}
	return 0
}

var storedCodec = &codec.Codec[Stored]{
	Name:   "stored",
	Append: func(dst []byte, value *Stored) ([]byte, error) { return append(dst, *value...), nil },
	Decode: func(raw []byte, value *Stored) error { *value = Stored(raw); return nil },
	Plain:  true, Sure: true,
}

// placeOf finds the task of a key by its type alone.
func placeOf(k *wire.KeyType, segment *wire.Segment, tasks int) (task.ID, error) {
	if k.OwnForm() {
		return task.None, ErrPlacedByCode
	}
	key := reflect.New(k.GoType()).Elem()
	if err := k.Parse(string(wire.AppendElement(nil, *segment)), key); err != nil {
		return task.None, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	bytes, err := task.AppendKey(nil, key.Interface())
	if err != nil {
		return task.None, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return task.Of(bytes, tasks), nil
}
