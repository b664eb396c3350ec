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
	hop := b.hops("HopAt", text(key), options, places.Describe, func(x *run, h *hop, p packet) {
		h.step.SendTo(x.ev, places.Place(x.ev, key.eval(x)), p)
	}, key)
	hop.check = places.Check
}

// HopByHash goes on at the task that a key hashes to, like a depot's record of that key.
func HopByHash[K any](b *Block, key Expr[K], options ...HopOption) {
	b.hops("HopByHash", text(key), options, described("by hash"), func(x *run, h *hop, p packet) {
		h.step.SendTo(x.ev, module.HashOf(x.ev, key.eval(x)), p)
	}, key)
}

// HopShuffle goes on at a random task; they come in turns, so that the load is even.
func HopShuffle(b *Block, options ...HopOption) {
	b.hops("HopShuffle", "", options, described("shuffled"), func(x *run, h *hop, p packet) {
		h.step.SendTo(x.ev, module.ShuffledOf(x.ev), p)
	})
}

// HopStay goes on at the same task, as an event of its own: what was written before is
// committed first (promise 3x.08).
func HopStay(b *Block, options ...HopOption) {
	b.hops("HopStay", "", options, described("on the same task"), func(x *run, h *hop, p packet) {
		h.step.SendTo(x.ev, x.ev.Task(), p)
	})
}

// HopGlobal goes on at one task of the module, the same for all. That task is its
// bottleneck.
func HopGlobal(b *Block, options ...HopOption) {
	b.hops("HopGlobal", "", options, described("global"), func(x *run, h *hop, p packet) {
		h.step.SendTo(x.ev, 0, p)
	})
}

// HopTo goes on at a chosen task. One that the module does not have fails the event.
func HopTo(b *Block, to Expr[task.ID], options ...HopOption) {
	b.hops("HopTo", text(to), options, described("at a chosen task"), func(x *run, h *hop, p packet) {
		h.step.SendTo(x.ev, to.eval(x), p)
	}, to)
}

// HopAll goes on at every task of the module: what is behind it runs on each.
func HopAll(b *Block, options ...HopOption) {
	b.hops("HopAll", "", options, described("on all tasks"), func(x *run, h *hop, p packet) {
		h.step.SendAll(x.ev, p)
	})
}

// HopCustom goes on at the task that a function chooses among the module's tasks, 0 to
// tasks-1. It must choose the same at every attempt; a task that there is not fails the
// event.
func HopCustom[A any](b *Block, choose func(a A, tasks int) int, a Expr[A], options ...HopOption) {
	h := b.hops("HopCustom", callText(choose, a), options, described("custom"), func(x *run, h *hop, p packet) {
		to := choose(a.eval(x), x.ev.Tasks())
		if to < 0 || to >= x.ev.Tasks() {
			module.HostOf(x.ev).Fail("%s: the function chose task %d; the module has 0 to %d", h.node.line, to, x.ev.Tasks()-1)
			return
		}
		h.step.SendTo(x.ev, task.ID(to), p)
	}, a)
	h.node.needs(choose == nil, fmt.Sprintf("func(%s, int) int", typeName[A]()))
}

func described(text string) func() string { return func() string { return text } }
