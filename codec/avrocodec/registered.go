package avrocodec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/twmb/avro"

	"github.com/coppice-run/coppice/codec"
	inner "github.com/coppice-run/coppice/internal/codec"
)

// Registered returns a codec for topics whose schemas are in a registry, as Confluent's
// serializers write them: a zero byte, the id of the schema in four, then the value. What it
// reads may have been written with any schema of the registry that Avro resolves to this one;
// what it writes has this one, registered under the subject (as a rule the topic's name with
// "-value" behind it) when the first value is written. subject may be "" if nothing is.
//
// The first value of each schema asks the registry; its task waits for the answer.
func Registered(schemas codec.Schemas, subject, schema string) (codec.Codec, error) {
	if schemas == nil {
		return nil, errors.New("avrocodec: there is no registry of schemas")
	}
	now, err := avro.Parse(schema)
	if err != nil {
		return nil, fmt.Errorf("avrocodec: the schema: %w", err)
	}
	return &registered{schemas: schemas, subject: subject, schema: now, text: schema}, nil
}

// registered is a codec of a registry's schemas.
type registered struct {
	schemas codec.Schemas
	subject string
	schema  *avro.Schema
	text    string
	readers sync.Map // id -> *reader
}

// reader reads what one schema wrote.
type reader struct {
	schema *avro.Schema
	err    error // for good
}

func (*registered) Name() string                 { return "avro-registry" }
func (c *registered) Check(t reflect.Type) error { return fits(c.schema, t) }

func (c *registered) Append(dst []byte, value any) ([]byte, error) {
	if c.subject == "" {
		return dst, errors.New("the codec has no subject: say under which one the schema is registered, avrocodec.Registered")
	}
	id, err := c.schemas.ID(c.subject, codec.Schema{Type: codec.AvroSchema, Text: c.text})
	if err != nil {
		return dst, fmt.Errorf("the schema of subject %s: %w", c.subject, err)
	}
	return guarded(dst, func() ([]byte, error) { return c.schema.AppendEncode(inner.AppendSchemaID(dst, id), value) })
}

func (c *registered) Decode(raw []byte, value any) error {
	id, rest, err := inner.SchemaID(raw)
	if err != nil {
		return err
	}
	r, err := c.reader(id)
	if err != nil {
		return fmt.Errorf("schema %d: %w", id, err)
	}
	return decode(r, rest, value)
}

// reader is what reads values of a schema. Answers of the registry are kept; that it does not
// answer is not.
func (c *registered) reader(id int) (*avro.Schema, error) {
	if have, ok := c.readers.Load(id); ok {
		r := have.(*reader)
		return r.schema, r.err
	}
	written, err := c.schemas.Schema(id)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	r.schema, r.err = c.resolve(written)
	c.readers.Store(id, r)
	return r.schema, r.err
}

func (c *registered) resolve(written codec.Schema) (*avro.Schema, error) {
	if written.Type != "" && written.Type != codec.AvroSchema {
		return nil, fmt.Errorf("it is a schema of type %s, not %s", written.Type, codec.AvroSchema)
	}
	var texts avro.SchemaCache
	for _, text := range written.References {
		if _, err := texts.Parse(text); err != nil {
			return nil, fmt.Errorf("a schema that it refers to: %w", err)
		}
	}
	writer, err := texts.Parse(written.Text)
	if err != nil {
		return nil, err
	}
	return avro.Resolve(writer, c.schema)
}
