// Package protobufcodec stores values as protocol buffers: pointers to messages that
// protoc has made. What may change from one version of a module to the next is what
// protocol buffers allow.
package protobufcodec

import (
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"

	"github.com/coppice-run/coppice/codec"
)

// Codec takes types of the form *pb.Message. A nil message is stored as one zero
// byte, which no message begins with, and comes back as nil.
var Codec codec.Codec = protobuf{}

type protobuf struct{}

var messageType = reflect.TypeFor[proto.Message]()

// stored is the form of a nil message.
const storedNil = 0

// options give one message one form, as far as the library can.
var options = proto.MarshalOptions{Deterministic: true}

func (protobuf) Name() string { return "protobuf" }

func (protobuf) Check(t reflect.Type) error {
	switch {
	case t.Kind() == reflect.Pointer && t.Implements(messageType):
		return nil
	case reflect.PointerTo(t).Implements(messageType):
		return fmt.Errorf("%v is a protobuf message: declare *%v, messages are not copied", t, t)
	}
	return fmt.Errorf("%v is no pointer to a protobuf message", t)
}

func (protobuf) Append(dst []byte, value any) ([]byte, error) {
	v := reflect.ValueOf(value).Elem()
	if v.IsNil() {
		return append(dst, storedNil), nil
	}
	return options.MarshalAppend(dst, v.Interface().(proto.Message))
}

func (protobuf) Decode(raw []byte, value any) error {
	v := reflect.ValueOf(value).Elem()
	if len(raw) == 1 && raw[0] == storedNil {
		v.SetZero()
		return nil
	}
	message := reflect.New(v.Type().Elem())
	if err := proto.Unmarshal(raw, message.Interface().(proto.Message)); err != nil {
		return err
	}
	v.Set(message)
	return nil
}
