package host

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Outbox collects what the events of one batch send to other tasks. It leaves
// after the batch's commit.
type Outbox struct {
	// Encode keeps payloads in their stored form, as between processes.
	Encode bool
	// BytesMax is how much of what events of at-least-once topologies send off stays in
	// memory; beyond it Event.Spill is called. 0: no limit.
	BytesMax int
	// Gone is told of pieces that are taken back.
	Gone func(*Piece)

	shelves       [kinds]shelf
	lastingEvents int // that are to leave
	calls         int // that are to be made
	steps         int
	sent          []sent
	pieces        []*Piece // no longer in memory, older than all frames to their tasks
	base          int      // events sent off that are not in sent any more
}

// kind is a way to leave.
type kind uint8

const (
	passing kind = iota // hops of at-least-once topologies
	lasting             // hops of exactly-once topologies
	outside             // calls
	kinds
)

type sent struct {
	to   task.ID
	step uint16
	by   kind
}

// Pool keeps empty frames for use again.
type Pool struct {
	free   []*wire.Frame
	events int // that a new frame has room for: as many as the last one had that was kept
}

// poolMax bounds the frames that a task keeps; the rest is garbage.
const poolMax = 64

// Put takes back a frame that nobody refers to any more.
func (p *Pool) Put(f *wire.Frame) {
	if len(p.free) < poolMax {
		f.Reset()
		p.free = append(p.free, f)
	}
}

func (p *Pool) get(steps int) *wire.Frame {
	if n := len(p.free); n > 0 {
		f := p.free[n-1]
		p.free = p.free[:n-1]
		for len(f.Columns) < steps {
			f.Columns = append(f.Columns, nil)
		}
		return f
	}
	return &wire.Frame{Columns: make([]wire.Column, steps), Events: make([]wire.Event, 0, p.events)}
}

// NewOutbox returns an outbox towards so many tasks, for a module with so many
// steps.
func NewOutbox(tasks, steps int, encode bool, pool *Pool) *Outbox {
	o := &Outbox{Encode: encode, steps: steps}
	for i := range o.shelves {
		o.shelves[i] = shelf{byTask: make([]*wire.Frame, tasks), sizes: make([]int, tasks), pool: pool, cuts: kind(i) != outside}
		pool = &Pool{} // whose columns refuse what does not encode
	}
	return o
}

func (o *Outbox) frame(to task.ID, by kind) *wire.Frame { return o.shelves[by].frame(to, o.steps) }

// add puts an event into the frame to a task, that its payload made grow so much.
func (o *Outbox) add(to task.ID, e wire.Event, by kind, grew int) {
	o.sent = append(o.sent, sent{to: to, step: e.Step, by: by})
	o.count(by, 1)
	o.shelves[by].add(to, e, o.steps, grew)
}

func (o *Outbox) count(by kind, n int) {
	switch by {
	case lasting:
		o.lastingEvents += n
	case outside:
		o.calls += n
	}
}

// Mark is a state of the outbox to which Rollback returns.
func (o *Outbox) Mark() int { return o.base + len(o.sent) }

// Bytes is about how much memory the events take that are sent off.
func (o *Outbox) Bytes() int {
	n := 0
	for i := range o.shelves {
		n += o.shelves[i].bytes
	}
	return n
}

// overfull reports whether something had better be moved out of memory.
func (o *Outbox) overfull() bool { return o.BytesMax > 0 && o.shelves[passing].bytes > o.BytesMax }

// Rollback takes back the events sent off since the mark.
func (o *Outbox) Rollback(mark int) {
	for len(o.sent) > 0 && o.Mark() > mark {
		s := o.sent[len(o.sent)-1]
		o.sent = o.sent[:len(o.sent)-1]
		o.count(s.by, -1)
		o.shelves[s.by].takeBack(s.to, s.step)
	}
	if o.base > mark {
		o.rollbackPieces(mark)
	}
}

// Ack reports finished events to the root of their tree. Neighbouring acks of
// one tree become one.
func (o *Outbox) Ack(root task.ID, tree acker.Ref, delta, touched uint64, more *wire.AckMore) {
	f := o.frame(root, passing)
	if n := len(f.Acks); n > 0 && more == nil {
		if last := &f.Acks[n-1]; last.Tree == tree && last.More == nil {
			last.Delta ^= delta
			last.Touched |= touched
			return
		}
	}
	f.Acks = append(f.Acks, wire.Ack{Tree: tree, Delta: delta, Touched: touched, More: more})
}

// Take appends the frames of the batch to frames and empties the outbox of them. Its
// pieces, which TakePieces returns, go before them.
func (o *Outbox) Take(frames []*wire.Frame) []*wire.Frame {
	s := &o.shelves[passing]
	s.each(func(f *wire.Frame) {
		if f.Empty() {
			s.pool.Put(f)
		} else {
			frames = append(frames, f)
		}
	})
	o.sent, o.base = o.sent[:0], 0
	return frames
}

// TakeLasting calls pack with each frame of exactly-once topologies and empties the
// outbox of them: pack copies what is to leave, or says that it keeps the frame.
func (o *Outbox) TakeLasting(pack func(*wire.Frame) (keeps bool)) {
	o.take(lasting, pack)
	o.lastingEvents = 0
}

// UseAgain takes back frames that TakeLasting gave away, here or at another task, and
// that nobody refers to any more.
func (o *Outbox) UseAgain(frames []*wire.Frame) {
	for _, f := range frames {
		o.shelves[lasting].pool.Put(f)
	}
}

// TakeCalls calls take with the frame of calls to make, if there are any, and empties
// the outbox of them: take copies what it keeps.
func (o *Outbox) TakeCalls(take func(*wire.Frame)) {
	o.take(outside, func(f *wire.Frame) bool { take(f); return false })
}

func (o *Outbox) take(by kind, f func(*wire.Frame) (keeps bool)) {
	s := &o.shelves[by]
	if by == outside {
		o.calls = 0
	}
	s.each(func(frame *wire.Frame) {
		if f(frame) {
			s.pool.events = cap(frame.Events)
		} else {
			s.pool.Put(frame)
		}
	})
}

// LastingEvents is how many events of exactly-once topologies are to leave.
func (o *Outbox) LastingEvents() int { return o.lastingEvents }

// parcelEventBytes is about what an event takes in a parcel beside its payload.
const parcelEventBytes = 8

// LastingBytes is about how many bytes their commit holds of them.
func (o *Outbox) LastingBytes() int {
	return o.shelves[lasting].bytes - o.lastingEvents*(eventBytes-parcelEventBytes)
}

// Calls is how many calls are to be made. Those of exactly-once topologies are a field each
// of their commit.
func (o *Outbox) Calls() int { return o.calls }

// Discard takes back everything that a batch of at-least-once topologies has sent off:
// hops, acks and calls.
func (o *Outbox) Discard() {
	none := func(*wire.Frame) bool { return false }
	o.take(outside, none)
	o.take(passing, none)
	for _, p := range o.TakePieces() {
		o.Gone(p)
	}
	o.sent, o.base = o.sent[:0], 0
}

// Each visits what the events of the batch have sent off so far, and leaves it there.
func (o *Outbox) Each(visit func(to task.ID, f *wire.Frame)) {
	for i := range o.shelves {
		o.shelves[i].look(visit)
	}
}
