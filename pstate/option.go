package pstate

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/codec"
	internal "github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/overlay"
)

// Option changes how a PState is kept, or who may read it.
type Option struct{ apply func(*settings) }

type settings struct {
	global, private bool
	codecs          []codec.Codec
	partition       any
	initial         func(root *overlay.Schema) (raw string, err error)
	mistakes        []error
	migrations      []*migration
}

// Global makes a PState of one partition, which task 0 holds. Events on other tasks
// neither read nor write it: place a step at it (module.At, module.Global). That task
// is its bottleneck.
func Global() Option { return Option{func(s *settings) { s.global = true }} }

// Private makes a PState that only the topology which declares it reads: other
// topologies and clients get ErrPrivate. Who can reach the store can still see it.
func Private() Option { return Option{func(s *settings) { s.private = true }} }

// Codec stores the values of a PState by other codecs than JSON: each type of values
// by the first codec that takes it. Keys are not stored by codecs.
func Codec(codecs ...codec.Codec) Option {
	return Option{func(s *settings) { s.codecs = append(s.codecs, codecs...) }}
}

// PartitionBy has a function choose the task of a key, 0 to tasks-1, instead of the
// key's hash. It must choose the same always; clients and steps placed at the PState
// (module.At) follow it. K is the type of the outermost keys. A task that there is not
// fails the event that writes the key, or hops to it, and the read. That the event runs on
// the chosen task is up to the module: what it writes on another one is kept there, and found
// by client.AtTask alone.
//
// A depot whose records belong to these keys chooses alike with module.CustomDepot.
func PartitionBy[K any](choose func(key K, tasks int) int) Option {
	return Option{func(s *settings) {
		if choose == nil {
			s.mistakes = append(s.mistakes, errors.New("PartitionBy has no function"))
			return
		}
		s.partition = choose
	}}
}

// Initial is what a PState of one value holds on each task while nothing has been
// written, and after Delete. Nothing is stored for it.
func Initial[T any](value T) Option {
	return Option{func(s *settings) {
		s.initial = func(root *overlay.Schema) (string, error) {
			leaf, ok := root.Leaf.(*internal.Codec[T])
			if root.Kind != overlay.KindValue || !ok {
				return "", fmt.Errorf("has an initial value of type %v: that is for a PState which is a Value of the same type", reflect.TypeFor[T]())
			}
			if leaf.Append == nil {
				return "", nil // the type is a mistake already
			}
			raw, err := leaf.Append(nil, &value)
			if err != nil {
				return "", fmt.Errorf("its initial value does not encode: %w", err)
			}
			return string(raw), nil
		}
	}}
}
