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

	passing, lasting shelf // of at-least-once and of exactly-once topologies
	lastingEvents    int   // on the shelf of the latter
	steps            int
	sent             []sent
}

// shelf holds a frame for each task that something is sent to.
type shelf struct {
	byTask []*wire.Frame
	used   []task.ID
	pool   *Pool
}

type sent struct {
	to      task.ID
	step    uint16
	lasting bool
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
	return &Outbox{
		Encode: encode, steps: steps,
		passing: shelf{byTask: make([]*wire.Frame, tasks), pool: pool},
		lasting: shelf{byTask: make([]*wire.Frame, tasks), pool: &Pool{}},
	}
}

func (o *Outbox) shelf(lasting bool) *shelf {
	if lasting {
		return &o.lasting
	}
	return &o.passing
}

func (o *Outbox) frame(to task.ID, lasting bool) *wire.Frame {
	s := o.shelf(lasting)
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
		f := o.shelf(s.lasting).byTask[s.to]
		if s.lasting {
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
	f := o.frame(root, false)
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
	o.passing.each(func(f *wire.Frame) {
		if f.Empty() {
			o.passing.pool.Put(f)
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
	o.lasting.each(func(f *wire.Frame) {
		pack(f)
		o.lasting.pool.Put(f)
	})
	o.lastingEvents = 0
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
