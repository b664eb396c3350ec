package codec_test

import (
	"fmt"
	"reflect"
	"strconv"
	"testing"

	"github.com/coppice-run/coppice/codec"
)

var roman = codec.Of("dots", func(dst []byte, n *int) ([]byte, error) {
	for range *n {
		dst = append(dst, '.')
	}
	return dst, nil
}, func(raw []byte, n *int) error { *n = len(raw); return nil })

// Codecs work on pointers of any type that they take.
func TestCodecs(t *testing.T) {
	t.Parallel()
	type name string
	n, s, b := 3, name("a\"b"), []byte("raw")
	for _, c := range []struct {
		codec codec.Codec
		value any
		want  string
	}{
		{codec.JSON, &n, "3"}, {codec.JSON, &s, `"a\"b"`}, {codec.Text, &s, `a"b`}, {codec.Text, &b, "raw"}, {roman, &n, "..."},
	} {
		of := reflect.TypeOf(c.value).Elem()
		if err := c.codec.Check(of); err != nil {
			t.Fatal(err)
		}
		raw, err := c.codec.Append([]byte("x"), c.value)
		if err != nil || string(raw) != "x"+c.want {
			t.Errorf("%s of %v: %q, %v", c.codec.Name(), of, raw, err)
		}
		back := reflect.New(of)
		if err := c.codec.Decode(raw[1:], back.Interface()); err != nil || !reflect.DeepEqual(back.Interface(), c.value) {
			t.Errorf("%q came back as %v, %v", raw, back.Elem(), err)
		}
	}
	for _, c := range []struct {
		codec codec.Codec
		of    reflect.Type
	}{{codec.JSON, reflect.TypeFor[chan int]()}, {codec.Text, reflect.TypeFor[int]()}, {roman, reflect.TypeFor[int64]()}, {codec.Of[int]("", nil, nil), reflect.TypeFor[int]()}} {
		if err := c.codec.Check(c.of); err == nil {
			t.Errorf("%q takes %v", c.codec.Name(), c.of)
		}
	}
}

// A codec of one's own needs a name and two functions.
func ExampleOf() {
	hexadecimal := codec.Of("hex",
		func(dst []byte, n *uint32) ([]byte, error) { return strconv.AppendUint(dst, uint64(*n), 16), nil },
		func(raw []byte, n *uint32) error {
			parsed, err := strconv.ParseUint(string(raw), 16, 32)
			*n = uint32(parsed)
			return err
		})
	n := uint32(3405691582)
	raw, _ := hexadecimal.Append(nil, &n)
	fmt.Println(string(raw))
	// Output: cafebabe
}
