package protobufcodec_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/codectest"
	"github.com/coppice-run/coppice/codec/protobufcodec"
)

func roundTrip[M proto.Message](t interface{ Fatalf(string, ...any) }, m M) []byte {
	raw, err := protobufcodec.Codec.Append([]byte("before"), &m)
	if err != nil || string(raw[:6]) != "before" {
		t.Fatalf("%v does not encode: %v", m, err)
	}
	var back M
	if err := protobufcodec.Codec.Decode(raw[6:], &back); err != nil {
		t.Fatalf("%x does not decode: %v", raw[6:], err)
	}
	if !proto.Equal(back, m) || reflect.ValueOf(back).IsNil() != reflect.ValueOf(m).IsNil() {
		t.Fatalf("%v came back as %v", m, back)
	}
	return raw[6:]
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, wrapperspb.Int64(rapid.Int64().Draw(t, "n")))
		roundTrip(t, wrapperspb.Bytes(rapid.SliceOf(rapid.Byte()).Draw(t, "raw")))
		roundTrip(t, &timestamppb.Timestamp{Seconds: rapid.Int64().Draw(t, "s"), Nanos: rapid.Int32().Draw(t, "ns")})
		many, err := structpb.NewStruct(map[string]any{"a": rapid.Float64Range(-1, 1).Draw(t, "a"), "b": nil, "c": []any{true, "x"}})
		if err != nil {
			t.Fatal(err)
		}
		if one, other := roundTrip(t, many), roundTrip(t, many); string(one) != string(other) {
			t.Fatalf("one message has the forms %x and %x", one, other)
		}
	})
	// Present but nil, and present but empty, are two things.
	if raw := roundTrip[*wrapperspb.StringValue](t, nil); string(raw) != "\x00" {
		t.Errorf("nil is stored as %x", raw)
	}
	if raw := roundTrip(t, wrapperspb.String("")); len(raw) != 0 {
		t.Errorf("an empty message is stored as %x", raw)
	}
}

func TestTypesThatAreNone(t *testing.T) {
	t.Parallel()
	for want, of := range map[string]reflect.Type{
		"int is no pointer to a protobuf message":   reflect.TypeFor[int](),
		"*int is no pointer to a protobuf message":  reflect.TypeFor[*int](),
		"declare *wrapperspb.BoolValue, messages a": reflect.TypeFor[wrapperspb.BoolValue](),
	} {
		if err := protobufcodec.Codec.Check(of); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", of, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{8, 1, 16, 2})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m *timestamppb.Timestamp
		if protobufcodec.Codec.Decode(raw, &m) == nil {
			roundTrip(t, m)
		}
	})
}

func equal[M proto.Message](a, b M) bool {
	return proto.Equal(a, b) && reflect.ValueOf(a).IsNil() == reflect.ValueOf(b).IsNil()
}

func TestSuite(t *testing.T) {
	t.Parallel()
	codectest.Suite[*wrapperspb.StringValue]{Codec: protobufcodec.Codec, Values: []*wrapperspb.StringValue{wrapperspb.String("x"), wrapperspb.String("")}, Equal: equal[*wrapperspb.StringValue]}.Run(t)
}

// table is a registry of schemas in memory.
type table struct{ ids map[string]int }

func (*table) Schema(int) (codec.Schema, error) {
	return codec.Schema{}, errors.New("nobody asks for it")
}

func (s *table) ID(subject string, schema codec.Schema) (int, error) {
	if schema.Type != codec.ProtobufSchema {
		return 0, fmt.Errorf("a schema of type %s", schema.Type)
	}
	if s.ids[subject] == 0 {
		return 0, fmt.Errorf("%w: %s", codec.ErrUnavailable, subject)
	}
	return s.ids[subject], nil
}

// With a registry, a message goes behind the id of its schema and the place of its type.
func TestRegistered(t *testing.T) {
	t.Parallel()
	schemas := &table{map[string]int{"texts-value": 0x01020304}}
	c, err := protobufcodec.Registered(schemas, "texts-value", `syntax = "proto3"; …`)
	if err != nil {
		t.Fatal(err)
	}
	codectest.Suite[*structpb.Struct]{Codec: c, Values: []*structpb.Struct{{}}, NoZero: true, Equal: equal[*structpb.Struct]}.Run(t)
	codectest.Suite[*wrapperspb.StringValue]{Codec: c, Values: []*wrapperspb.StringValue{wrapperspb.String("x")}, NoZero: true, Equal: equal[*wrapperspb.StringValue]}.Run(t)
	first, third := &structpb.Struct{}, structpb.NewBoolValue(true)
	if raw, err := c.Append(nil, &first); err != nil || string(raw) != "\x00\x01\x02\x03\x04\x00" {
		t.Errorf("the first type of its file: %x, %v", raw, err)
	}
	raw, err := c.Append(nil, &third) // the second of its file
	if err != nil || string(raw[:7]) != "\x00\x01\x02\x03\x04\x02\x02" {
		t.Fatalf("the second type of its file: %x, %v", raw, err)
	}
	if err := c.Decode(raw, &first); err == nil || !strings.Contains(err.Error(), "type at [1]") {
		t.Errorf("read as another type: %v", err)
	}
	var none *structpb.Struct
	if _, err := c.Append(nil, &none); err == nil {
		t.Error("a nil message was stored")
	}
	other, err := protobufcodec.Registered(schemas, "other-value", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Append(nil, &first); !errors.Is(err, codec.ErrUnavailable) {
		t.Errorf("with a registry that does not answer: %v", err)
	}
	if _, err := protobufcodec.Registered(nil, "", ""); err == nil {
		t.Error("a codec without a registry")
	}
}

func FuzzRegistered(f *testing.F) {
	c, err := protobufcodec.Registered(&table{map[string]int{"s": 7}}, "s", "")
	if err != nil {
		f.Fatal(err)
	}
	codectest.Suite[*structpb.Value]{Codec: c, Values: []*structpb.Value{structpb.NewBoolValue(true)}, NoZero: true, Equal: equal[*structpb.Value]}.Fuzz(f)
}
