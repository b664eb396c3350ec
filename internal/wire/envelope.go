package wire

import (
	"encoding/binary"
	"errors"
)

// AppendEnvelope opens a message between workers: the module that the frame
// behind it belongs to.
func AppendEnvelope(dst []byte, module string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(module)))
	return append(dst, module...)
}

// ParseEnvelope splits a message into the module's name and the frame.
func ParseEnvelope(raw []byte) (module string, frame []byte, err error) {
	size, n := binary.Uvarint(raw)
	if n <= 0 || size > uint64(len(raw)-n) {
		return "", nil, errors.New("message between workers has no module name")
	}
	return string(raw[n : n+int(size)]), raw[n+int(size):], nil
}
