package avrocodec_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/avrocodec"
	"github.com/coppice-run/coppice/codec/codectest"
	"github.com/coppice-run/coppice/codec/registry"
	"github.com/coppice-run/coppice/codec/registry/registrytest"
)

// order is a record with one field of most kinds.
type order struct {
	ID     string            `avro:"id"`
	Amount int64             `avro:"amount"`
	Rate   float64           `avro:"rate"`
	At     time.Time         `avro:"at"`
	Note   *string           `avro:"note"`
	Raw    []byte            `avro:"raw"`
	Lines  []line            `avro:"lines"`
	Tags   map[string]string `avro:"tags"`
}

type line struct {
	Item  string `avro:"item"`
	Count int32  `avro:"count"`
}

const orderSchema = `{"type": "record", "name": "Order", "namespace": "shop", "fields": [
	{"name": "id", "type": "string"},
	{"name": "amount", "type": "long"},
	{"name": "rate", "type": "double"},
	{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
	{"name": "note", "type": ["null", "string"], "default": null},
	{"name": "raw", "type": "bytes"},
	{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
		{"name": "item", "type": "string"}, {"name": "count", "type": "int"}]}}},
	{"name": "tags", "type": {"type": "map", "values": "string"}}]}`

var note = "ö"

var orders = []order{
	{ID: "a", Amount: -1, Rate: 0.5, At: time.UnixMilli(1_700_000_000_123).UTC(), Note: &note, Raw: []byte{0, 0xff}, Lines: []line{{"x", 1}, {"y", math.MinInt32}}, Tags: map[string]string{"k": "v"}},
	{ID: "b", Amount: math.MaxInt64, Rate: math.Inf(1), At: time.UnixMilli(0).UTC()},
}

// same compares orders as Avro knows them: empty and absent collections are one.
func same(a, b order) bool {
	for _, o := range []*order{&a, &b} {
		if len(o.Raw) == 0 {
			o.Raw = nil
		}
		if len(o.Lines) == 0 {
			o.Lines = nil
		}
		if len(o.Tags) == 0 {
			o.Tags = nil
		}
		o.At = o.At.UTC()
	}
	return reflect.DeepEqual(a, b)
}

func TestSingleObjects(t *testing.T) {
	t.Parallel()
	codectest.Suite[order]{Codec: avrocodec.MustNew(orderSchema), Values: orders, Equal: same, NoZero: true}.Run(t)
	codectest.Suite[string]{Codec: avrocodec.MustNew(`"string"`), Values: []string{"x"}}.Run(t)
	codectest.Suite[map[string]int64]{Codec: avrocodec.MustNew(`{"type": "map", "values": "long"}`), Values: []map[string]int64{{"x": 1}}, NoZero: true}.Run(t)
}

// A schema changes as Avro allows: what was stored before is read, and what no schema of the
// codec has written is not.
func TestSchemasChange(t *testing.T) {
	t.Parallel()
	const first = `{"type": "record", "name": "User", "fields": [{"name": "name", "type": "string"}, {"name": "age", "type": "int"}]}`
	const second = `{"type": "record", "name": "User", "fields": [{"name": "age", "type": "long"}, {"name": "mail", "type": "string", "default": "none"}]}`
	type userBefore struct {
		Name string `avro:"name"`
		Age  int32  `avro:"age"`
	}
	type user struct {
		Age  int64  `avro:"age"`
		Mail string `avro:"mail"`
	}
	before := avrocodec.MustNew(first)
	raw, err := before.Append(nil, &userBefore{"ada", 36})
	if err != nil {
		t.Fatal(err)
	}
	var v user
	if err := avrocodec.MustNew(second, first).Decode(raw, &v); err != nil || v != (user{36, "none"}) {
		t.Errorf("read as %+v, %v", v, err)
	}
	if err := avrocodec.MustNew(second).Decode(raw, &v); err == nil || !strings.Contains(err.Error(), "list that schema among the former ones") {
		t.Errorf("read without its schema: %v", err)
	}
	if _, err := avrocodec.New(`"string"`, first); err == nil || !strings.Contains(err.Error(), "would not be read") {
		t.Errorf("schemas that do not resolve: %v", err)
	}
	for _, schemas := range [][]string{{"{"}, {`"string"`, "{"}} {
		if _, err := avrocodec.New(schemas[0], schemas[1:]...); err == nil {
			t.Errorf("schemas %q are taken", schemas)
		}
	}
}

