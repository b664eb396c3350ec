package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Values of topics whose schemas are in a registry begin with a zero byte and the id of
// their schema, four bytes, the most significant first. Behind it protocol buffers have the
// place of the message's type in its file: how many numbers, and each, as zig-zag varints; one
// zero byte stands for the first type.

const framed = 0

// AppendSchemaID appends what stands before a value of a schema.
func AppendSchemaID(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, framed), uint32(id))
}

// SchemaID reads what stands before a value.
func SchemaID(raw []byte) (id int, value []byte, err error) {
	if len(raw) < 5 || raw[0] != framed {
		return 0, nil, errors.New("it does not begin with a zero byte and the id of a schema: no serializer with a registry wrote it")
	}
	return int(binary.BigEndian.Uint32(raw[1:5])), raw[5:], nil
}

// AppendTypePlace appends the place of a message's type.
func AppendTypePlace(dst []byte, place []int) []byte {
	if len(place) == 1 && place[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(place)))
	for _, n := range place {
		dst = binary.AppendVarint(dst, int64(n))
	}
	return dst
}

// placeMax bounds how deep types lie within each other.
const placeMax = 100

// TypePlace reads the place of a message's type.
func TypePlace(raw []byte) (place []int, value []byte, err error) {
	count, n := binary.Varint(raw)
	if n <= 0 || count < 0 || count > placeMax {
		return nil, nil, fmt.Errorf("the place of its type has %d numbers", count)
	}
	raw = raw[n:]
	if count == 0 {
		return []int{0}, raw, nil
	}
	for range count {
		at, n := binary.Varint(raw)
		if n <= 0 || at < 0 || at > 1<<16 {
			return nil, nil, errors.New("the place of its type is cut short, or no place")
		}
		place, raw = append(place, int(at)), raw[n:]
	}
	return place, raw, nil
}
