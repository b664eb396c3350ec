package codec

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/shape"
)

// Choose returns the first of some codecs that takes values of type T; JSON if
// there are none. The error lists what each has against it.
func Choose[T any](codecs []codec.Codec) (Codec[T], error) {
	t := reflect.TypeFor[T]()
	if len(codecs) == 0 {
		return JSON[T]()
	}
	var refusals []error
	for _, c := range codecs {
		if c == nil {
			return Codec[T]{}, errors.New("a codec is nil")
		}
		err := c.Check(t)
		if err == nil {
			return of[T](c)
		}
		refusals = append(refusals, err)
	}
	return Codec[T]{}, errors.Join(refusals...)
}

// of makes the engine's form of a codec that takes T.
func of[T any](c codec.Codec) (Codec[T], error) {
	switch c {
	case codec.JSON:
		return JSON[T]()
	case codec.Text:
		return Text[T]()
	}
	t := reflect.TypeFor[T]()
	out := Codec[T]{Name: c.Name(), Plain: shape.Plain(t)}
	if own, ok := c.(interface {
		Functions() (func([]byte, *T) ([]byte, error), func([]byte, *T) error)
	}); ok {
		out.Append, out.Decode = own.Functions()
	} else {
		out.Append = func(dst []byte, value *T) ([]byte, error) { return c.Append(dst, value) }
		out.Decode = func(raw []byte, value *T) error { return c.Decode(raw, value) }
	}
	if out.Name == "" {
		return out, fmt.Errorf("a codec of %v has no name", t)
	}
	out.Shape = shape.Own(t)
	if fielded, ok := c.(interface{ Rules() shape.Rules }); ok {
		out.Shape = fielded.Rules().Of(t)
	}
	return out, nil
}
