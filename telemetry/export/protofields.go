package export

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// What is nothing is not written, as in proto3.

func appendText(b []byte, field protowire.Number, text string) []byte {
	if text == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

func appendBytes(b []byte, field protowire.Number, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), data)
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendCount(b []byte, field protowire.Number, n int) []byte {
	return appendNumber(b, field, uint64(min(max(n, 0), math.MaxUint32)))
}

func appendTime(b []byte, field protowire.Number, nanos int64) []byte {
	if nanos <= 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(nanos))
}

// appendMessage appends a message that fill writes, behind its length. Most take one byte for
// that: the others are moved on.
func appendMessage(b []byte, field protowire.Number, fill func([]byte) []byte) []byte {
	b = append(protowire.AppendTag(b, field, protowire.BytesType), 0)
	begin := len(b)
	b = fill(b)
	n := len(b) - begin
	if more := protowire.SizeVarint(uint64(n)) - 1; more > 0 {
		b = append(b, make([]byte, more)...)
		copy(b[begin+more:], b[begin:begin+n])
	}
	protowire.AppendVarint(b[:begin-1], uint64(n))
	return b
}
