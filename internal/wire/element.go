package wire

import (
	"fmt"
	"strconv"
	"unsafe"
)

// Segment is one key on the way into a PState, before it is encoded: a string,
// or a number. It is a value, so a path costs no allocation.
type Segment struct {
	Text   string
	Number int64
	Kind   SegmentKind
}

// SegmentKind says which field of a Segment counts, and how it is encoded.
type SegmentKind uint8

const (
	SegmentNone     SegmentKind = iota
	SegmentText                 // Text: the key's own bytes
	SegmentInt                  // Number, signed
	SegmentUint                 // Number, as uint64
	SegmentBool                 // Number, 0 or 1
	SegmentEncoded              // Text: the encoded form of a key of any type (KeyType.Append)
	SegmentPosition             // Number: a position of a list, decimal
	SegmentBad                  // Text: why the key has no encoded form
)

// Element keys are encoded so that the order of the bytes is the natural order
// of the Go type and a person can read them:
//
//	string, []byte   their own bytes
//	n >= 0           a letter for the number of digits, 'a' for one, then the digits: 7 is a7, 42 is b42, 1000 is d1000
//	n < 0            a capital counted down from 'Z' for one digit, then the nines' complement of the digits: -1 is Z8, -10 is Y89
//	bool             f, t
//	others           see KeyType
//
// Capitals sort before small letters, and more digits after fewer.

// AppendElement appends the encoded form of a segment.
func AppendElement(dst []byte, s Segment) []byte {
	switch s.Kind {
	case SegmentInt:
		return appendInt(dst, s.Number)
	case SegmentUint:
		return appendPositive(dst, uint64(s.Number))
	case SegmentBool:
		return appendBool(dst, s.Number != 0)
	case SegmentPosition:
		return strconv.AppendInt(dst, s.Number, 10)
	}
	return append(dst, s.Text...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 't')
	}
	return append(dst, 'f')
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendNegative(dst, uint64(-(n+1))+1)
	}
	return appendPositive(dst, uint64(n))
}

func appendPositive(dst []byte, n uint64) []byte {
	at := len(dst)
	dst = append(dst, 0)
	dst = strconv.AppendUint(dst, n, 10)
	dst[at] = byte('a' + len(dst) - at - 2)
	return dst
}

func appendNegative(dst []byte, magnitude uint64) []byte {
	at := len(dst)
	dst = append(dst, 0)
	dst = strconv.AppendUint(dst, magnitude, 10)
	digits := dst[at+1:]
	dst[at] = byte('Z' - len(digits) + 1)
	complement(digits)
	return dst
}

// complement replaces each digit by nine minus it.
func complement(digits []byte) {
	for i, d := range digits {
		if d >= '0' && d <= '9' {
			digits[i] = '0' + '9' - d
		}
	}
}

// cutInt reads an encoded integer at the beginning of a text and returns what
// follows it. It takes only what appendInt writes.
func cutInt(text string) (n int64, rest string, ok bool) {
	magnitude, negative, rest, ok := cutDigits(text)
	switch {
	case !ok:
		return 0, text, false
	case negative:
		return -int64(magnitude-1) - 1, rest, magnitude >= 1 && magnitude <= 1<<63
	}
	return int64(magnitude), rest, magnitude < 1<<63
}

// cutDigits reads the letter and the digits of an encoded integer.
func cutDigits(text string) (magnitude uint64, negative bool, rest string, ok bool) {
	if len(text) < 2 {
		return 0, false, text, false
	}
	count := int(text[0]) - 'a' + 1
	if text[0] <= 'Z' {
		negative, count = true, 'Z'-int(text[0])+1
	}
	if count < 1 || count > len(text)-1 {
		return 0, false, text, false
	}
	var digits [20]byte
	if count > len(digits) {
		return 0, false, text, false
	}
	copy(digits[:], text[1:1+count])
	for _, d := range digits[:count] {
		if d < '0' || d > '9' {
			return 0, false, text, false
		}
	}
	if negative {
		complement(digits[:count])
	}
	if digits[0] == '0' && count > 1 {
		return 0, false, text, false
	}
	magnitude, err := strconv.ParseUint(unsafe.String(&digits[0], count), 10, 64)
	return magnitude, negative, text[1+count:], err == nil
}

// ParseElement reads an encoded element back into a segment of the given kind.
func ParseElement(text string, kind SegmentKind) (Segment, error) {
	s := Segment{Kind: kind}
	switch kind {
	case SegmentInt:
		n, rest, ok := cutInt(text)
		if !ok || rest != "" {
			return s, fmt.Errorf("%q is no encoded integer", text)
		}
		s.Number = n
	case SegmentUint:
		n, negative, rest, ok := cutDigits(text)
		if !ok || negative || rest != "" {
			return s, fmt.Errorf("%q is no encoded unsigned integer", text)
		}
		s.Number = int64(n)
	case SegmentBool:
		if text != "t" && text != "f" {
			return s, fmt.Errorf("%q is no encoded bool", text)
		}
		if text == "t" {
			s.Number = 1
		}
	default:
		s.Text = text
	}
	return s, nil
}

// ElementView returns the encoded form of a segment without copying where the
// segment is its own encoding; otherwise it is built in scratch and valid until
// scratch is used again.
func ElementView(s *Segment, scratch *[]byte) string {
	if s.Kind == SegmentText || s.Kind == SegmentEncoded {
		return s.Text
	}
	*scratch = AppendElement((*scratch)[:0], *s)
	return unsafe.String(unsafe.SliceData(*scratch), len(*scratch))
}
