package navtext

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
)

var (
	text    = wire.KeyType{Kind: wire.KeyText}
	int8s   = wire.KeyType{Kind: wire.KeyInt, Bits: 8}
	uint64s = wire.KeyType{Kind: wire.KeyUint, Bits: 64}
	floats  = wire.KeyType{Kind: wire.KeyFloat, Bits: 64}
	bools   = wire.KeyType{Kind: wire.KeyBool}
	times   = wire.KeyType{Kind: wire.KeyTime}
	bytes2  = wire.KeyType{Kind: wire.KeyBytes, Bytes: 2}
	others  = wire.KeyType{Kind: wire.KeyJSON, Type: "netip.Addr"}
	pairs   = wire.KeyType{Kind: wire.KeyTuple, Parts: []wire.KeyPart{{Name: "A", Type: text, Tag: "a,omitempty"}, {Name: "B", Type: bytes2}}}
	arrays  = wire.KeyType{Kind: wire.KeyTuple, Parts: []wire.KeyPart{{Name: "0", Type: pairs}, {Name: "1", Type: pairs}}}
)

// Keys come from JSON into their stored form, and back.
func TestKeysAsJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind               wire.KeyType
		json, stored, back string
	}{
		{text, `"be"`, "be", ""},
		{text, `"ü\n"`, "ü\n", ""},
		{text, `{"base64":"/w=="}`, "\xff", ""},
		{int8s, `-10`, "Y89", ""},
		{uint64s, `18446744073709551615`, "t18446744073709551615", ""},
		{floats, `3.14`, "a0:3.14", ""},
		{floats, `-0`, "0", "0"},
		{floats, `"Infinity"`, "inf", ""},
		{floats, `"-Infinity"`, "-Inf", ""},
		{bools, `true`, "t", ""},
		{times, `"2013-01-01T06:15:00+01:00"`, "2013-01-01T05:15:00", `"2013-01-01T05:15:00Z"`},
		{bytes2, `"AB01"`, "ab01", `"ab01"`},
		{others, `"10.0.0.1"`, "10.0.0.1", ""},
		{others, `{"a":1}`, `{"a":1}`, ""},
		{pairs, `["x","0102"]`, "x\t0102", `{"A":"x","B":"0102"}`},
		{pairs, `{"B":"0102","A":""}`, "\t0102", `{"A":"","B":"0102"}`},
		{arrays, `[["x","0102"],["y","0304"]]`, "x\t0102\ty\t0304", `[{"A":"x","B":"0102"},{"A":"y","B":"0304"}]`},
	} {
		segment, err := segmentOf(&test.kind, json.RawMessage(test.json))
		if err != nil || segment.Text != test.stored {
			t.Errorf("%v %s: %q, %v; want %q", &test.kind, test.json, segment.Text, err, test.stored)
			continue
		}
		if test.back == "" {
			test.back = test.json
		}
		back, err := keyJSON(&test.kind, segment.Text)
		if err != nil || strings.ReplaceAll(string(back), " ", "") != test.back {
			t.Errorf("%v %q: %s, %v; want %s", &test.kind, test.stored, back, err, test.back)
		}
	}
}

// A key of another type is refused, and says how it is written.
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind       wire.KeyType
		json, want string
	}{
		{text, `7`, `put it in quotes: "7"`},
		{text, `null`, "no text"},
		{int8s, `128`, "no int8"},
		{int8s, `1.5`, "no int8"},
		{int8s, `null`, "no int8"},
		{uint64s, `-1`, "no uint64"},
		{bools, `"t"`, "no bool"},
		{floats, `"NaN"`, "no float64"},
		{floats, `1e999`, "no float64"},
		{times, `"yesterday"`, "write it like"},
		{times, `"-2013-01-01T05:15:00Z"`, "write it like"},
		{bytes2, `"ab"`, "two hexadecimal digits"},
		{bytes2, `"zzzz"`, "invalid byte"},
		{pairs, `["x"]`, "has 1 parts"},
		{pairs, `{"A":"x"}`, "lacks the part B"},
		{pairs, `{"A":"x","B":"0102","C":1}`, "other parts"},
		{pairs, `7`, "as an array"},
		{arrays, `{"0":1,"1":2}`, "as an array"},
		{arrays, `[["x","0102"],["y",7]]`, "1: B: 7"},
	} {
		if _, err := segmentOf(&test.kind, json.RawMessage(test.json)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v %s: %v; want %q", &test.kind, test.json, err, test.want)
		}
	}
}

func TestComparing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, op, b string
		want     bool
	}{
		{`1`, "==", `1.0`, true},
		{`9007199254740993`, "==", `9007199254740992`, false},
		{`9007199254740993`, ">", `9007199254740992`, true},
		{`10`, ">", `9`, true},
		{`-1`, "<", `-0.5`, true},
		{`1e999999999`, ">", `5`, true},
		{`"b"`, ">", `"a"`, true},
		{`"10"`, "<", `"9"`, true},
		{`"1"`, "==", `1`, false},
		{`"1"`, "!=", `1`, true},
		{`"1"`, "<", `2`, false},
		{`null`, "==", `null`, true},
		{`null`, "<", `1`, false},
		{`true`, "!=", `false`, true},
		{`{"a":1,"b":[1,2]}`, "==", ` { "b" : [1.0, 2], "a" : 1 } `, true},
		{`{"a":1}`, "==", `{"a":1,"b":1}`, false},
		{`[1]`, "==", `[1,1]`, false},
		{`2`, "<=", `2`, true},
		{`2`, ">=", `3`, false},
	} {
		if got := passes(json.RawMessage(test.a), test.op, json.RawMessage(test.b)); got != test.want {
			t.Errorf("%s %s %s: %t", test.a, test.op, test.b, got)
		}
	}
}
