package wire

import (
	"fmt"
	"time"
)

// Times are encoded as UTC with the digits of the second's fraction that count, and
// without a zone: 2013-01-01T05:15:00 sorts before 2013-01-01T05:15:00.5. Two
// times of the same instant are one key, whatever their zones.

// instantLayout reads and writes encoded times; its fraction ends with a digit that
// is not 0.
const instantLayout = "2006-01-02T15:04:05.999999999"

// Years that have four digits.
const (
	yearMin = 0
	yearMax = 9999
)

func appendInstant(dst []byte, t time.Time) ([]byte, error) {
	t = t.UTC()
	if year := t.Year(); year < yearMin || year > yearMax {
		return dst, fmt.Errorf("the year %d is outside of %d to %d, whose order is that of their digits", year, yearMin, yearMax)
	}
	return t.AppendFormat(dst, instantLayout), nil
}

// parseInstant reads an encoded time back, as UTC. It takes only what appendInstant
// writes.
func parseInstant(text string) (t time.Time, ok bool) {
	t, err := time.Parse(instantLayout, text)
	if err != nil {
		return t, false
	}
	t = t.UTC()
	again, err := appendInstant(nil, t)
	return t, err == nil && string(again) == text
}
