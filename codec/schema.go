package codec

import "errors"

// Schema is a schema as a registry of schemas keeps it.
type Schema struct {
	Type string // AvroSchema, ProtobufSchema or JSONSchema
	Text string
	// References are the texts of the schemas that Text refers to, each behind those that
	// it refers to itself.
	References []string
}

// The types of schemas, as registries name them.
const (
	AvroSchema     = "AVRO"
	ProtobufSchema = "PROTOBUF"
	JSONSchema     = "JSON"
)

// Schemas is a registry of schemas; package registry has one that is asked over HTTP. Its
// methods are called from several goroutines, where values are encoded and decoded: what they
// answer they keep. An error that passes wraps ErrUnavailable.
type Schemas interface {
	// Schema returns the schema of an id.
	Schema(id int) (Schema, error)
	// ID returns the id of a schema in a subject, and registers it there if need be.
	ID(subject string, schema Schema) (int, error)
}

// ErrUnavailable: something that a codec needs does not answer now, so that nothing is known
// about the value. A record that is not decoded for this reason is tried again, like one
// whose handler fails; any other error of a codec parks it.
var ErrUnavailable = errors.New("not available now")
