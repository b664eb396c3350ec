package flow

import (
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// HopAt goes on at the task where a PState keeps a key, as module.At does.
func HopAt[K any, H pstate.Keyed[K]](b *Block, h *H, key Expr[K], options ...HopOption) {
	places := module.PlacesOf[K](h)
	hop := b.hops("HopAt", text(key), options, places.Describe, func(x *run) task.ID { return places.Place(x.ev, key.eval(x)) }, key)
	hop.check = places.Check
	hop.key = func(x *run) uint64 { return module.KeyHashOf(x.ev, key.eval(x)) }
	b.flow.checked(hop.node, places.Check)
}

// HopByHash goes on at the task that a key hashes to, like a depot's record of that key.
func HopByHash[K any](b *Block, key Expr[K], options ...HopOption) {
	hop := b.hops("HopByHash", text(key), options, described("by hash"), func(x *run) task.ID { return module.HashOf(x.ev, key.eval(x)) }, key)
	hop.key = func(x *run) uint64 { return module.KeyHashOf(x.ev, key.eval(x)) }
}

// HopShuffle goes on at a random task; they come in turns, so that the load is even.
func HopShuffle(b *Block, options ...HopOption) {
	b.hops("HopShuffle", "", options, described("shuffled"), func(x *run) task.ID {
		if x.asking != nil {
			return x.place
		}
		return module.ShuffledOf(x.ev)
	})
}

// HopStay goes on at the same task, as an event of its own: what was written before is
// committed first (promise 3x.08).
func HopStay(b *Block, options ...HopOption) {
	hop := b.hops("HopStay", "", options, described("on the same task"), func(x *run) task.ID { return x.ev.Task() })
	hop.key = func(x *run) uint64 { return x.key }
}

// HopGlobal goes on at one task of the module, the same for all. That task is its
// bottleneck.
func HopGlobal(b *Block, options ...HopOption) {
	b.hops("HopGlobal", "", options, described("global"), func(*run) task.ID { return 0 })
}

// HopTo goes on at a chosen task. One that the module does not have fails the event.
func HopTo(b *Block, to Expr[task.ID], options ...HopOption) {
	where := line()
	b.hops("HopTo", text(to), options, described("at a chosen task"), func(x *run) task.ID {
		id := to.eval(x)
		if id < 0 || int(id) >= x.ev.Tasks() {
			module.HostOf(x.ev).Fail("%s: there is no task %d; the module has 0 to %d", where, id, x.ev.Tasks()-1)
			return x.ev.Task()
		}
		return id
	}, to)
}

// HopAll goes on at every task of the module: what is behind it runs on each.
func HopAll(b *Block, options ...HopOption) {
	b.hops("HopAll", "", options, described("on all tasks"), func(*run) task.ID { return everywhere })
}

// HopCustom goes on at the task that a function chooses among the module's tasks, 0 to
// tasks-1. It must choose the same at every attempt; a task that there is not fails the
// event.
func HopCustom[A any](b *Block, choose func(a A, tasks int) int, a Expr[A], options ...HopOption) {
	where := line()
	h := b.hops("HopCustom", callText(choose, a), options, described("custom"), func(x *run) task.ID {
		to := choose(a.eval(x), x.ev.Tasks())
		if to < 0 || to >= x.ev.Tasks() {
			module.HostOf(x.ev).Fail("%s: the function chose task %d; the module has 0 to %d", where, to, x.ev.Tasks()-1)
			return x.ev.Task()
		}
		return task.ID(to)
	}, a)
	h.node.needs(choose == nil, fmt.Sprintf("func(%s, int) int", typeName[A]()))
}

func described(text string) func() string { return func() string { return text } }
