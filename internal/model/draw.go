package model

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// What keys and values are drawn from: few enough that they meet, and those that are
// hard to encode.

type mood int8

type trip struct {
	From string
	At   time.Time
	Fare float64
}

type note struct {
	Text  string
	Marks []int
}

func word(r *rand.Rand) string {
	return [...]string{"", "a", "b", "ab", "/", "%", "a/b", "ä", "\x00", "\t", "\n", "{x}"}[r.IntN(12)]
}

func text(r *rand.Rand) string {
	return [...]string{"", "x", "\"quoted\"", "ünïcode ✓", "lines\n"}[r.IntN(5)]
}

func number(r *rand.Rand) int { return r.IntN(2000) - 1000 }

func small(r *rand.Rand) int { return r.IntN(5) - 1 }

// wide is enough keys for several pages.
func wide(r *rand.Rand) int64 { return int64(r.IntN(6000)) - 3000 }

func extreme(r *rand.Rand) int64 {
	return [...]int64{math.MinInt64, math.MinInt64 + 1, -1000, -10, -9, -1, 0, 1, 9, 10, 99, 100, math.MaxInt64}[r.IntN(13)]
}

func float(r *rand.Rand) float64 {
	return [...]float64{math.Inf(-1), -math.MaxFloat64, -3.141, -3.14, -3, -1e-9, 0, 5e-324, 1e-9, 0.5, 1, 3.14, 10, 1e300, math.Inf(1)}[r.IntN(15)]
}

func moment(r *rand.Rand) time.Time {
	return time.Unix(int64(r.IntN(4)), int64(r.IntN(3))*5e8).UTC()
}

func bits(r *rand.Rand) [3]byte { return [3]byte{byte(r.IntN(3)) * 0x7f, 0, byte(r.IntN(2))} }

func feeling(r *rand.Rand) mood { return mood(r.IntN(12) - 6) }

func anyTrip(r *rand.Rand) trip {
	return trip{From: word(r), At: moment(r), Fare: float(r)}
}

func anyNote(r *rand.Rand) note {
	n := note{Text: text(r)}
	for range r.IntN(4) {
		n.Marks = append(n.Marks, r.IntN(100))
	}
	return n
}

// maybe is a number that may be nil.
func maybe(r *rand.Rand) *int {
	if r.IntN(3) == 0 {
		return nil
	}
	n := number(r)
	return &n
}

func compareText(a, b string) int      { return strings.Compare(a, b) }
func compareInt(a, b int) int          { return cmp.Compare(a, b) }
func compareWide(a, b int64) int       { return cmp.Compare(a, b) }
func compareFloat(a, b float64) int    { return cmp.Compare(a, b) }
func compareMood(a, b mood) int        { return cmp.Compare(a, b) }
func compareBits(a, b [3]byte) int     { return bytes.Compare(a[:], b[:]) }
func compareMoment(a, b time.Time) int { return a.Compare(b) }
func compareTrip(a, b trip) int {
	return cmp.Or(strings.Compare(a.From, b.From), a.At.Compare(b.At), cmp.Compare(a.Fare, b.Fare))
}
