package wire_test

import (
	"bytes"
	"cmp"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/internal/wire"
)

type (
	colour   string
	priority int8
	visit    struct {
		Tenant string
		At     time.Time
		Amount float64
		Inner  struct {
			Number int16
			Good   bool
		}
		ID [2]byte
	}
)

func keyType[K any](t testing.TB) *wire.KeyType {
	t.Helper()
	k, err := wire.KeyTypeOf(reflect.TypeFor[K]())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func encoded[K any](t interface{ Fatalf(string, ...any) }, k *wire.KeyType, key K) string {
	out, err := k.Append(nil, reflect.ValueOf(key))
	if err != nil {
		t.Fatalf("%v has no encoded form: %v", key, err)
	}
	return string(out)
}

func decoded[K any](t interface{ Fatalf(string, ...any) }, k *wire.KeyType, text string) (key K) {
	if err := k.Parse(text, reflect.ValueOf(&key).Elem()); err != nil {
		t.Fatalf("%q does not parse: %v", text, err)
	}
	return key
}

// golden checks encoded forms that are given in the order of their keys.
func golden[K any](t *testing.T, keys []K, want ...string) {
	t.Helper()
	k := keyType[K](t)
	for i, key := range keys {
		got := encoded(t, k, key)
		if got != want[i] {
			t.Errorf("%v is stored as %q, want %q", key, got, want[i])
		}
		if i > 0 && encoded(t, k, keys[i-1]) >= got {
			t.Errorf("%v does not sort before %v", keys[i-1], key)
		}
		if back := decoded[K](t, k, got); !reflect.DeepEqual(back, key) {
			t.Errorf("%v came back as %v", key, back)
		}
	}
}

// The encoded forms are part of the storage format: they do not change.
func TestKeysAreStoredAs(t *testing.T) {
	t.Parallel()
	golden(t, []string{"", "Ann", "be", "bee", "ä"}, "", "Ann", "be", "bee", "ä")
	golden(t, [][]byte{{0}, {9, 10}, {0xff}}, "\x00", "\t\n", "\xff")
	golden(t, []colour{"blue", "red"}, "blue", "red")
	golden(t, []int64{math.MinInt64, -1000, -10, -9, -1, 0, 7, 42, 1000, math.MaxInt64},
		"H0776627963145224191", "W8999", "Y89", "Z0", "Z8", "a0", "a7", "b42", "d1000", "s9223372036854775807")
	golden(t, []priority{-128, 0, 127}, "X871", "a0", "c127")
	golden(t, []uint64{0, 10, math.MaxUint64}, "a0", "b10", "t18446744073709551615")
	golden(t, []bool{false, true}, "f", "t")
	golden(t, []float64{math.Inf(-1), -math.MaxFloat64, -1234.5, -3.141, -3.14, -3, -0.001, -5e-324, 0, 5e-324, 0.001, 1, 3, 3.14, 3.141, 9.5, 10, 1234.5, math.MaxFloat64, math.Inf(1)},
		"-Inf", "-X691:8.2023068651376842~", "-Z6:8.7654~", "-a0:6.858~", "-a0:6.85~", "-a0:6~", "-a3:8~", "-c324:4~",
		"0", "X675:5", "Z6:1", "a0:1", "a0:3", "a0:3.14", "a0:3.141", "a0:9.5", "a1:1", "a3:1.2345", "c308:1.7976931348623157", "inf")
	golden(t, []float32{-0.1, 0.1, 16777216, 3.4028235e38}, "-a1:8~", "Z8:1", "a7:1.6777216", "b38:3.4028235")
	golden(t, []time.Time{{}, time.Date(2013, 1, 1, 5, 15, 0, 0, time.UTC), time.Date(2013, 1, 1, 5, 15, 0, 5e8, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
		"0001-01-01T00:00:00", "2013-01-01T05:15:00", "2013-01-01T05:15:00.5", "9999-12-31T23:59:59.999999999")
	golden(t, [][4]byte{{0, 0, 0, 1}, {0xde, 0xad, 0xbe, 0xef}}, "00000001", "deadbeef")
	golden(t, [][2]int{{-1, 5}, {3, -4}, {3, 20}}, "Z8\ta5", "a3\tZ5", "a3\tb20")
	at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	a, b := visit{Tenant: "a", At: at, Amount: -1.5}, visit{Tenant: "a\tb\n", At: at, ID: [2]byte{0xab, 1}}
	b.Inner.Number, b.Inner.Good = 12, true
	golden(t, []visit{a, b}, "a\t2024-02-29T12:00:00\t-a0:8.4~\ta0\tf\t0000", "a\n9b\n:\t2024-02-29T12:00:00\t0\tb12\tt\tab01")
}

// Two keys that are equal have one form.
func TestEqualKeysAreStoredAlike(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	times := keyType[time.Time](t)
	if one, other := encoded(t, times, at), encoded(t, times, at.In(time.FixedZone("east", 3600))); one != other {
		t.Errorf("one instant is stored as %q and %q", one, other)
	}
	if got := encoded(t, keyType[float64](t), math.Copysign(0, -1)); got != "0" {
		t.Errorf("-0 is stored as %q", got)
	}
}

// ordered checks that two keys sort as they compare, and come back.
func ordered[K any](t *rapid.T, k *wire.KeyType, a, b K, compare func(a, b K) int) {
	x, y := encoded(t, k, a), encoded(t, k, b)
	if got, want := strings.Compare(x, y), compare(a, b); got != want {
		t.Fatalf("%v (%q) and %v (%q) compare as %d, their bytes as %d", a, x, b, y, want, got)
	}
	if back := decoded[K](t, k, x); compare(back, a) != 0 {
		t.Fatalf("%v came back as %v", a, back)
	}
}

func drawOrdered[K cmp.Ordered](t *rapid.T, k *wire.KeyType, g *rapid.Generator[K]) {
	ordered(t, k, g.Draw(t, "a"), g.Draw(t, "b"), cmp.Compare[K])
}

func compareVisits(a, b visit) int {
	good := func(v visit) int {
		if v.Inner.Good {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), a.At.Compare(b.At), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Inner.Number, b.Inner.Number), good(a)-good(b), bytes.Compare(a.ID[:], b.ID[:]))
}

// Sorted structures are in the natural order of their keys, whatever the type.
func TestOrderIsThatOfTheKeys(t *testing.T) {
	t.Parallel()
	floats := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, 10, -1, -10, 0.1, -0.1, math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}))
	singles := rapid.OneOf(rapid.Float32(), rapid.SampledFrom([]float32{0, 1, -1, math.MaxFloat32, math.SmallestNonzeroFloat32}))
	short := rapid.StringOfN(rapid.SampledFrom([]rune("\x00\t\n\x0bab")), 0, 4, -1)
	instants := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-62167219200, 253402300799).Draw(t, "s"), rapid.SampledFrom([]int64{0, 1, 5e8, 1e6, 999999999}).Draw(t, "ns")).UTC()
	})
	visits := rapid.Custom(func(t *rapid.T) visit {
		v := visit{Tenant: short.Draw(t, "tenant"), At: time.Unix(rapid.Int64Range(0, 2).Draw(t, "s"), 0).UTC(), Amount: rapid.Float64Range(-2, 2).Draw(t, "amount")}
		v.Inner.Number, v.Inner.Good = rapid.Int16Range(-12, 12).Draw(t, "n"), rapid.Bool().Draw(t, "good")
		v.ID = [2]byte{rapid.Byte().Draw(t, "id"), 7}
		return v
	})
	ints, bytesOne, unsigned, texts := keyType[int64](t), keyType[int8](t), keyType[uint64](t), keyType[string](t)
	doubles, halves, moments, tuples := keyType[float64](t), keyType[float32](t), keyType[time.Time](t), keyType[visit](t)
	rapid.Check(t, func(t *rapid.T) {
		drawOrdered(t, ints, rapid.Int64())
		drawOrdered(t, bytesOne, rapid.Int8())
		drawOrdered(t, unsigned, rapid.Uint64())
		drawOrdered(t, texts, rapid.String())
		drawOrdered(t, doubles, floats)
		drawOrdered(t, halves, singles)
		ordered(t, moments, instants.Draw(t, "a"), instants.Draw(t, "b"), time.Time.Compare)
		ordered(t, tuples, visits.Draw(t, "a"), visits.Draw(t, "b"), compareVisits)
	})
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]any{
		"NaN equals no key":            math.NaN(),
		"the year 10000 is outside":    time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"the year -1 is outside":       time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		"Amount: NaN equals no key":    visit{Amount: math.NaN()},
		"0: NaN equals no key":         [1]float32{float32(math.NaN())},
		"At: the year 10000 is outsid": visit{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		k, err := wire.KeyTypeOf(reflect.TypeOf(key))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Append(nil, reflect.ValueOf(key)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", key, err, want)
		}
	}
}

