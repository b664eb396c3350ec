package protobufcodec_test

import (
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

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
