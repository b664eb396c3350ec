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

	byTask []*wire.Frame
	used   []task.ID
	steps  int
	sent   []sent
	pool   *Pool
}

type sent struct {
	to   task.ID
	step uint16
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
	return &Outbox{Encode: encode, byTask: make([]*wire.Frame, tasks), steps: steps, pool: pool}
}

func (o *Outbox) frame(to task.ID) *wire.Frame {
	f := o.byTask[to]
	if f == nil {
		f = o.pool.get(o.steps)
		f.To = to
		o.byTask[to] = f
		o.used = append(o.used, to)
	}
	return f
}

// Mark is a state of the outbox to which Rollback returns.
func (o *Outbox) Mark() int { return len(o.sent) }

// Rollback takes back the events sent off since the mark.
func (o *Outbox) Rollback(mark int) {
	for i := len(o.sent) - 1; i >= mark; i-- {
		s := o.sent[i]
		f := o.byTask[s.to]
		f.Events = f.Events[:len(f.Events)-1]
		c := f.Columns[s.step]
		c.Truncate(c.Len() - 1)
	}
	o.sent = o.sent[:mark]
}

// Ack reports finished events to the root of their tree. Neighbouring acks of
// one tree become one.
func (o *Outbox) Ack(root task.ID, tree acker.Ref, delta, touched uint64, more *wire.AckMore) {
	f := o.frame(root)
	if n := len(f.Acks); n > 0 && more == nil {
		if last := &f.Acks[n-1]; last.Tree == tree && last.More == nil {
			last.Delta ^= delta
			last.Touched |= touched
			return
		}
	}
	f.Acks = append(f.Acks, wire.Ack{Tree: tree, Delta: delta, Touched: touched, More: more})
}

// Take appends the frames of the batch to frames and empties the outbox.
func (o *Outbox) Take(frames []*wire.Frame) []*wire.Frame {
	for _, to := range o.used {
		if f := o.byTask[to]; f.Empty() {
			o.pool.Put(f)
		} else {
			frames = append(frames, f)
		}
		o.byTask[to] = nil
	}
	o.used = o.used[:0]
	o.sent = o.sent[:0]
	return frames
}
