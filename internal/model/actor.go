package model

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// actor is the model of one structure, which handles of type H lead to.
type actor[H any] interface {
	// act does one operation to the structure and to the model, in an event.
	act(x *run, h H, name string)
	// look compares everything with what a reader sees.
	look(x *run, r pstate.Reader, h H, name string)
	// clear empties the model.
	clear(x *run)
	// keys adds the stored keys that the structure has under some segments.
	keys(k *keySet, segments []string)
}

// gen draws a value.
type gen[T any] func(*rand.Rand) T

// keySet gathers the stored keys of one PState.
type keySet struct {
	tag, pstate string
	out         map[string]bool
}

// add adds the keys of a table that is not empty.
func (k *keySet) add(kind store.Kind, segments []string) {
	t := wire.PStateTable(k.tag, k.pstate, kind, segments...)
	k.out[t.Key] = true
	if t.Index != "" {
		k.out[t.Index] = true
	}
}

// segmentOf is a key as it stands in the name of a stored key.
func segmentOf[K any](key K) string {
	t, err := wire.KeyTypeOf(reflect.TypeFor[K]())
	if err != nil {
		panic(err) // declared
	}
	raw, err := t.Append(nil, reflect.ValueOf(key))
	if err != nil {
		panic(err) // drawn to have one
	}
	return string(raw)
}

// under is a path one level further in.
func under(segments []string, segment string) []string {
	return append(segments[:len(segments):len(segments)], segment)
}

// show prints a value so that equal values print alike: what pointers lead to instead
// of the pointers, and nil apart from empty.
func show(v any) string {
	var out strings.Builder
	write(&out, reflect.ValueOf(v))
	return out.String()
}

func write(out *strings.Builder, v reflect.Value) {
	switch {
	case !v.IsValid():
		out.WriteString("nil")
	case v.Type() == reflect.TypeFor[time.Time]():
		fmt.Fprint(out, v.Interface().(time.Time).UTC().Format(time.RFC3339Nano))
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice && v.IsNil():
		if v.IsNil() {
			out.WriteString("nil")
		} else {
			write(out, v.Elem())
		}
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		for i := range v.Len() {
			out.WriteByte("[,"[min(i, 1)])
			write(out, v.Index(i))
		}
		out.WriteByte(']')
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			out.WriteByte("{ "[min(i, 1)])
			write(out, v.Field(i))
		}
		out.WriteByte('}')
	case v.Kind() == reflect.String:
		fmt.Fprintf(out, "%q", v.String())
	default:
		fmt.Fprint(out, v.Interface())
	}
}

// found is what a look-up gives.
type found[T any] struct {
	Value T
	There bool
}
