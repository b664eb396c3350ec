package wire_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// The header of a numbered append, as docs/formats/kafka.md has it.
func TestAppendID(t *testing.T) {
	t.Parallel()
	id := wire.AppendID{Module: "Orders", Task: 3, Line: 0x1f00aa7c, Number: 57, Known: 55, Commit: task.Mark{Token: token(0xaa), Number: 118}}
	const want = "1 Orders 3 1f00aa7c 57 55 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/118"
	if got := string(id.AppendText(nil)); got != want {
		t.Errorf("the header is %q, want %q", got, want)
	}
	r := depot.Record{Headers: []depot.Header{{Key: "other"}, {Key: wire.AppendHeader, Value: []byte(want)}}}
	if back, ok, err := wire.FindAppendID(&r); !ok || err != nil || back != id {
		t.Errorf("the header came back as %+v, %v, %v", back, ok, err)
	}
	if _, ok, err := wire.FindAppendID(&depot.Record{Headers: []depot.Header{{Key: "other"}}}); ok || err != nil {
		t.Errorf("a record without it: %v, %v", ok, err)
	}
	for _, bad := range []string{"", "1 Orders 3 1f00aa7c 57 55", "2" + want[1:], "1 Orders 4096 1f00aa7c 57 55 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/118",
		"1 Orders 3 1f00aa7c 57 57 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/118", "1 Orders 3 x 57 55 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/118", "1 Orders 3 1f00aa7c 57 55 aa/1"} {
		if _, err := wire.ParseAppendID(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// What a slot keeps of appends, as docs/formats/redis.md has it.
func TestKeptAppends(t *testing.T) {
	t.Parallel()
	k := wire.KeptAppends{Commit: task.Mark{Token: token(0xaa), Number: 5}, Appends: []wire.KeptAppend{
		{Record: depot.Record{Key: []byte("k"), Value: []byte("v"), Headers: []depot.Header{{Key: "h", Value: []byte("x")}}}, Root: 2, Group: 9, Event: 7},
		{Record: depot.Record{Value: []byte("w")}},
		{Record: depot.Record{Value: []byte("x")}, Topic: "t", Spread: 3},
	}}
	const want = "01" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa05" + "03" +
		"03" + "016b" + "02" + "0900000000000000" + "0700000000000000" + "0176" + "01" + "0168" + "0178" +
		"00" + "0177" + "00" +
		"04" + "0174" + "0300000000000000" + "0178" + "00"
	raw := k.Append(nil)
	if got := hex.EncodeToString(raw); got != want {
		t.Errorf("stored as\n%s, want\n%s", got, want)
	}
	if back, err := wire.ParseKeptAppends(raw); err != nil || !cmp.Equal(back, k) {
		t.Errorf("came back as %+v, %v", back, err)
	}
	for n := range raw {
		if _, err := wire.ParseKeptAppends(raw[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken", n, len(raw))
		}
	}
}

func TestAppendFields(t *testing.T) {
	t.Parallel()
	for field, number := range map[string]uint64{"orders/3": 0, "orders/3/57": 57} {
		depot, partition, n, err := wire.ParseAppendField(field)
		if err != nil || depot != "orders" || partition != 3 || n != number || wire.AppendField(depot, partition, n) != field {
			t.Errorf("%q came back as %s, %d, %d, %v", field, depot, partition, n, err)
		}
	}
	for _, bad := range []string{"", "orders", "orders/x", "orders/3/0", "orders/3/1/2"} {
		if _, _, _, err := wire.ParseAppendField(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	line := wire.AppendLine{Line: 10, Last: 57}
	if got := string(line.AppendText(nil)); got != "1 line=0000000a last=57" {
		t.Errorf("a line is stored as %q", got)
	}
	if back, err := wire.ParseAppendLine("1 line=0000000a last=57"); err != nil || back != line {
		t.Errorf("a line came back as %+v, %v", back, err)
	}
	for _, bad := range []string{"", "1 last=5", "1 line=a last=5", "2 line=0000000a last=57", "1 line=0000000a last=x"} {
		if _, err := wire.ParseAppendLine(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestTopicPosition(t *testing.T) {
	t.Parallel()
	p := wire.TopicPosition{Line: 10, Number: 57, Commit: task.Mark{Token: token(0xaa), Number: 118}}
	const want = "1 line=0000000a number=57 commit=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/118"
	if got := string(p.AppendText(nil)); got != want {
		t.Errorf("stored as %q, want %q", got, want)
	}
	if back, err := wire.ParseTopicPosition(want); err != nil || back != p {
		t.Errorf("came back as %+v, %v", back, err)
	}
	for _, bad := range []string{"", "2" + want[1:], "1 line=a number=57 commit=" + want[36:], "1 line=0000000a number=x commit=aa", want[:40]} {
		if _, err := wire.ParseTopicPosition(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
