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
	SegmentNone   SegmentKind = iota
	SegmentText               // Text: the key's own bytes
	SegmentInt                // Number, signed
	SegmentUint               // Number, as uint64
	SegmentBool               // Number, 0 or 1
	SegmentOpaque             // Text: canonical JSON of a key of another type
)

// Element keys are encoded so that the order of the bytes is the natural order
// of the Go type and a person can read them:
//
//	string, []byte   their own bytes
//	n >= 0           a letter for the number of digits, 'a' for one, then the digits: 7 is a7, 42 is b42, 1000 is d1000
//	n < 0            a capital counted down from 'Z' for one digit, then the nines' complement of the digits: -1 is Z8, -10 is Y89
//	bool             f, t
//
// Capitals sort before small letters, and more digits after fewer.

// AppendElement appends the encoded form of a segment.
func AppendElement(dst []byte, s Segment) []byte {
	switch s.Kind {
	case SegmentInt:
		if s.Number < 0 {
			return appendNegative(dst, uint64(-(s.Number+1))+1)
		}
		return appendPositive(dst, uint64(s.Number))
	case SegmentUint:
		return appendPositive(dst, uint64(s.Number))
	case SegmentBool:
		if s.Number != 0 {
			return append(dst, 't')
		}
		return append(dst, 'f')
	}
	return append(dst, s.Text...)
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
	for i, d := range digits {
		digits[i] = '0' + '9' - d
	}
	return dst
}

// ParseElement reads an encoded element back into a segment of the given kind.
func ParseElement(text string, kind SegmentKind) (Segment, error) {
	s := Segment{Kind: kind}
	switch kind {
	case SegmentInt, SegmentUint:
		return parseNumber(text, kind)
	case SegmentBool:
		if text != "t" && text != "f" {
			return s, fmt.Errorf("%q is no encoded bool", text)
		}
		if text == "t" {
			s.Number = 1
		}
		return s, nil
	}
	s.Text = text
	return s, nil
}

func parseNumber(text string, kind SegmentKind) (Segment, error) {
	s := Segment{Kind: kind}
	bad := fmt.Errorf("%q is no encoded integer", text)
	if len(text) < 2 {
		return s, bad
	}
	if first := text[0]; first >= 'a' && int(first-'a') == len(text)-2 {
		n, err := strconv.ParseUint(text[1:], 10, 64)
		if err != nil || kind == SegmentInt && n > 1<<63-1 {
			return s, bad
		}
		s.Number = int64(n)
		return s, nil
	} else if first > 'Z' || int('Z'-first) != len(text)-2 || kind == SegmentUint {
		return s, bad
	}
	var magnitude uint64
	for _, d := range []byte(text[1:]) {
		if d < '0' || d > '9' {
			return s, bad
		}
		magnitude = magnitude*10 + uint64('9'-d)
	}
	s.Number = -int64(magnitude)
	return s, nil
}

// ElementView returns the encoded form of a segment without copying where the
// segment is its own encoding; otherwise it is built in scratch and valid until
// scratch is used again.
func ElementView(s *Segment, scratch *[]byte) string {
	if s.Kind == SegmentText || s.Kind == SegmentOpaque {
		return s.Text
	}
	*scratch = AppendElement((*scratch)[:0], *s)
	return unsafe.String(unsafe.SliceData(*scratch), len(*scratch))
}

// AppendPartition appends the partition bytes of a segment, as task.AppendKey
// makes them of the key itself.
func AppendPartition(dst []byte, s Segment) []byte {
	switch s.Kind {
	case SegmentInt:
		return strconv.AppendInt(dst, s.Number, 10)
	case SegmentUint:
		return strconv.AppendUint(dst, uint64(s.Number), 10)
	case SegmentBool:
		return strconv.AppendBool(dst, s.Number != 0)
	}
	return append(dst, s.Text...)
}
