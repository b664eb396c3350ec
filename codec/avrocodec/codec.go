// Package avrocodec stores values with an Avro schema: by one that the program has, or as
// the serializers of Kafka's other clients do, with a registry of schemas.
package avrocodec

import (
	"fmt"
	"reflect"

	"github.com/twmb/avro"

	"github.com/coppice-run/coppice/codec"
)

// New returns a codec that stores values with a schema, as Avro's single objects: ten bytes
// that name the schema (its CRC-64-AVRO), then the value. It reads what was stored with one
// of the former schemas, too, by Avro's rules of resolution: so a schema may change as these
// allow, and data that lie in the store, or in a depot, stay readable for as long as their
// schemas are listed.
//
// A type fits the schema if each of its fields is in it, under the name of the tag
// avro:"name", else under its own; a field of the schema that the type has not needs a
// default. What else does not fit is an error when a value is stored.
func New(schema string, former ...string) (codec.Codec, error) {
	now, err := avro.Parse(schema)
	if err != nil {
		return nil, fmt.Errorf("avrocodec: the schema: %w", err)
	}
	c := &single{schema: now, readers: map[[8]byte]*avro.Schema{}}
	for i, text := range append([]string{schema}, former...) {
		writer, err := avro.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("avrocodec: former schema %d: %w", i, err)
		}
		reader, err := avro.Resolve(writer, now)
		if err != nil {
			return nil, fmt.Errorf("avrocodec: what was stored with former schema %d would not be read: %w", i, err)
		}
		c.readers[nameOf(writer)] = reader
	}
	return c, nil
}

// MustNew is New for schemas that the program's text has: it panics with what New returns.
func MustNew(schema string, former ...string) codec.Codec {
	c, err := New(schema, former...)
	if err != nil {
		panic(err)
	}
	return c
}

// nameOf is how single objects name a schema.
func nameOf(s *avro.Schema) [8]byte {
	h := avro.NewRabin()
	_, _ = h.Write(s.Canonical()) // never fails
	sum := h.Sum64()
	var name [8]byte
	for i := range name {
		name[i] = byte(sum >> (8 * i))
	}
	return name
}

// single is a codec of single objects.
type single struct {
	schema  *avro.Schema
	readers map[[8]byte]*avro.Schema // by the name of the schema that wrote
}

func (*single) Name() string                 { return "avro" }
func (c *single) Check(t reflect.Type) error { return fits(c.schema, t) }

func (c *single) Append(dst []byte, value any) ([]byte, error) {
	return guarded(dst, func() ([]byte, error) { return c.schema.AppendSingleObject(dst, value) })
}

func (c *single) Decode(raw []byte, value any) error {
	name, rest, err := avro.SingleObjectFingerprint(raw)
	if err != nil {
		return err
	}
	reader := c.readers[name]
	if reader == nil {
		return fmt.Errorf("it was stored with the schema %x, which is none of the codec's: list that schema among the former ones", name)
	}
	return decode(reader, rest, value)
}

// decode reads a value, and wants nothing behind it.
func decode(reader *avro.Schema, raw []byte, value any) (err error) {
	_, err = guarded(nil, func() ([]byte, error) {
		reflect.ValueOf(value).Elem().SetZero()
		rest, err := reader.Decode(raw, value)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes behind the value", len(rest))
		}
		return nil, err
	})
	return err
}

// guarded turns a panic into an error: what a value holds that the library does not expect
// fails that value alone.
func guarded(dst []byte, f func() ([]byte, error)) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = dst, fmt.Errorf("avro: %v", p)
		}
	}()
	out, err = f()
	if err != nil {
		return dst, err
	}
	return out, nil
}
