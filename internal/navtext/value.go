package navtext

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
)

// storedJSON is the JSON of a stored value: JSON as it is, text in quotes, and of other
// codecs what they have stored, in base64.
func storedJSON(s *overlay.Schema, raw pstate.Stored) (json.RawMessage, error) {
	switch s.Codec {
	case "json":
		if !json.Valid([]byte(raw)) {
			return nil, strconv.ErrSyntax
		}
		return json.RawMessage(strings.TrimRight(string(raw), " \t\r\n")), nil
	case "text":
		if utf8.ValidString(string(raw)) {
			return appendText(nil, string(raw)), nil
		}
	}
	return json.Marshal(struct {
		Codec  string `json:"codec"`
		Base64 string `json:"base64"`
	}{s.Codec, base64.StdEncoding.EncodeToString([]byte(raw))})
}

// opaque reports whether values are of a codec that only the module's code reads.
func opaque(s *overlay.Schema) bool { return s.Codec != "json" && s.Codec != "text" }

// members are the members of an object, in the order of their names.
func members(raw json.RawMessage) (names []string, all map[string]json.RawMessage, ok bool) {
	if first(raw) != '{' || json.Unmarshal(raw, &all) != nil {
		return nil, nil, false
	}
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, all, true
}

func items(raw json.RawMessage) (all []json.RawMessage, ok bool) {
	return all, first(raw) == '[' && json.Unmarshal(raw, &all) == nil
}

// first is the character that says what a JSON value is.
func first(raw json.RawMessage) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// passes compares two JSON values. Numbers are compared as numbers, strings by their
// bytes; values of different kinds are unequal, and neither is smaller.
func passes(a json.RawMessage, op string, b json.RawMessage) bool {
	if op == "==" || op == "!=" {
		return equal(a, b) == (op == "==")
	}
	order, ok := compare(a, b)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// compare orders two numbers or two strings.
func compare(a, b json.RawMessage) (order int, ok bool) {
	if isNumber(a) && isNumber(b) {
		return compareNumbers(string(bytes.TrimSpace(a)), string(bytes.TrimSpace(b))), true
	}
	var x, y string
	if first(a) != '"' || first(b) != '"' || json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return 0, false
	}
	return cmp.Compare(x, y), true
}

func isNumber(raw json.RawMessage) bool {
	c := first(raw)
	return c == '-' || c >= '0' && c <= '9'
}

// wholeDigitsMax bounds the integers that are compared exactly.
const wholeDigitsMax = 64

func compareNumbers(a, b string) int {
	x, okX := whole(a)
	y, okY := whole(b)
	if okX && okY {
		return x.Cmp(y)
	}
	f, _ := strconv.ParseFloat(a, 64) // JSON numbers; those out of range are infinite
	g, _ := strconv.ParseFloat(b, 64)
	return cmp.Compare(f, g)
}

func whole(text string) (*big.Int, bool) {
	if len(text) > wholeDigitsMax {
		return nil, false
	}
	return new(big.Int).SetString(text, 10)
}

func equal(a, b json.RawMessage) bool {
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	if names, x, ok := members(a); ok {
		others, y, ok := members(b)
		return ok && slices.Equal(names, others) && !slices.ContainsFunc(names, func(name string) bool { return !equal(x[name], y[name]) })
	}
	if x, ok := items(a); ok {
		y, ok := items(b)
		return ok && slices.EqualFunc(x, y, equal)
	}
	return bytes.Equal(bytes.TrimSpace(a), bytes.TrimSpace(b))
}
