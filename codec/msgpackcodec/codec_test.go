package msgpackcodec_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/codec/msgpackcodec"
)

type inner struct {
	N *int8
	M map[string][]byte
}

type record struct {
	S  string
	I  int64
	U  uint64
	F  float64
	B  bool
	T  time.Time
	In []inner
	A  [2]int16 `msgpack:"pair"`
}

func roundTrip[T any](t interface{ Fatalf(string, ...any) }, v T) []byte {
	raw, err := msgpackcodec.Codec.Append([]byte("before"), &v)
	if err != nil || string(raw[:6]) != "before" {
		t.Fatalf("%#v does not encode: %v", v, err)
	}
	var back T
	if err := msgpackcodec.Codec.Decode(raw[6:], &back); err != nil {
		t.Fatalf("%x does not decode: %v", raw[6:], err)
	}
	if r, ok := any(&back).(*record); ok {
		r.T = r.T.UTC()
	}
	if !reflect.DeepEqual(back, v) {
		t.Fatalf("%#v came back as %#v", v, back)
	}
	return raw[6:]
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		roundTrip(t, rapid.String().Draw(t, "string"))
		roundTrip(t, rapid.Int().Draw(t, "int"))
		roundTrip(t, rapid.Uint64().Draw(t, "uint"))
		roundTrip(t, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		n := rapid.Int8().Draw(t, "n")
		roundTrip(t, record{
			S: rapid.String().Draw(t, "s"), I: rapid.Int64().Draw(t, "i"), U: rapid.Uint64().Draw(t, "u"), F: rapid.Float64().Draw(t, "f"),
			T: time.Unix(rapid.Int64Range(0, 1e10).Draw(t, "t"), 5).UTC(), In: []inner{{N: &n, M: map[string][]byte{"k": {1}}}, {}}, A: [2]int16{-1, 1},
		})
	})
	// Present but nil.
	roundTrip[*int](t, nil)
	roundTrip[[]int](t, nil)
	roundTrip(t, []int{})
}

func TestStoredAs(t *testing.T) {
	t.Parallel()
	if raw := roundTrip(t, struct {
		A int    `msgpack:"a"`
		B string `msgpack:"b"`
	}{-5, "x"}); string(raw) != "\x82\xa1a\xfb\xa1b\xa1x" {
		t.Errorf("stored as %q", raw)
	}
}

type oneWay struct{}

func (oneWay) MarshalText() ([]byte, error) { return nil, nil }

func TestTypesThatWouldLose(t *testing.T) {
	t.Parallel()
	for want, of := range map[string]reflect.Type{
		".hidden is not exported": reflect.TypeFor[struct{ hidden int }](),
		"is an interface":         reflect.TypeFor[[]any](),
		`has the tag msgpack:"-"`: reflect.TypeFor[struct {
			A int `msgpack:"-"`
		}](),
		"writes its stored form itself ": reflect.TypeFor[oneWay](),
	} {
		if err := msgpackcodec.Codec.Check(of); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", of, err, want)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[time.Time](), reflect.TypeFor[record](), reflect.TypeFor[map[int]string]()} {
		if err := msgpackcodec.Codec.Check(of); err != nil {
			t.Errorf("%v: %v", of, err)
		}
	}
}

// Few bytes that promise much, or lead deep, are an error: they neither take the memory nor end
// the process.
func TestPromisesAreNotBelieved(t *testing.T) {
	t.Parallel()
	most := "\xff\xff\xff\xff"
	for name, raw := range map[string]string{
		"list": "\x81\xa2In\xdd" + most, "map": "\x81\xa2In\x91\x81\xa1M\xdf" + most, "bytes": "\x81\xa2In\x91\x81\xa1M\x81\xa1k\xc6" + most,
		"text": "\x81\xa1S\xdb" + most, "time": "\x81\xa1T\xc9" + most + "\xff", "struct": "\xdf" + most, "struct as list": "\xdd" + most,
		"name": "\x81\xdb" + most, "array": "\x81\xa4pair\xdd" + most, "unknown bytes": "\x81\xa1X\xc6" + most, "unknown list": "\x81\xa1X\xdd" + most,
		"list of lists": strings.Repeat("\xdd\x00\x00\x01\x00", 900), "half a length": "\x81\xa2In\xdd\x00", "nothing": "", "no value": "\x81\xa1X\xc1",
	} {
		var v record
		if err := msgpackcodec.Codec.Decode([]byte(raw), &v); err == nil || !strings.Contains(err.Error(), "no MessagePack") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var v record
	deep := "\x81\xa1X" + strings.Repeat("\x91", 10_000_000) + "\xc0"
	if err := msgpackcodec.Codec.Decode([]byte(deep), &v); err == nil || !strings.Contains(err.Error(), "deeper") {
		t.Errorf("ten million lists in each other: %v", err)
	}
	if err := msgpackcodec.Codec.Decode([]byte("\x81\xa1X"+strings.Repeat("\x91", 900)+"\xc0"), &v); err != nil {
		t.Errorf("900 lists in each other, in a field that is not there: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	n := int8(3)
	raw, _ := msgpackcodec.Codec.Append(nil, &record{S: "s", In: []inner{{N: &n}}})
	f.Add(raw)
	f.Add([]byte{0xc0})
	f.Add([]byte{0x82, 0xa1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v record
		if msgpackcodec.Codec.Decode(raw, &v) != nil {
			return
		}
		// What was taken is written and read again as the same.
		v.T = v.T.UTC()
		if v.F == v.F {
			roundTrip(t, v)
		}
	})
}
