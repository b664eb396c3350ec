package msgpackcodec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The library believes what a list, a map or a text says of its length: it makes room for a
// list of four billion elements that nine bytes promise, and descends as deep as bytes
// lead it. Both end the process. So the form is looked at first: no value promises more than is
// there, and none is deeper than depthMax.

// depthMax is how deep lists and maps may lie in each other.
const depthMax = 1000

var errShort = errors.New("it promises more than there is")

// check reports what is wrong with the form of the first value of raw.
func check(raw []byte) error {
	var open []uint64 // values that are still to come, of each list and map around
	for {
		n, inside, err := head(raw)
		if err == nil && (n > uint64(len(raw)) || inside > uint64(len(raw))-n) {
			err = errShort // each value inside takes a byte or more
		}
		if err != nil {
			return err
		}
		raw = raw[n:]
		if inside > 0 {
			if len(open) == depthMax {
				return fmt.Errorf("lists and maps lie deeper in each other than %d", depthMax)
			}
			open = append(open, inside)
			continue
		}
		for len(open) > 0 {
			last := &open[len(open)-1]
			if *last--; *last > 0 {
				break
			}
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return nil
		}
	}
}

// head reads the beginning of a value: how many bytes it takes without the values inside it,
// and how many those are.
func head(raw []byte) (n, inside uint64, err error) {
	if len(raw) == 0 {
		return 0, 0, errShort
	}
	switch b := raw[0]; {
	case b < 0x80 || b >= 0xe0: // a small number
		return 1, 0, nil
	case b < 0x90:
		return 1, 2 * uint64(b&0x0f), nil
	case b < 0xa0:
		return 1, uint64(b & 0x0f), nil
	case b < 0xc0:
		return 1 + uint64(b&0x1f), 0, nil
	case b == 0xc1:
		return 0, 0, errors.New("byte c1 begins no value")
	default:
		return longHead(b, raw[1:])
	}
}

// longHead is head for what begins with a byte of c0 to df, which is followed by rest.
func longHead(b byte, rest []byte) (n, inside uint64, err error) {
	length := func(bytes int) uint64 {
		if len(rest) < bytes {
			err = errShort
			return 0
		}
		var wide [4]byte
		copy(wide[4-bytes:], rest[:bytes])
		n = 1 + uint64(bytes)
		return uint64(binary.BigEndian.Uint32(wide[:]))
	}
	switch b {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		n = 1
	case 0xc4, 0xc5, 0xc6: // bytes
		l := length(1 << (b - 0xc4))
		n += l
	case 0xc7, 0xc8, 0xc9: // of a type
		l := length(1 << (b - 0xc7))
		n += l + 1
	case 0xca, 0xce, 0xd2:
		n = 5
	case 0xcb, 0xcf, 0xd3:
		n = 9
	case 0xcc, 0xd0:
		n = 2
	case 0xcd, 0xd1:
		n = 3
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8: // 1 to 16 bytes of a type
		n = 2 + 1<<(b-0xd4)
	case 0xd9, 0xda, 0xdb: // text
		l := length(1 << (b - 0xd9))
		n += l
	case 0xdc, 0xdd: // list
		inside = length(2 << (b - 0xdc))
	case 0xde, 0xdf: // map
		inside = 2 * length(2<<(b-0xde))
	}
	return n, inside, err
}
