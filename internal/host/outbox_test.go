package host

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

const (
	boxTasks = 3
	boxSteps = 2
)

// sender sends off numbered events as handlers do.
type sender struct {
	t     *testing.T
	e     *Event
	codec codec.Codec[int]
	sent  [boxTasks][]int // what must leave, by task
	calls []int           // what must be called
	acks  int
	next  int
	gone  map[uint64]bool
	kept  map[uint64]*wire.Frame // pieces that were moved out of memory
	id    uint64
}

func newSender(t *testing.T) *sender {
	t.Helper()
	c, err := codec.JSON[int]()
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{t: t, e: &Event{}, codec: c, gone: map[uint64]bool{}, kept: map[uint64]*wire.Frame{}}
	s.e.Out = NewOutbox(boxTasks, boxSteps, true, &Pool{})
	s.e.Out.Gone = func(p *Piece) { s.gone[p.ID] = true }
	s.e.Begin(wire.Origin{Tree: acker.Ref{ID: 1}}, 1, nil)
	return s
}

func (s *sender) send(random *rand.Rand) {
	s.next++
	to, step := task.ID(random.IntN(boxTasks)), uint16(random.IntN(boxSteps))
	c := s.e.Column(step, to, func(encode bool) wire.Column { return wire.NewColumn(&s.codec, encode) }).(*wire.ColumnOf[int])
	if err := c.Put(s.next); err != nil {
		s.t.Fatal(err)
	}
	s.e.Hop(step, to, c)
	s.sent[to] = append(s.sent[to], s.next)
}

func (s *sender) call() {
	s.next++
	c := s.e.CallColumn(0, func(encode bool) wire.Column { return wire.NewColumn(&s.codec, encode) }).(*wire.ColumnOf[int])
	if err := c.Put(s.next); err != nil {
		s.t.Fatal(err)
	}
	s.e.Call(0, c)
	s.calls = append(s.calls, s.next)
}

func (s *sender) spill(mark int) {
	for _, p := range s.e.Out.Spill(mark) {
		s.id++
		p.ID = s.id
		s.kept[p.ID] = p.Frame
		if len(p.Frame.Acks) > 0 {
			s.t.Error("acks go with the events")
		}
		p.Frame = nil
	}
	if n := s.e.Out.shelves[passing].bytes; n != 0 {
		s.t.Errorf("%d bytes are left in memory", n)
	}
}

func numbers(t *testing.T, f *wire.Frame, count int) (all []int) {
	t.Helper()
	for i := range f.Events[:count] {
		e := &f.Events[i]
		n, err := f.Columns[e.Step].(*wire.ColumnOf[int]).Get(int(e.Index))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// Whatever is sent off, moved out of memory and taken back, in whatever order: what
// leaves is what the events that stand have sent, in order for each task.
func TestOutbox(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := newSender(t)
		for range 1 + random.IntN(4) { // batches
			s.batch(random)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (s *sender) batch(random *rand.Rand) {
	out := s.e.Out
	s.sent, s.calls, s.acks = [boxTasks][]int{}, nil, 0
	for range random.IntN(8) { // events
		mark, before, calls := out.Mark(), s.sent, slices.Clone(s.calls)
		for i := range before {
			before[i] = slices.Clone(before[i])
		}
		size := out.Bytes()
		spilled := false
		for range 1 + random.IntN(4) {
			for range random.IntN([]int{4, 2500}[random.IntN(2)]) {
				s.send(random)
			}
			for range random.IntN(3) {
				s.call()
			}
			if random.IntN(3) == 0 {
				s.spill(mark)
				spilled = true
			}
		}
		if random.IntN(3) == 0 {
			out.Rollback(mark)
			s.sent, s.calls = before, calls
			if out.Mark() != mark || !spilled && out.Bytes() != size {
				s.t.Errorf("taken back to mark %d, the outbox is at %d; it has %d bytes and had %d", mark, out.Mark(), out.Bytes(), size)
			}
			continue
		}
		out.Ack(task.ID(random.IntN(boxTasks)), acker.Ref{ID: uint64(s.acks) + 1}, 1, 0, nil)
		s.acks++
	}
	if random.IntN(6) == 0 {
		out.Discard()
		s.sent, s.calls, s.acks = [boxTasks][]int{}, nil, 0
	}
	s.check()
}

func (s *sender) check() {
	var left [boxTasks][]int
	acks := 0
	for _, p := range s.e.Out.TakePieces() {
		if s.gone[p.ID] {
			s.t.Error("a piece that was taken back leaves")
		}
		left[p.To] = append(left[p.To], numbers(s.t, s.kept[p.ID], p.Events)...)
		delete(s.kept, p.ID)
	}
	for _, f := range s.e.Out.Take(nil) {
		if len(f.Events) > FrameEventsMax {
			s.t.Errorf("a frame has %d events", len(f.Events))
		}
		left[f.To] = append(left[f.To], numbers(s.t, f, len(f.Events))...)
		acks += len(f.Acks)
		s.e.Out.shelves[passing].pool.Put(f)
	}
	var called []int
	s.e.Out.TakeCalls(func(f *wire.Frame) { called = append(called, numbers(s.t, f, len(f.Events))...) })
	if !slices.Equal(called, s.calls) {
		s.t.Errorf("%d calls are made, want %d%s", len(called), len(s.calls), firstOther(called, s.calls))
	}
	for to := range left {
		if !slices.Equal(left[to], s.sent[to]) {
			s.t.Errorf("task %d gets %d events, want %d%s", to, len(left[to]), len(s.sent[to]), firstOther(left[to], s.sent[to]))
		}
	}
	for id := range s.gone {
		delete(s.kept, id)
		delete(s.gone, id)
	}
	if acks != s.acks || len(s.kept) > 0 {
		s.t.Errorf("%d acks, want %d; %d pieces neither leave nor are taken back", acks, s.acks, len(s.kept))
	}
	if s.e.Out.Bytes() != 0 || s.e.Out.Mark() != 0 {
		s.t.Errorf("an empty outbox has %d bytes and is at %d", s.e.Out.Bytes(), s.e.Out.Mark())
	}
}

func firstOther(have, want []int) string {
	for i := range min(len(have), len(want)) {
		if have[i] != want[i] {
			return fmt.Sprintf("; number %d is %d, want %d", i, have[i], want[i])
		}
	}
	return ""
}
