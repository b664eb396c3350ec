package wire

import "encoding/binary"

// Prepared is a record that a module's code has made of its JSON form, or why it did not.
type Prepared struct {
	Value     []byte
	Key       []byte // nil: none
	Partition int32  // that the depot's function chose; -1: it has none
	Wrong     string // why there is no record; "" if there is
}

// AppendPrepared appends the stored form, the answer to a PrepareRequest.
func AppendPrepared(dst []byte, p *Prepared) []byte {
	keyed := byte(0)
	if p.Key != nil {
		keyed = 1
	}
	dst = appendText(append(dst, RequestVersion), p.Wrong)
	dst = binary.AppendUvarint(dst, uint64(len(p.Value)))
	dst = append(append(dst, p.Value...), keyed)
	dst = binary.AppendUvarint(dst, uint64(len(p.Key)))
	dst = append(dst, p.Key...)
	return binary.AppendVarint(dst, int64(p.Partition))
}

// ParsePrepared reads it back.
func ParsePrepared(raw []byte) (*Prepared, error) {
	p := parser{rest: raw}
	p.version("prepared record")
	out := &Prepared{Wrong: p.text(), Value: p.bytes()}
	keyed := p.byte() != 0
	if key := p.bytes(); keyed {
		out.Key = append([]byte{}, key...)
	}
	out.Partition = int32(p.varint())
	return out, p.end("prepared record")
}
