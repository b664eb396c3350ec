// Package codectest holds codecs to what codec.Codec asks of them. Whoever writes a codec
// of their own calls it from a test:
//
//	func TestCodec(t *testing.T) { codectest.Suite[order]{Codec: myCodec, Values: orders}.Run(t) }
//	func FuzzCodec(f *testing.F) { codectest.Suite[order]{Codec: myCodec, Values: orders}.Fuzz(f) }
package codectest

import (
	"bytes"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/codec"
)

// Suite is a codec with values of one of its types.
type Suite[T any] struct {
	Codec codec.Codec
	// Values are tried, and the zero value of T unless NoZero says that it has no form.
	Values []T
	NoZero bool
	// Equal compares what came back with what was stored. Default: reflect.DeepEqual.
	Equal func(a, b T) bool
}

// Run runs the suite: a value comes back as it was, whatever the variable held before that it is
// read into; what stands before it in the buffer is kept, and the value itself is not
// changed; bytes that are no such value, or only a part of one, are an error or another value and
// no panic; and all of that from several goroutines at once.
func (s Suite[T]) Run(t *testing.T) {
	t.Helper()
	if !s.declared(t) {
		return
	}
	t.Run("there and back", func(t *testing.T) { s.there(t) })
	t.Run("damaged", func(t *testing.T) { s.damaged(t) })
	t.Run("at once", func(t *testing.T) {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { s.there(t) })
		}
		group.Wait()
	})
}

func (s Suite[T]) declared(t testing.TB) bool {
	t.Helper()
	if s.Codec == nil {
		t.Errorf("the suite has no codec")
		return false
	}
	if name := s.Codec.Name(); name == "" || strings.ContainsAny(name, "\n ") {
		t.Errorf("the codec's name is %q: want a word, which is kept with the module's plan", name)
	}
	if err := s.Codec.Check(reflect.TypeFor[T]()); err != nil {
		t.Errorf("the codec does not take %v: %v", reflect.TypeFor[T](), err)
		return false
	}
	return true
}

func (s Suite[T]) values() []T {
	if s.NoZero {
		return s.Values
	}
	var zero T
	return append([]T{zero}, s.Values...)
}

func (s Suite[T]) equal(a, b T) bool {
	if s.Equal != nil {
		return s.Equal(a, b)
	}
	return reflect.DeepEqual(a, b)
}

// there stores each value and reads it back, into variables that hold the one before.
func (s Suite[T]) there(t testing.TB) {
	t.Helper()
	var into T
	for i, value := range s.values() {
		before := append(make([]byte, 0, 4096), "before"...)
		mine := value
		raw, err := s.Codec.Append(before, &mine)
		if err != nil {
			t.Errorf("value %d, %+v, is not stored: %v", i, value, err)
			continue
		}
		if !bytes.HasPrefix(raw, []byte("before")) {
			t.Errorf("value %d: the buffer began with %q and begins with %q", i, "before", raw[:min(len(raw), 6)])
			continue
		}
		if !s.equal(mine, value) {
			t.Errorf("value %d, %+v, was changed by storing it: %+v", i, value, mine)
		}
		stored := bytes.Clone(raw[len("before"):])
		if err := s.Codec.Decode(stored, &into); err != nil {
			t.Errorf("value %d, %+v, is not read back from %x: %v", i, value, stored, err)
			continue
		}
		if !s.equal(into, value) {
			t.Errorf("value %d, %+v, came back as %+v", i, value, into)
		}
	}
}

// damaged reads parts of stored forms, and forms of which a byte is another one.
func (s Suite[T]) damaged(t *testing.T) {
	for _, value := range s.values() {
		raw, err := s.Codec.Append(nil, &value)
		if err != nil {
			continue // there tells it
		}
		for n := range raw {
			s.read(t, bytes.Clone(raw[:n]))
			for _, change := range []byte{0x01, 0x80, 0xff} {
				other := bytes.Clone(raw)
				other[n] ^= change
				s.read(t, other)
			}
		}
		s.read(t, append(bytes.Clone(raw), 0))
	}
	s.read(t, nil)
}

// read reads bytes that may be anything.
func (s Suite[T]) read(t testing.TB, raw []byte) (value T, ok bool) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("reading %x panicked: %v", raw, p)
		}
	}()
	err := s.Codec.Decode(raw, &value)
	return value, err == nil
}

// Fuzz feeds the codec bytes: what it takes is stored and read again as the same.
func (s Suite[T]) Fuzz(f *testing.F) {
	if !s.declared(f) {
		return
	}
	for _, value := range s.values() {
		if raw, err := s.Codec.Append(nil, &value); err == nil {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, ok := s.read(t, raw)
		if !ok {
			return
		}
		first, err := s.Codec.Append(nil, &value)
		if err != nil {
			return // a value that has no form, as text that is not UTF-8 has none in JSON
		}
		again, ok := s.read(t, first)
		if !ok {
			t.Fatalf("%x was read as %+v, which is stored as %x and not read back", raw, value, first)
		}
		if second, err := s.Codec.Append(nil, &again); err != nil || !bytes.Equal(first, second) && !s.equal(value, again) {
			t.Fatalf("%x was read as %+v and came back as %+v (error %v)", raw, value, again, err)
		}
	})
}
