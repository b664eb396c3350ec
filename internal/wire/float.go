package wire

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Floats are encoded as their decimal exponent and their shortest digits, so that
// the order of the bytes is that of the numbers:
//
//	-Inf      -Inf
//	x < 0     -, the exponent's negative, :, the nines' complement of the digits, ~    -3.14 is -a0:6.85~
//	0, -0     0
//	x > 0     the exponent, :, the digits                     3.14 is a0:3.14, 1234.5 is a3:1.2345, 0.001 is Z6:1
//	+Inf      inf
//
// Exponents are encoded like integers. Digits behind the point end with one that
// is not 0, so fewer digits are the smaller number; for negative ones '~', which
// is greater than every digit, turns that around. NaN has no place in any order.

// errNaN: a key that equals no key, not even itself.
var errNaN = errors.New("NaN equals no key, not even itself")

const (
	floatLow  = "-Inf"
	floatZero = "0"
	floatHigh = "inf"
)

// appendFloat appends the encoded form of a float of 32 or 64 bits.
func appendFloat(dst []byte, x float64, bits int) ([]byte, error) {
	switch {
	case math.IsNaN(x):
		return dst, errNaN
	case math.IsInf(x, -1):
		return append(dst, floatLow...), nil
	case math.IsInf(x, 1):
		return append(dst, floatHigh...), nil
	case x == 0:
		return append(dst, floatZero...), nil
	}
	var scratch [32]byte
	digits := strconv.AppendFloat(scratch[:0], math.Abs(x), 'e', -1, bits)
	e := len(digits) - 1
	for digits[e] != 'e' {
		e--
	}
	exponent, _ := strconv.Atoi(string(digits[e+1:])) // written by AppendFloat
	digits = digits[:e]
	if x > 0 {
		dst = appendInt(dst, int64(exponent))
		return append(append(dst, ':'), digits...), nil
	}
	dst = append(dst, '-')
	dst = appendInt(dst, int64(-exponent))
	dst = append(dst, ':')
	complement(digits)
	dst = append(dst, digits...)
	return append(dst, '~'), nil
}

// parseFloat reads an encoded float back. It takes only what appendFloat writes.
func parseFloat(text string, bits int) (x float64, ok bool) {
	switch text {
	case floatLow:
		return math.Inf(-1), true
	case floatZero:
		return 0, true
	case floatHigh:
		return math.Inf(1), true
	}
	rest, negative := strings.CutPrefix(text, "-")
	exponent, rest, ok := cutInt(rest)
	if !ok || len(rest) < 2 || rest[0] != ':' || exponent < -400 || exponent > 400 {
		return 0, false
	}
	digits := []byte(rest[1:])
	if negative {
		if digits[len(digits)-1] != '~' {
			return 0, false
		}
		digits = digits[:len(digits)-1]
		complement(digits)
		exponent = -exponent
	}
	for i, d := range digits {
		if (d < '0' || d > '9') && !(d == '.' && i == 1) {
			return 0, false
		}
	}
	digits = strconv.AppendInt(append(digits, 'e'), exponent, 10)
	x, err := strconv.ParseFloat(string(digits), bits)
	if err != nil {
		return 0, false
	}
	if negative {
		x = -x
	}
	again, err := appendFloat(nil, x, bits)
	return x, err == nil && string(again) == text
}
