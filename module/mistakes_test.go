package module_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// declared is a module whose Define is a function.
type declared struct {
	name   string
	define func(*module.Builder)
}

func (m *declared) ModuleName() string       { return m.name }
func (m *declared) Define(b *module.Builder) { m.define(b) }
func key(s string) string                    { return s }
func nothing(*module.Event, string) error    { return nil }
func nothingInt(*module.Event, int) error    { return nil }
func source(b *module.Builder, s *module.Stream) { // what a stream needs at least
	var d module.Depot[string]
	module.RandomDepot(b, &d, "records")
	module.DeclareSource(s, d, nothing)
}

type shape interface{ Area() float64 }
type square struct{ Side float64 }

func (s square) Area() float64 { return s.Side * s.Side }

type hidden struct{ Inner chan int }

// promise 3.05: what is wrong with a declaration is said at declaration, each
// mistake with the thing that it is about and what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		define func(*module.Builder)
		want   string
	}{
		"microbatch without source": {func(b *module.Builder) { b.Microbatch("m") }, `microbatch topology "m": has no source; declare what it reads`},
		"microbatch and stream of one name": {func(b *module.Builder) {
			source(b, b.Stream("m"))
			b.Microbatch("m")
		}, `microbatch topology "m": has the name of a stream; give each topology`},
		"microbatch with a retry mode": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records")
			module.DeclareSource(b.Microbatch("m"), d, nothing, module.RetryAllAfter())
		}, `source "records" of microbatch topology "m": has a retry mode in a microbatch topology; leave it out`},
		"migration of another type": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records", module.Migrate("m", func(n int) (int, bool) { return n, true }))
		}, `depot "records": its migration "m" is not for records of type string; give it a function`},
		"two migrations": {func(b *module.Builder) {
			var d module.Depot[string]
			keep := func(s string) (string, bool) { return s, true }
			module.RandomDepot(b, &d, "records", module.Migrate("m", keep), module.Migrate("n", keep))
		}, `depot "records": has the migrations "m" and "n"; make one of them`},
		"ids without a window": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records", module.AppendIDs(0))
		}, `depot "records": has AppendIDs(0); a window has 1 to 1000000 records`},
		"tick depot without a period": {func(b *module.Builder) {
			var d module.Ticks
			module.TickDepot(b, &d, "ticks", time.Microsecond)
		}, `depot "ticks": has a period of 1µs; a period is some milliseconds, and at least one`},
		"ticks that are not declared": {func(b *module.Builder) {
			module.DeclareTickSource(b.Stream("s"), module.Ticks{}, func(*module.Event, module.Tick) error { return nil })
		}, `source of stream "s": reads a tick depot that is not declared; declare the depot before the source`},
		"ticks from the beginning": {func(b *module.Builder) {
			var d module.Ticks
			module.TickDepot(b, &d, "ticks", time.Second)
			module.DeclareTickSource(b.Stream("s"), d, func(*module.Event, module.Tick) error { return nil }, module.StartFromBeginning())
		}, `source "ticks" of stream "s": starts at the beginning, and reads ticks; leave it out`},
		"ticks in order": {func(b *module.Builder) {
			var d module.Ticks
			module.TickDepot(b, &d, "ticks", time.Second)
			module.DeclareTickSource(b.Stream("s"), d, func(*module.Event, module.Tick) error { return nil }, module.RetryAllAfter())
		}, `source "ticks" of stream "s": has RetryAllAfter, and reads ticks; leave it out`},
		"bad depot name": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "no good")
		}, `depot "no good": the name is not allowed; a name has`},
		"depot twice": {func(b *module.Builder) {
			var d, e module.Depot[string]
			module.RandomDepot(b, &d, "d")
			module.RandomDepot(b, &e, "d")
		}, `depot "d": declared twice`},
		"handle twice": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "d")
			module.RandomDepot(b, &d, "e")
		}, `depot "e": its handle is that of depot "d" already; declare each field once`},
		"nil depot":  {func(b *module.Builder) { module.RandomDepot[string](b, nil, "d") }, `depot "d": its handle is nil; pass the address`},
		"nil PState": {func(b *module.Builder) { b.Stream("s").PState(nil, "p") }, `PState "p": its handle is nil; pass the address`},
		"nil pointer to a PState": {func(b *module.Builder) {
			var p *pstate.Map[string, int]
			b.Stream("s").PState(p, "p")
		}, `PState "p": its handle is nil; pass the address`},
		"step at a nil PState": {func(b *module.Builder) {
			var x module.Step[string]
			s := b.Stream("s")
			source(b, s)
			module.DeclareStep(s, &x, "x", module.At((*pstate.Map[string, int])(nil), key), nothing)
		}, `step "x": is placed at a PState whose handle is nil; pass the address of a field`},
		"nil step": {func(b *module.Builder) {
			module.DeclareStep(b.Stream("s"), nil, "x", module.Stay[string](), nothing)
		}, `step "x": its handle is nil; pass the address`},
		"nil ack": {func(b *module.Builder) { module.DeclareAck(b.Stream("s"), nil, agg.Sum[int]()) }, `ack "s-0": its handle is nil`},
		"source of an undeclared topic": {func(b *module.Builder) {
			module.DeclareTopicSource(b.Stream("s"), module.Topic[string]{}, func(*module.Event, module.TopicRecord[string]) error { return nil })
		}, `reads a topic that is not declared; declare it before the source: DeclareTopic`},
		"topic source without handler": {func(b *module.Builder) {
			var o module.Topic[string]
			module.DeclareTopic(b, &o, "out")
			module.DeclareTopicSource(b.Stream("s"), o, nil)
		}, `source "out" of stream "s": has no handler`},
		"topics of one source name": {func(b *module.Builder) {
			var o, p module.Topic[string]
			module.DeclareTopic(b, &o, "a.b")
			module.DeclareTopic(b, &p, "a-b")
			s := b.Stream("s")
			for _, t := range []module.Topic[string]{o, p} {
				module.DeclareTopicSource(s, t, func(*module.Event, module.TopicRecord[string]) error { return nil })
			}
		}, `declared twice; give a further source of the same depot a name of its own: module.SourceID`},
		"object without a function": {func(b *module.Builder) {
			var o module.Object[int]
			module.DeclareObject(b, &o, "o", nil, nil)
		}, `object "o": has no function that opens it`},
		"nil topic": {func(b *module.Builder) { module.DeclareTopic[string](b, nil, "t") }, `topic "t": its handle is nil`},
		"nil option of a source": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records")
			module.DeclareSource(b.Stream("s"), d, nothing, nil)
		}, `source of depot "records" in stream "s": its option 0 is nil; leave it out`},
		"nil option of a stream": {func(b *module.Builder) { b.Stream("s", module.ExactlyOnce(), nil) }, `stream "s": its option 1 is nil`},
		"nil option of a depot": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "d", nil)
		}, `depot "d": its option 0 is nil`},
		"nil option of a step": {func(b *module.Builder) {
			var x module.Step[string]
			module.DeclareStep(b.Stream("s"), &x, "x", module.Stay[string](), nothing, nil)
		}, `step "x": its option 0 is nil`},
		"two retry modes": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records")
			module.DeclareSource(b.Stream("s"), d, nothing, module.RetryNone(), module.RetryAllAfter())
		}, `source "records" of stream "s": has several retry modes; choose one`},
		"two starts": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records")
			module.DeclareSource(b.Stream("s"), d, nothing, module.StartFromBeginning(), module.StartFromRecordsAgo(5))
		}, `source "records" of stream "s": has several starts; choose one`},
		"too many attempts": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "records")
			module.DeclareSource(b.Stream("s"), d, nothing, module.MaxAttempts(1<<16))
		}, `source "records" of stream "s": has MaxAttempts(65536); attempts are counted to 65535`},
		"depot without key": {func(b *module.Builder) {
			var d module.Depot[string]
			module.HashDepot[string, string](b, &d, "d", nil)
		}, `depot "d": has no key function`},
		"record that does not survive": {func(b *module.Builder) {
			var d module.Depot[hidden]
			module.RandomDepot(b, &d, "d")
		}, `depot "d": `},
		"text of a struct": {func(b *module.Builder) {
			var d module.Depot[square]
			module.RandomDepot(b, &d, "d", module.Text())
		}, `depot "d": `},
		"union of another type": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "d", module.Union(module.Variant[square, shape]("square")))
		}, `depot "d": option union is not for records of type string`},
		"union of nothing": {func(b *module.Builder) {
			var d module.Depot[shape]
			module.RandomDepot(b, &d, "d", module.Union[shape]())
		}, `depot "d": `},
		"two variants of one name": {func(b *module.Builder) {
			var d module.Depot[shape]
			module.RandomDepot(b, &d, "d", module.Union(module.Variant[square, shape]("s"), module.Variant[*square, shape]("s")))
		}, `two variants are named "s"`},
		"variant outside the union": {func(b *module.Builder) {
			var d module.Depot[shape]
			module.RandomDepot(b, &d, "d", module.Union(module.Variant[int, shape]("n")))
		}, `int does not implement`},
		"bad topic name": {func(b *module.Builder) {
			var o module.Topic[string]
			module.DeclareTopic(b, &o, "no good")
		}, `topic "no good": the name is not allowed; Kafka's topics have`},
		"topic of a module": {func(b *module.Builder) {
			var o module.Topic[string]
			module.DeclareTopic(b, &o, "coppice.Orders.orders")
		}, `topic "coppice.Orders.orders": is a topic of a module's own; append to a depot of the module`},
		"topic twice": {func(b *module.Builder) {
			var o, p module.Topic[string]
			module.DeclareTopic(b, &o, "out")
			module.DeclareTopic(b, &p, "out")
		}, `topic "out": declared twice; one handle serves all handlers`},
		"topic handle twice": {func(b *module.Builder) {
			var o module.Topic[string]
			module.DeclareTopic(b, &o, "out")
			module.DeclareTopic(b, &o, "in")
		}, `topic "in": its handle is that of topic "out" already`},
		"topic without key": {func(b *module.Builder) {
			var o module.Topic[string]
			module.DeclareKeyedTopic[string, string](b, &o, "out", nil)
		}, `topic "out": has no key function; say what its records' key is`},
		"topic with DisallowAppends": {func(b *module.Builder) {
			var o module.Topic[string]
			module.DeclareTopic(b, &o, "out", module.DisallowAppends())
		}, `topic "out": has DisallowAppends, which is for depots`},
		"topic record that does not survive": {func(b *module.Builder) {
			var o module.Topic[hidden]
			module.DeclareTopic(b, &o, "out")
		}, `topic "out": `},
		"stream without source": {func(b *module.Builder) {
			b.Stream("s")
		}, `stream "s": has no source; declare what it reads`},
		"source of nothing": {func(b *module.Builder) {
			var d module.Depot[string]
			module.DeclareSource(b.Stream("s"), d, nothing)
		}, `source of stream "s": reads a depot that is not declared`},
		"source twice": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "d")
			s := b.Stream("s")
			module.DeclareSource(s, d, nothing)
			module.DeclareSource(s, d, nothing)
		}, `source "d" of stream "s": declared twice; give a further source of the same depot a name of its own: module.SourceID`},
		"source without handler": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "d")
			module.DeclareSource(b.Stream("s"), d, nil)
		}, `source "d" of stream "s": has no handler; pass a func(*module.Event, string) error`},
		"negative attempts": {func(b *module.Builder) {
			var d module.Depot[string]
			module.RandomDepot(b, &d, "d")
			module.DeclareSource(b.Stream("s"), d, nothing, module.MaxAttempts(-1))
		}, `MaxAttempts is negative; 0 retries for ever`},
		"step without placement": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var step module.Step[string]
			module.DeclareStep(s, &step, "x", module.Placement[string]{}, nothing)
		}, `step "x": has no placement; say where it runs: At, ByHash, Shuffle, Stay, Global or Custom`},
		"step without handler": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var step module.Step[int]
			module.DeclareStep(s, &step, "x", module.Stay[int](), nil)
		}, `step "x": has no handler; pass a func(*module.Event, int) error`},
		"step at an undeclared PState": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var step module.Step[string]
			var counts pstate.Map[string, int]
			module.DeclareStep(s, &step, "x", module.At(&counts, key), nothing)
		}, `step "x": is placed at a PState that is not declared; declare it with Stream.PState`},
		"step at another stream's PState": {func(b *module.Builder) {
			one, two := b.Stream("one"), b.Stream("two")
			source(b, one)
			var counts pstate.Map[string, int]
			one.PState(&counts, "counts")
			var step module.Step[string]
			module.DeclareStep(two, &step, "x", module.At(&counts, key), nothing)
		}, `step "x": is placed at PState "counts", which stream "one" writes`},
		"hop that does not survive": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var step module.Step[func()]
			module.DeclareStep(s, &step, "x", module.Stay[func()](), func(*module.Event, func()) error { return nil })
		}, `step "x": `},
		"PState twice": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var p, q pstate.Map[string, int]
			s.PState(&p, "p")
			s.PState(&q, "p")
		}, `PState "p": declared twice; give each PState a name of its own`},
		"value that does not survive": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var p pstate.Map[string, chan int]
			s.PState(&p, "p")
		}, `PState "p": `},
		"key without order": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var p pstate.SortedMap[netip.Addr, int]
			s.PState(&p, "p")
		}, `PState "p": key type netip.Addr has only its JSON, whose order means nothing`},
		"ack without combiner": {func(b *module.Builder) {
			s := b.Stream("s")
			source(b, s)
			var a module.Ack[int]
			module.DeclareAck(s, &a, agg.Combiner[int]{})
		}, `has no combiner; use agg.Last, agg.Sum or one of your own`},
		"panic": {func(*module.Builder) { panic("oh") }, `module: Define panicked at `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := module.Compile(&declared{"M", c.define})
			var d *module.DefinitionError
			if !errors.As(err, &d) || len(d.Mistakes) == 0 {
				t.Fatalf("Compile: %v, want a DefinitionError", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is\n%v\nwant in it\n%s", err, c.want)
			}
		})
	}
}

