package flow

import "encoding/binary"

// appendSized appends something with its length before it: most are shorter than 128
// bytes, so that there is room for one byte, and what is longer moves.
func appendSized(dst []byte, what func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(dst)
	dst, err := what(append(dst, 0))
	if err != nil {
		return dst, err
	}
	n := len(dst) - start - 1
	if n < 0x80 {
		dst[start] = byte(n)
		return dst, nil
	}
	var size [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(size[:], uint64(n))
	dst = append(dst, size[1:k]...)
	copy(dst[start+k:], dst[start+1:start+1+n])
	copy(dst[start:], size[:k])
	return dst, nil
}

// cutSized takes off what appendSized has appended.
func cutSized(raw []byte) (what, rest []byte, ok bool) {
	n, k := binary.Uvarint(raw)
	if k <= 0 || n > uint64(len(raw)-k) {
		return nil, nil, false
	}
	end := k + int(n)
	return raw[k:end:end], raw[end:], true
}