// A type of which the schema would lose something is refused at declaration.
func TestTypesThatDoNotFit(t *testing.T) {
	t.Parallel()
	type short struct {
		ID string `avro:"id"`
	}
	type long struct {
		line
		Item  string   `avro:"item"`
		Count int32    `avro:"count"`
		More  []string `avro:"more"`
	}
	type nested struct {
		Lines []short `avro:"lines"`
	}
	type hidden struct {
		Item  string `avro:"item"`
		Count int32  `avro:"count"`
		lost  int
	}
	_ = hidden{}.lost
	lines := avrocodec.MustNew(`{"type": "record", "name": "Line", "fields": [{"name": "item", "type": "string"}, {"name": "count", "type": "int"}]}`)
	for _, c := range []struct {
		codec codec.Codec
		t     reflect.Type
		want  string
	}{
		{avrocodec.MustNew(orderSchema), reflect.TypeFor[short](), "no field for amount"},
		{lines, reflect.TypeFor[long](), "has no field more: it would be lost"},
		{lines, reflect.TypeFor[hidden](), "field lost is not exported"},
		{lines, reflect.TypeFor[string](), "declare a struct"},
		{avrocodec.MustNew(`{"type": "record", "name": "N", "fields": [{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "L", "fields": [{"name": "item", "type": "string"}]}}}]}`), reflect.TypeFor[nested](), "lines[]"},
		{avrocodec.MustNew(`{"type": "array", "items": "int"}`), reflect.TypeFor[int](), "has an array"},
	} {
		if err := c.codec.Check(c.t); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.t, err, c.want)
		}
	}
	if err := avrocodec.MustNew(orderSchema).Check(reflect.TypeFor[*order]()); err != nil {
		t.Errorf("a pointer to an order: %v", err)
	}
	// Records within themselves end.
	type tree struct {
		Value int32  `avro:"value"`
		Next  *tree  `avro:"next"`
		Twigs []tree `avro:"twigs"`
	}
	trees := avrocodec.MustNew(`{"type": "record", "name": "Tree", "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Tree"], "default": null}, {"name": "twigs", "type": {"type": "array", "items": "Tree"}}]}`)
	codectest.Suite[tree]{Codec: trees, Values: []tree{{1, &tree{2, nil, []tree{}}, []tree{{Value: 3, Twigs: []tree{}}}}}, NoZero: true}.Run(t)
}

// With a registry, each value names its schema: readers and writers have others, and schemas
// refer to each other.
func TestRegisteredSchemas(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	schemas, err := registry.Open(registry.Config{URLs: []string{server.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	mine, err := avrocodec.Registered(schemas, "orders-value", orderSchema)
	if err != nil {
		t.Fatal(err)
	}
	codectest.Suite[order]{Codec: mine, Values: orders, Equal: same, NoZero: true}.Run(t)

	// Another program writes with a schema of its own that refers to another one.
	server.Register("line-value", registrytest.Schema{Text: `{"type": "record", "name": "Line", "namespace": "shop", "fields": [{"name": "item", "type": "string"}, {"name": "count", "type": "int"}, {"name": "more", "type": "int"}]}`})
	id := server.Register("others-value", registrytest.Schema{Text: `{"type": "record", "name": "Basket", "namespace": "shop", "fields": [{"name": "first", "type": "Line"}]}`,
		References: []registrytest.Reference{{Name: "shop.Line", Subject: "line-value", Version: 1}}})
	type basket struct {
		First line `avro:"first"`
	}
	reading, err := avrocodec.Registered(schemas, "", `{"type": "record", "name": "Basket", "namespace": "shop", "fields": [{"name": "first", "type": {"type": "record", "name": "Line", "fields": [{"name": "item", "type": "string"}, {"name": "count", "type": "int"}]}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	raw := append([]byte{0, 0, 0, 0, byte(id)}, "\x02x\x04\x06"...) // "x", 2, 3
	var v basket
	if err := reading.Decode(raw, &v); err != nil || v.First != (line{"x", 2}) {
		t.Errorf("read as %+v, %v", v, err)
	}
	if _, err := reading.Append(nil, &v); err == nil || !strings.Contains(err.Error(), "no subject") {
		t.Errorf("stored without a subject: %v", err)
	}

	// What is no value of a registry's, or of a schema that it does not have, is wrong for
	// good; that it does not answer passes.
	for text, want := range map[string]string{"": "does not begin with", "\x01\x00\x00\x00\x01x": "does not begin with", "\x00\x00\x00\x00\x63x": "not found"} {
		if err := reading.Decode([]byte(text), &v); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, codec.ErrUnavailable) {
			t.Errorf("%q: %v", text, err)
		}
	}
	before := server.Requests()
	if err := reading.Decode(raw, &v); err != nil || server.Requests() != before {
		t.Errorf("a schema that is known: %v, after %d questions", err, server.Requests()-before)
	}
	late := server.Register("late-value", registrytest.Schema{Text: `"int"`})
	server.SetDown(true)
	if err := reading.Decode([]byte{0, 0, 0, 0, byte(late), 2}, &v); !errors.Is(err, codec.ErrUnavailable) {
		t.Errorf("a registry that is down: %v", err)
	}
	if err := reading.Decode(raw, &v); err != nil {
		t.Errorf("a schema that is known, with a registry that is down: %v", err)
	}
	other, err := avrocodec.Registered(schemas, "new-value", `"string"`)
	if err != nil {
		t.Fatal(err)
	}
	text := "x"
	if _, err := other.Append(nil, &text); !errors.Is(err, codec.ErrUnavailable) {
		t.Errorf("registering with a registry that is down: %v", err)
	}
	server.SetDown(false)
	if _, err := other.Append(nil, &text); err != nil {
		t.Errorf("registering: %v", err)
	}
}

func TestBadRegistries(t *testing.T) {
	t.Parallel()
	if _, err := avrocodec.Registered(nil, "", `"string"`); err == nil {
		t.Error("a codec without a registry")
	}
	for _, config := range []registry.Config{{}, {URLs: []string{"http://x"}, User: "u", Token: "t"}} {
		if _, err := registry.Open(config); err == nil {
			t.Errorf("opened %+v", config)
		}
	}
}

func FuzzSingleObjects(f *testing.F) {
	codectest.Suite[order]{Codec: avrocodec.MustNew(orderSchema), Values: orders, Equal: same, NoZero: true}.Fuzz(f)
}
