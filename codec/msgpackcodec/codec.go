// Package msgpackcodec stores values as MessagePack: about as flexible as JSON, and
// shorter.
package msgpackcodec

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/shape"
)

// Codec takes the types that JSON takes, and types that say themselves how they are
// stored and read as MessagePack, binary or text. Fields are stored under their Go
// names, or those of the tag msgpack:"name". The elements of a map are stored in no
// order: the same map may have several forms.
var Codec codec.Codec = msgPack{}

type msgPack struct{}

// pairs are the ways in which a type says how it is stored, in the order in which the
// library looks for them, each with the way back.
var pairs = [][2]reflect.Type{
	{reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.CustomDecoder]()},
	{reflect.TypeFor[msgpack.Marshaler](), reflect.TypeFor[msgpack.Unmarshaler]()},
	{reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]()},
	{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()},
}

var rules = shape.Rules{
	Tag:     "msgpack",
	Own:     func(t reflect.Type) bool { writes, reads := own(t); return writes && reads },
	OneWay:  func(t reflect.Type) bool { writes, reads := own(t); return writes && !reads },
	Methods: []string{"EncodeMsgpack", "DecodeMsgpack", "MarshalMsgpack", "UnmarshalMsgpack", "MarshalBinary", "UnmarshalBinary", "MarshalText", "UnmarshalText"},
}

// own reports whether a type says how it is stored, and how it is read.
func own(t reflect.Type) (writes, reads bool) {
	p := reflect.PointerTo(t)
	for _, pair := range pairs {
		if p.Implements(pair[0]) {
			return true, p.Implements(pair[1])
		}
	}
	return false, false
}

func (msgPack) Name() string               { return "msgpack" }
func (msgPack) Check(t reflect.Type) error { return rules.Losses(t) }

// Rules are for the plan: MessagePack stores by fields.
func (msgPack) Rules() shape.Rules { return rules }

func (msgPack) Append(dst []byte, value any) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	e := msgpack.GetEncoder()
	defer msgpack.PutEncoder(e)
	e.Reset(out)
	e.SetSortMapKeys(true)
	e.UseCompactInts(true)
	err := e.Encode(value)
	return out.Bytes(), err
}

func (msgPack) Decode(raw []byte, value any) (err error) {
	// The library panics on some bytes that are no such value (a nil time, for one).
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("no MessagePack of %T: %v", value, p)
		}
	}()
	reflect.ValueOf(value).Elem().SetZero()
	if err := check(raw); err != nil {
		return fmt.Errorf("no MessagePack: %w", err)
	}
	in := bytes.NewReader(raw)
	d := msgpack.GetDecoder()
	defer msgpack.PutDecoder(d)
	d.Reset(in)
	if err := d.Decode(value); err != nil {
		return err
	}
	if n := in.Len(); n > 0 {
		return fmt.Errorf("%d bytes behind the value", n)
	}
	return nil
}
