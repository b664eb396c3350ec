package module

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// Placement says on which task a step's events run. It belongs to the step, so
// that a hop cannot miss the task of the PState that it means.
type Placement[T any] struct {
	describe func() string
	check    func(s *Stream) (text, mend string)
	place    func(h *host.Event, v T) task.ID
}

// At runs the step where the PState keeps the key: by the key's hash, by the PState's
// own partitioner (pstate.PartitionBy), or on task 0 if it is global.
func At[T, K any, H pstate.Keyed[K]](h *H, key func(T) K) Placement[T] {
	place, describe, check := atKey[K](h)
	p := Placement[T]{describe: describe, check: check}
	if key != nil {
		p.place = func(ev *host.Event, v T) task.ID { return place(ev, key(v)) }
	}
	return p
}

// AtKey places keys where the PState keeps them: see At.
func AtKey[K any, H pstate.Keyed[K]](h *H) Placement[K] {
	return At(h, func(k K) K { return k })
}

// ByKey places keys by their own hash: see ByHash.
func ByKey[K any]() Placement[K] { return ByHash(func(k K) K { return k }) }

// atKey finds the task of a key once everything is declared; check says what is wrong.
func atKey[K any, H pstate.Keyed[K]](h *H) (place func(*host.Event, K) task.ID, describe func() string, check func(*Stream) (string, string)) {
	var placer func(key K, tasks int, scratch []byte) (task.ID, []byte, error)
	place = func(ev *host.Event, key K) task.ID {
		id, scratch, err := placer(key, ev.Tasks, ev.Scratch)
		ev.Scratch = scratch
		if err != nil {
			ev.Fail("hop: %w", err)
			return ev.Task
		}
		return id
	}
	describe = func() string {
		if h == nil {
			return "at a PState"
		}
		if d := pstate.DeclOf[K](*h); d != nil {
			return "at " + d.Name
		}
		return "at a PState"
	}
	check = func(s *Stream) (string, string) {
		if h == nil {
			return "is placed at a PState whose handle is nil", "pass the address of a field of the module"
		}
		d := pstate.DeclOf[K](*h)
		if d == nil {
			return "is placed at a PState that is not declared", "declare it with Stream.PState"
		}
		if d.Owner != s.plan.Name && !s.asked {
			return fmt.Sprintf("is placed at PState %q, which stream %q writes", d.Name, d.Owner), "place it by hash of the key (ByHash) to read there, or declare the PState in this stream"
		}
		if !pstate.Places[K](*h) {
			return fmt.Sprintf("is placed at keys within PState %q, which do not choose the task", d.Name), "place it at the outermost keys"
		}
		placer = pstate.Placer[K](*h)
		return "", ""
	}
	return place, describe, check
}

// ByHash runs the step on the task that a key hashes to, like a depot's record
// with that key.
func ByHash[T, K any](key func(T) K) Placement[T] {
	return Placement[T]{describe: func() string { return "by hash" }, place: byKey(key)}
}

func byKey[T, K any](key func(T) K) func(h *host.Event, v T) task.ID {
	if key == nil {
		return nil
	}
	return func(h *host.Event, v T) task.ID { return hashed(h, key(v)) }
}

// hashed is the task that a key hashes to.
func hashed[K any](h *host.Event, key K) task.ID {
	bytes, err := task.AppendKey(h.Scratch[:0], key)
	if err != nil {
		h.Fail("hop: %w", err)
		return h.Task
	}
	h.Scratch = bytes
	return task.Of(bytes, h.Tasks)
}

// Shuffle spreads the events evenly over all tasks, in random order.
func Shuffle[T any]() Placement[T] {
	return Placement[T]{
		describe: func() string { return "shuffled" },
		place:    func(h *host.Event, _ T) task.ID { return h.Shuffled() },
	}
}

// Stay runs the step on the task that sends the event. It still is an event of
// its own: what was written before is committed first.
func Stay[T any]() Placement[T] {
	return Placement[T]{
		describe: func() string { return "on the same task" },
		place:    func(h *host.Event, _ T) task.ID { return h.Task },
	}
}

// Global runs the step on one task of the module, the same for all events
// (promise 10.03): for totals that need one place. That task is its bottleneck.
func Global[T any]() Placement[T] {
	return Placement[T]{
		describe: func() string { return "global" },
		place:    func(*host.Event, T) task.ID { return globalTask },
	}
}

// globalTask is the task of global steps and depots.
const globalTask task.ID = 0

// Custom runs the step on the task that a function chooses among the module's
// tasks, 0 to tasks-1 (promise 10.08). It must choose the same at every attempt;
// a task that there is not fails the event.
func Custom[T any](choose func(v T, tasks int) int) Placement[T] {
	p := Placement[T]{describe: func() string { return "custom" }}
	if choose != nil {
		p.place = func(h *host.Event, v T) task.ID {
			to := choose(v, h.Tasks)
			if to < 0 || to >= h.Tasks {
				h.Fail("hop: the custom placement chose task %d; the module has 0 to %d", to, h.Tasks-1)
				return h.Task
			}
			return task.ID(to)
		}
	}
	return p
}
