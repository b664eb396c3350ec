package store

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds are where a List begins and ends: its elements are the fields First to
// Next-1, decimal numbers. They lie in the field BoundsField of the same table, which
// is not there while the list is empty. So a list grows and shrinks at both ends by
// absolute writes (R12): the element, and the bounds.
type Bounds struct{ First, Next int64 }

// BoundsField is the field that holds a List's bounds.
const BoundsField = "bounds"

// PositionMax is the greatest position of a list, and minus it the smallest: scripts of
// Redis count in floating point, which is exact up to here.
const PositionMax = 1 << 53

// Len is the number of elements.
func (b Bounds) Len() int { return int(b.Next - b.First) }

// String prints the bounds as they are stored.
func (b Bounds) String() string { return string(b.AppendText(nil)) }

// AppendText appends the stored form.
func (b Bounds) AppendText(dst []byte) []byte {
	dst = strconv.AppendInt(dst, b.First, 10)
	dst = append(dst, ' ')
	return strconv.AppendInt(dst, b.Next, 10)
}

// ParseBounds reads the stored form.
func ParseBounds(text string) (b Bounds, err error) {
	first, next, ok := strings.Cut(text, " ")
	if ok {
		b.First, err = strconv.ParseInt(first, 10, 64)
	}
	if ok && err == nil {
		b.Next, err = strconv.ParseInt(next, 10, 64)
	}
	if !ok || err != nil || b.Next <= b.First || b.First < -PositionMax || b.Next > PositionMax {
		return Bounds{}, fmt.Errorf("%q are no bounds of a list", text)
	}
	return b, nil
}

// Position returns the field of an element.
func Position(p int64) string { return strconv.FormatInt(p, 10) }

// ParsePosition reads an element's field.
func ParsePosition(field string) (int64, error) {
	p, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no position of a list", field)
	}
	return p, nil
}
