package registry

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/codec"
	inner "github.com/coppice-run/coppice/internal/codec"
)

// JSON returns a codec for topics whose values are JSON behind the id of a schema, as
// Confluent's serializers write them. Values that are read have the form that codec.JSON
// reads, whatever their schema says; those that are written have this schema, registered
// under the subject. subject may be "" if nothing is written.
func JSON(schemas codec.Schemas, subject, schema string) (codec.Codec, error) {
	if schemas == nil {
		return nil, errors.New("registry: there is no registry of schemas")
	}
	return &framedJSON{schemas, subject, schema}, nil
}

type framedJSON struct {
	schemas         codec.Schemas
	subject, schema string
}

func (*framedJSON) Name() string               { return "json-registry" }
func (*framedJSON) Check(t reflect.Type) error { return codec.JSON.Check(t) }

func (c *framedJSON) Append(dst []byte, value any) ([]byte, error) {
	if c.subject == "" {
		return dst, errors.New("the codec has no subject: say under which one the schema is registered, registry.JSON")
	}
	id, err := c.schemas.ID(c.subject, codec.Schema{Type: codec.JSONSchema, Text: c.schema})
	if err != nil {
		return dst, fmt.Errorf("the schema of subject %s: %w", c.subject, err)
	}
	out, err := codec.JSON.Append(inner.AppendSchemaID(dst, id), value)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (c *framedJSON) Decode(raw []byte, value any) error {
	_, rest, err := inner.SchemaID(raw)
	if err != nil {
		return err
	}
	return codec.JSON.Decode(rest, value)
}