type unread struct{}

func (unread) MarshalText() ([]byte, error) { return nil, nil }

func TestKeyTypesThatAreNone(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]reflect.Type{
		"a ptr has no stable bytes":        reflect.TypeFor[*int](),
		"a interface has no stable bytes":  reflect.TypeFor[any](),
		"complex numbers have no order":    reflect.TypeFor[complex128](),
		"a map is no key":                  reflect.TypeFor[map[string]int](),
		"a slice is no key":                reflect.TypeFor[[]int](),
		"its field hidden is not exported": reflect.TypeFor[struct{ hidden int }](),
		"its field In: its field P: a ptr": reflect.TypeFor[struct{ In struct{ P *int } }](),
		"its field A has the tag": reflect.TypeFor[struct {
			A int `json:"-"`
		}](),
		"it has no fields":                                   reflect.TypeFor[struct{}](),
		"an array as a key has":                              reflect.TypeFor[[65]int](),
		"cannot be read back":                                reflect.TypeFor[unread](),
		"key type map[int]int: a map":                        reflect.TypeFor[map[int]int](),
		"its field X: its field Y: complex numbers have no ": reflect.TypeFor[struct{ X struct{ Y complex64 } }](),
	} {
		if _, err := wire.KeyTypeOf(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", key, err, want)
		}
	}
}

