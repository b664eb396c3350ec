package protobufcodec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/coppice-run/coppice/codec"
	inner "github.com/coppice-run/coppice/internal/codec"
)

// Registered returns a codec for topics of messages whose schemas are in a registry, as
// Confluent's serializers write them: a zero byte, the id of the schema in four, the place of
// the message's type in its file, then the message. It reads a message of any schema whose
// type has that place, as protocol buffers read older and newer versions; what it writes has
// the schema, the text of a .proto file, registered under the subject. subject may be ""
// if nothing is written. A nil message has no form here: a record without a value is a tombstone.
func Registered(schemas codec.Schemas, subject, schema string) (codec.Codec, error) {
	if schemas == nil {
		return nil, errors.New("protobufcodec: there is no registry of schemas")
	}
	return &registered{schemas: schemas, subject: subject, text: schema}, nil
}

type registered struct {
	schemas       codec.Schemas
	subject, text string
}

func (*registered) Name() string               { return "protobuf-registry" }
func (*registered) Check(t reflect.Type) error { return Codec.Check(t) }

func (c *registered) Append(dst []byte, value any) ([]byte, error) {
	if c.subject == "" {
		return dst, errors.New("the codec has no subject: say under which one the schema is registered, protobufcodec.Registered")
	}
	v := reflect.ValueOf(value).Elem()
	if v.IsNil() {
		return dst, errors.New("a nil message has no form in a topic: write a record without a value")
	}
	message := v.Interface().(proto.Message)
	id, err := c.schemas.ID(c.subject, codec.Schema{Type: codec.ProtobufSchema, Text: c.text})
	if err != nil {
		return dst, fmt.Errorf("the schema of subject %s: %w", c.subject, err)
	}
	out := inner.AppendTypePlace(inner.AppendSchemaID(dst, id), placeOf(message.ProtoReflect().Descriptor()))
	if out, err = options.MarshalAppend(out, message); err != nil {
		return dst, err
	}
	return out, nil
}

func (c *registered) Decode(raw []byte, value any) error {
	_, rest, err := inner.SchemaID(raw)
	if err != nil {
		return err
	}
	place, rest, err := inner.TypePlace(rest)
	if err != nil {
		return err
	}
	v := reflect.ValueOf(value).Elem()
	message := reflect.New(v.Type().Elem())
	known := message.Interface().(proto.Message)
	if want := placeOf(known.ProtoReflect().Descriptor()); !slices.Equal(place, want) {
		return fmt.Errorf("it is a message of the type at %v of its file, and %T is at %v", place, known, want)
	}
	if err := proto.Unmarshal(rest, known); err != nil {
		return err
	}
	v.Set(message)
	return nil
}

// placeOf is the place of a type in its file: its number among those around it, the
// outermost first.
func placeOf(d protoreflect.Descriptor) (place []int) {
	for {
		place = append(place, d.Index())
		if _, file := d.Parent().(protoreflect.FileDescriptor); file || d.Parent() == nil {
			break
		}
		d = d.Parent()
	}
	slices.Reverse(place)
	return place
}
