package flow

import (
	"encoding/binary"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// YieldIfOvertime gives the task up to others where the event has run for longer than
// worker.event.target.max.millis: it ends there, what it wrote is committed, and what is
// behind goes on later, as an event of its own on the same task (promise 11.12). Otherwise it
// does nothing. Put it into loops that may take long, before the Continue.
//
//	flow.LoopWith(b, flow.Const(0), func(l flow.Loop[int], b *flow.Block, i flow.Var[int]) {
//		flow.Do2(b, m.part, order, i)
//		flow.KeepTrue(b, flow.Less(i, last))
//		flow.YieldIfOvertime(b)
//		l.Continue(b, flow.F1(next, i))
//	})
//
// Events of the same key, in the same flow, do not overtake it: they wait until all of it is
// over, and then run in the order in which they came. The key of a record is that of its depot
// (module.HashDepot), behind HopAt and HopByHash it is what they go by, and HopStay keeps it.
// Behind other hops, and in records of random depots, there is none, and nobody waits.
//
// It is for streams that are at least once: in exactly-once streams and in microbatches it is
// a mistake. While a stream's batches fail as a whole (topology.stream.fail.whole.batch)
// nothing yields.
func YieldIfOvertime(b *Block, options ...HopOption) {
	h := b.hops("YieldIfOvertime", "", options, described("on the same task, where the event takes too long"), func(x *run) task.ID { return x.ev.Task() })
	h.rest = true
	h.key = func(x *run) uint64 { return x.key }
	n, g := h.node, b.flow
	switch plan := g.front.Plan(); {
	case g.query:
		n.mistake("yields, in a query", "queries hold up no events: leave it out")
	case plan.ExactlyOnce || plan.Microbatch:
		n.mistake("yields, in a topology that is not at least once", "cut the event with flow.HopStay")
	default:
		plan.Yields, g.yields = true, true
	}
	hop := n.do
	n.do = func(x *run) error {
		if !module.Overtime(x.ev) {
			return x.follow(n, 0)
		}
		module.Yield(x.ev, x.key)
		return hop(x)
	}
}

// keyBytes is what the hash of a key takes in a packet.
const keyBytes = 8

// keyOf is the hash of the key of the event whose packet is in a column.
func keyOf(c wire.Column, i int) uint64 {
	p, err := c.(*wire.ColumnOf[packet]).Get(i)
	if err != nil || len(p) < keyBytes {
		return 0
	}
	return binary.LittleEndian.Uint64(p)
}
