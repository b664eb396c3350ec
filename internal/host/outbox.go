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

	shelves       [kinds]shelf
	lastingEvents int // that are to leave
	steps         int
	sent          []sent
}

// kind is a way to leave.
type kind uint8

const (
	passing kind = iota // hops of at-least-once topologies
	lasting             // hops of exactly-once topologies
	outside             // calls
	kinds
)

// shelf holds a frame for each task that something is sent to.
type shelf struct {
	byTask []*wire.Frame
	used   []task.ID
	pool   *Pool
}

type sent struct {
	to   task.ID
	step uint16
	by   kind
}

// Pool keeps empty frames for use again.
type Pool struct{ free []*wire.Frame }

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
	return &wire.Frame{Columns: make([]wire.Column, steps)}
}

// NewOutbox returns an outbox towards so many tasks, for a module with so many
// steps.
func NewOutbox(tasks, steps int, encode bool, pool *Pool) *Outbox {
	o := &Outbox{Encode: encode, steps: steps}
	for i := range o.shelves {
		o.shelves[i] = shelf{byTask: make([]*wire.Frame, tasks), pool: pool}
		pool = &Pool{} // whose columns always hold stored forms
	}
	return o
}

func (o *Outbox) frame(to task.ID, by kind) *wire.Frame {
	s := &o.shelves[by]
	f := s.byTask[to]
	if f == nil {
		f = s.pool.get(o.steps)
		f.To = to
		s.byTask[to] = f
		s.used = append(s.used, to)
	}
	return f
}

// Mark is a state of the outbox to which Rollback returns.
func (o *Outbox) Mark() int { return len(o.sent) }

// Rollback takes back the events sent off since the mark.
func (o *Outbox) Rollback(mark int) {
	for i := len(o.sent) - 1; i >= mark; i-- {
		s := o.sent[i]
		f := o.shelves[s.by].byTask[s.to]
		if s.by == lasting {
			o.lastingEvents--
		}
		f.Events = f.Events[:len(f.Events)-1]
		c := f.Columns[s.step]
		c.Truncate(c.Len() - 1)
	}
	o.sent = o.sent[:mark]
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

// Take appends the frames of the batch to frames and empties the outbox of them.
func (o *Outbox) Take(frames []*wire.Frame) []*wire.Frame {
	s := &o.shelves[passing]
	s.each(func(f *wire.Frame) {
		if f.Empty() {
			s.pool.Put(f)
		} else {
			frames = append(frames, f)
		}
	})
	o.sent = o.sent[:0]
	return frames
}

// TakeLasting calls pack with each frame of exactly-once topologies and empties the
// outbox of them: pack copies what is to leave.
func (o *Outbox) TakeLasting(pack func(*wire.Frame)) {
	o.take(lasting, pack)
	o.lastingEvents = 0
}

// TakeCalls calls take with the frame of calls to make, if there are any, and empties
// the outbox of them: take copies what it keeps.
func (o *Outbox) TakeCalls(take func(*wire.Frame)) { o.take(outside, take) }

func (o *Outbox) take(by kind, f func(*wire.Frame)) {
	s := &o.shelves[by]
	s.each(func(frame *wire.Frame) {
		f(frame)
		s.pool.Put(frame)
	})
}

// LastingEvents is how many events of exactly-once topologies are to leave.
func (o *Outbox) LastingEvents() int { return o.lastingEvents }

// each takes every frame off the shelf.
func (s *shelf) each(f func(*wire.Frame)) {
	for _, to := range s.used {
		f(s.byTask[to])
		s.byTask[to] = nil
	}
	s.used = s.used[:0]
}
