// Package codec says how values are stored: as JSON, which is the default, as their
// own bytes, or in any other way that a [Codec] writes. A declaration takes codecs as
// an option: pstate.Codec for a PState, module.Codec for a depot or a step.
//
//	s.PState(&m.Profiles, "profiles", pstate.Codec(protobufcodec.Codec))
//
// Protocol buffers and MessagePack are in packages of their own, protobufcodec and
// msgpackcodec: who does not import them does not build their libraries.
package codec

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/internal/shape"
)

// Codec turns values into bytes and back. Its methods are called from several
// goroutines.
type Codec interface {
	// Name is kept with the module's plan; data stored by a codec of one name are not
	// read by one of another.
	Name() string
	// Check returns why values of a type cannot be stored, at declaration. Of several
	// codecs of one declaration the first that takes a type stores it.
	Check(t reflect.Type) error
	// Append appends the stored form of a value, to which value points. An error fails
	// the event that writes it, or the append.
	Append(dst []byte, value any) ([]byte, error)
	// Decode reads a stored form into what value points to, whatever was there before.
	// raw does not change afterwards and may be kept.
	Decode(raw []byte, value any) error
}

// JSON stores values as encoding/json writes them: the default. Its Check refuses
// types of which a part would be lost: unexported fields, fields that share a name,
// functions, channels, complex numbers, interfaces, keys of maps that are no text. A
// string that is not UTF-8 is an error when it is stored.
var JSON Codec = jsonCodec{}

// Text stores strings and byte slices as their own bytes.
var Text Codec = textCodec{}

// Of returns a codec for the values of one type.
func Of[T any](name string, appendTo func(dst []byte, value *T) ([]byte, error), decode func(raw []byte, value *T) error) Codec {
	return typed[T]{name, appendTo, decode}
}

type jsonCodec struct{}

func (jsonCodec) Name() string               { return "json" }
func (jsonCodec) Check(t reflect.Type) error { return shape.JSON.Losses(t) }
func (jsonCodec) Append(dst []byte, value any) ([]byte, error) {
	raw, err := shape.MarshalJSON(value)
	if err != nil {
		return dst, err
	}
	return append(dst, raw...), nil
}
func (jsonCodec) Decode(raw []byte, value any) error {
	reflect.ValueOf(value).Elem().SetZero()
	return json.Unmarshal(raw, value)
}

// Rules are for the plan: JSON stores by fields.
func (jsonCodec) Rules() shape.Rules { return shape.JSON }

type textCodec struct{}

func (textCodec) Name() string { return "text" }

func (textCodec) Check(t reflect.Type) error {
	if t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		return nil
	}
	return fmt.Errorf("the text codec is for strings and byte slices, not for %v", t)
}

func (textCodec) Append(dst []byte, value any) ([]byte, error) {
	if v := reflect.ValueOf(value).Elem(); v.Kind() == reflect.String {
		return append(dst, v.String()...), nil
	} else {
		return append(dst, v.Bytes()...), nil
	}
}

func (textCodec) Decode(raw []byte, value any) error {
	if v := reflect.ValueOf(value).Elem(); v.Kind() == reflect.String {
		v.SetString(string(raw))
	} else {
		v.SetBytes(append([]byte{}, raw...))
	}
	return nil
}

// typed is a codec of one type.
type typed[T any] struct {
	name   string
	append func(dst []byte, value *T) ([]byte, error)
	decode func(raw []byte, value *T) error
}

func (c typed[T]) Name() string { return c.name }

func (c typed[T]) Check(t reflect.Type) error {
	if want := reflect.TypeFor[T](); t != want {
		return fmt.Errorf("the codec %s is for %v, not for %v", c.name, want, t)
	}
	if c.name == "" || c.append == nil || c.decode == nil {
		return fmt.Errorf("a codec has a name and two functions")
	}
	return nil
}

func (c typed[T]) Append(dst []byte, value any) ([]byte, error) { return c.append(dst, value.(*T)) }
func (c typed[T]) Decode(raw []byte, value any) error           { return c.decode(raw, value.(*T)) }

// Functions are for the engine, which calls them with the type that they are for.
func (c typed[T]) Functions() (func([]byte, *T) ([]byte, error), func([]byte, *T) error) {
	return c.append, c.decode
}