func TestKeyTypesPrint(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]reflect.Type{
		"text": reflect.TypeFor[colour](), "int8": reflect.TypeFor[priority](), "uint16": reflect.TypeFor[uint16](), "float32": reflect.TypeFor[float32](),
		"time": reflect.TypeFor[time.Time](), "16 bytes": reflect.TypeFor[[16]byte](), "json of netip.Addr": reflect.TypeFor[netip.Addr](), "bool": reflect.TypeFor[bool](),
		"(Tenant text, At time, Amount float64, Inner (Number int16, Good bool), ID 2 bytes)": reflect.TypeFor[visit](),
	} {
		k, err := wire.KeyTypeOf(key)
		if err != nil || k.String() != want || k.Ordered() != !strings.HasPrefix(want, "json") {
			t.Errorf("%v prints as %v (ordered %v), %v; want %s", key, k, k.Ordered(), err, want)
		}
	}
}

// Keys of other types have their JSON form, and come back.
func TestJSONKeys(t *testing.T) {
	t.Parallel()
	golden(t, []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")}, "10.0.0.1", "::1")
	type host struct {
		Addr netip.Addr
		Port uint16
	}
	golden(t, []host{{netip.MustParseAddr("10.0.0.1"), 80}}, "10.0.0.1\tb80")
}

// fuzzKey checks a parser with any text: what it takes is what is written, and no
// text makes it panic.
func fuzzKey[K any](t *testing.T, k *wire.KeyType, text string) {
	var key K
	if k.Parse(text, reflect.ValueOf(&key).Elem()) != nil {
		return
	}
	if again := encoded(t, k, key); again != text {
		t.Fatalf("%q was read as %v, which is stored as %q", text, key, again)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, text := range []string{"", "a7", "b07", "Z9", "Z8", "I0", "t18446744073709551615", "a0:3.14", "-a0:6.85~", "inf", "0", "X675:5", "2013-01-01T05:15:00.50", "2013-01-01T05:15:00", "deadbeef", "a\t2024-02-29T12:00:00\t-a0:8.4~\ta0\tf\t0000", "a\n9\tb"} {
		f.Add(text)
	}
	ints, small, unsigned, bools, texts := keyType[int64](f), keyType[int8](f), keyType[uint64](f), keyType[bool](f), keyType[string](f)
	doubles, halves, moments, tuples, arrays := keyType[float64](f), keyType[float32](f), keyType[time.Time](f), keyType[visit](f), keyType[[4]byte](f)
	f.Fuzz(func(t *testing.T, text string) {
		fuzzKey[int64](t, ints, text)
		fuzzKey[int8](t, small, text)
		fuzzKey[uint64](t, unsigned, text)
		fuzzKey[bool](t, bools, text)
		fuzzKey[string](t, texts, text)
		fuzzKey[float64](t, doubles, text)
		fuzzKey[float32](t, halves, text)
		fuzzKey[time.Time](t, moments, text)
		fuzzKey[visit](t, tuples, text)
		fuzzKey[[4]byte](t, arrays, text)
	})
}

// FuzzKeyOrder checks numbers, texts and pairs of both: their bytes compare as they
// do.
func FuzzKeyOrder(f *testing.F) {
	f.Add(int64(0), int64(-1), 0.0, 1.5, "a", "a\t")
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), math.Inf(-1), -5e-324, "", "\n")
	type pair struct {
		S string
		N int64
		F float64
	}
	ints, floats, singles, pairs := keyType[int64](f), keyType[float64](f), keyType[float32](f), keyType[pair](f)
	f.Fuzz(func(t *testing.T, m, n int64, x, y float64, s, u string) {
		if math.IsNaN(x) || math.IsNaN(y) {
			return
		}
		check := func(what string, a, b string, want int) {
			if got := strings.Compare(a, b); got != want {
				t.Fatalf("%s: %q and %q compare as %d, want %d", what, a, b, got, want)
			}
		}
		check("int64", encoded(t, ints, m), encoded(t, ints, n), cmp.Compare(m, n))
		check("float64", encoded(t, floats, x), encoded(t, floats, y), cmp.Compare(x, y))
		check("float32", encoded(t, singles, float32(x)), encoded(t, singles, float32(y)), cmp.Compare(float32(x), float32(y)))
		check("tuple", encoded(t, pairs, pair{s, m, x}), encoded(t, pairs, pair{u, n, y}), cmp.Or(cmp.Compare(s, u), cmp.Compare(m, n), cmp.Compare(x, y)))
		if back := decoded[pair](t, pairs, encoded(t, pairs, pair{s, m, x})); back != (pair{s, m, x}) {
			t.Fatalf("%v came back as %v", pair{s, m, x}, back)
		}
	})
}
