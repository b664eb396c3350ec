package task_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/task"
)

// promise 3.06: the hash is that of Kafka's own clients, so any of them finds the
// partition of a key.
func TestMurmur2(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(task.Murmur2([]byte(key))); got != want {
			t.Errorf("murmur2 of %q is %d, Kafka's is %d", key, got, want)
		}
		for _, tasks := range []int{1, 3, 12, 4096} {
			if got, want := int(task.Of([]byte(key), tasks)), int(want&math.MaxInt32)%tasks; got != want {
				t.Errorf("key %q of %d tasks is at %d, Kafka's partition is %d", key, tasks, got, want)
			}
		}
	}
}

// crc16 is that of Redis Cluster, bit by bit.
func crc16(text string) uint16 {
	var crc uint16
	for i := 0; i < len(text); i++ {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// The tags of a module's tasks spread evenly over the hash slots: each lies in
// the middle half of its share (T16). They are golden: with another tag a task
// would not find its state.
func TestTags(t *testing.T) {
	t.Parallel()
	if got := crc16("123456789"); got != 0x31c3 {
		t.Fatalf("the test's own CRC is %x", got)
	}
	const slots = 16384
	for _, tasks := range []int{1, 2, 3, 4, 7, 64, 1000, task.CountMax} {
		step := max(tasks/50, 1)
		for i := 0; i < tasks; i += step {
			tag := task.Tag("Flights", task.ID(i), tasks)
			slot := float64(crc16(tag) % slots)
			share := float64(slots) / float64(tasks)
			at := slot/share - float64(i)
			if at < 0.25-1/share || at > 0.75+1/share {
				t.Errorf("tag %s of task %d of %d is at %.2f of its share", tag, i, tasks, at)
			}
			if strings.ContainsAny(tag, "{}") || !strings.HasPrefix(tag, fmt.Sprintf("Flights.%d.", i)) {
				t.Errorf("tag %q", tag)
			}
			if got := task.OfTag(tag); got != task.ID(i) {
				t.Errorf("tag %q is read as that of task %v", tag, got)
			}
		}
	}
	for _, none := range []string{"", "a", "a.b", "a.x.1", "a.-1.1"} {
		if got := task.OfTag(none); got != task.None {
			t.Errorf("%q is read as the tag of task %v", none, got)
		}
	}
	for want, got := range map[string]string{
		"Flights.0.1": task.Tag("Flights", 0, 1), "Flights.3.23": task.Tag("Flights", 3, 4),
		"Words.17.342": task.Tag("Words", 17, 64), "M.4095.3024": task.Tag("M", 4095, 4096),
	} {
		if got != want {
			t.Errorf("tag %q, want %q", got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	type place struct{ Y, X int }
	check := func(got []byte, err error, want string) {
		t.Helper()
		if err != nil || string(got) != want {
			t.Errorf("partition bytes %q, %v; want %q", got, err, want)
		}
	}
	got, err := task.AppendKey(nil, "a b")
	check(got, err, "a b")
	got, err = task.AppendKey(nil, int64(-5))
	check(got, err, "-5")
	got, err = task.AppendKey(nil, uint8(200))
	check(got, err, "200")
	got, err = task.AppendKey(nil, true)
	check(got, err, "true")
	got, err = task.AppendKey(nil, math.Inf(1))
	check(got, err, "Infinity")
	got, err = task.AppendKey(nil, float32(math.Inf(-1)))
	check(got, err, "-Infinity")
	if got, err := task.AppendKey(nil, [2]float64{1, math.Inf(1)}); err == nil {
		t.Errorf("an infinite float in an array is %q", got)
	}
	got, err = task.AppendKey(nil, place{1, 2})
	check(got, err, `{"X":2,"Y":1}`)
	got, err = task.AppendKey([]byte("have "), "<&>")
	check(got, err, "have <&>")
	if _, err := task.AppendKey(nil, math.NaN()); err == nil {
		t.Error("NaN is a key")
	}
	type name string
	type raw []byte
	got, err = task.AppendKey(nil, name("\xff"))
	check(got, err, "\xff")
	got, err = task.AppendKey(nil, raw{0, 0xff})
	check(got, err, "\x00\xff")
}

// Keys that are equal are on one task, whatever else tells them apart.
func TestEqualKeysHaveOnePartition(t *testing.T) {
	t.Parallel()
	type visit struct {
		At     time.Time
		Amount [2]float64
		Notes  map[string]int
	}
	here := time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC)
	there := here.In(time.FixedZone("east", 3600))
	for _, equal := range [][2]any{{here, there}, {0.0, math.Copysign(0, -1)}, {visit{here, [2]float64{1, 0}, nil}, visit{there, [2]float64{1, math.Copysign(0, -1)}, nil}}} {
		one, err := task.AppendKey(nil, equal[0])
		if err != nil {
			t.Fatal(err)
		}
		other, err := task.AppendKey(nil, equal[1])
		if err != nil || string(one) != string(other) {
			t.Errorf("%v has the partition bytes %q, %v has %q (%v)", equal[0], one, equal[1], other, err)
		}
	}
	if got, _ := task.AppendKey(nil, there); string(got) != "2024-02-29T12:00:00.000000005Z" {
		t.Errorf("a time has the partition bytes %q", got)
	}
}

func anyMark(t *rapid.T, label string) task.Mark {
	var m task.Mark
	copy(m.Token[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
	m.Token[0] |= 1
	m.Number = rapid.Uint64().Draw(t, label+" number")
	return m
}

// What is stored is read back, whatever it is.
func TestHeadRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := task.Head{Mark: anyMark(t, "mark"), Address: rapid.StringMatching(`[a-z0-9.:-]{2,20}`).Draw(t, "address")}
		if rapid.Bool().Draw(t, "replaced") {
			h.Replaced = anyMark(t, "replaced mark")
		}
		back, err := task.ParseHead(h.String())
		if err != nil || back != h {
			t.Fatalf("%q came back as %v, %v", h, back, err)
		}
	})
}

func TestHeadGolden(t *testing.T) {
	t.Parallel()
	h := task.Head{Mark: task.Mark{Token: task.Token{0x0b, 15: 0xc4}, Number: 118}, Address: "127.0.0.1:7411", Replaced: task.Mark{Token: task.Token{0x93, 15: 0x10}, Number: 64}}
	const want = "1 0b0000000000000000000000000000c4/118 127.0.0.1:7411 93000000000000000000000000000010/64"
	if h.String() != want {
		t.Errorf("the head is %q, want %q", h, want)
	}
	if got := (task.Head{Mark: task.Mark{Token: task.Token{1}}}).String(); got != "1 01000000000000000000000000000000/0 - -" {
		t.Errorf("a head without address and former owner is %q", got)
	}
	for _, bad := range []string{"x", "1 2 3", "2 " + want[2:], strings.Replace(want, "/118", "", 1), strings.Replace(want, "/118", "/x", 1), strings.Replace(want, "0b", "zz", 1), want + " more"} {
		if _, err := task.ParseHead(bad); err == nil {
			t.Errorf("%q was read as a head", bad)
		}
	}
	if h, err := task.ParseHead(""); err != nil || !h.IsZero() {
		t.Errorf("no head at all: %v, %v", h, err)
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add("1 0b0000000000000000000000000000c4/118 127.0.0.1:7411 93000000000000000000000000000010/64")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := task.ParseHead(text)
		if err != nil {
			return
		}
		if again, err := task.ParseHead(h.String()); err != nil || again != h {
			t.Fatalf("%q was read as %v and written as something else: %v, %v", text, h, again, err)
		}
	})
}

// R13, R3: what a head covers.
func TestCovers(t *testing.T) {
	t.Parallel()
	a, b, c := task.Token{1}, task.Token{2}, task.Token{3}
	h := task.Head{Mark: task.Mark{Token: b, Number: 5}, Replaced: task.Mark{Token: a, Number: 9}}
	for _, x := range []struct {
		mark task.Mark
		want bool
	}{
		{task.Mark{Token: b, Number: 5}, true}, {task.Mark{Token: b, Number: 4}, true}, {task.Mark{Token: b, Number: 6}, false},
		{task.Mark{Token: a, Number: 9}, true}, {task.Mark{Token: a, Number: 10}, false}, {task.Mark{Token: c, Number: 0}, false},
	} {
		if got := h.Covers(x.mark); got != x.want {
			t.Errorf("%v covers %v: %v", h, x.mark, got)
		}
	}
	if (task.Head{Mark: task.Mark{Token: a}}).Covers(task.Mark{}) {
		t.Error("a head without former owner covers the zero mark")
	}
}

// R14: equal lineages prove, unknown ones never.
func TestLineage(t *testing.T) {
	t.Parallel()
	l := task.Lineage{Run: "r", Replication: "p"}
	if !l.Same(l) || l.Same(task.Lineage{Run: "r", Replication: "q"}) || (task.Lineage{}).Same(task.Lineage{}) {
		t.Error("lineages compare wrongly")
	}
}