// All mistakes come at once.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := module.Compile(&declared{"not a name", func(b *module.Builder) {
		var d module.Depot[string]
		module.HashDepot[string, string](b, &d, "bad depot", nil)
		s := b.Stream("")
		var step module.Step[int]
		module.DeclareStep(s, &step, "x", module.Placement[int]{}, nothingInt)
	}})
	var d *module.DefinitionError
	if !errors.As(err, &d) {
		t.Fatalf("Compile: %v", err)
	}
	var things []string
	for _, m := range d.Mistakes {
		things = append(things, m.Thing)
	}
	want := []string{"module", `depot "bad depot"`, `depot "bad depot"`, `stream ""`, `step "x"`, `stream ""`}
	if !slices.Equal(things, want) {
		t.Errorf("mistakes about %q, want %q:\n%v", things, want, err)
	}
	if !strings.HasPrefix(err.Error(), "module not a name: 6 mistakes\n") {
		t.Errorf("the error begins with %.60q", err)
	}
}

// A module is a pointer: Define fills it.
func TestModulesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, m := range []module.Module{nil, (*declared)(nil)} {
		var d *module.DefinitionError
		if _, err := module.Compile(m); !errors.As(err, &d) {
			t.Errorf("%T: %v", m, err)
		}
	}
}
