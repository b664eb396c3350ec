package clustertest

import (
	"context"
	"errors"
	"iter"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// KeysForTask returns keys whose element of a PState lies on a task, always the same
// ones in the same order. A record of a HashDepot with such a key is processed there,
// and a step that is placed at the PState runs there.
//
//	for key := range clustertest.KeysForTask(kit, bank.Balances, 2) { … }
//
// Keys are strings ("k0", "k1", …), numbers (from 0), and arrays and structs of them;
// for other types take RecordsForTask.
func KeysForTask[K comparable](k *Kit, p pstate.Keyed[K], on task.ID) iter.Seq[K] {
	k.t.Helper()
	if pstate.DeclOf(p) == nil {
		k.t.Fatalf("the PState is not declared: Stream.PState declares it in the module's Define")
	}
	keys, err := task.Keys[K](on, k.tasks)
	if err != nil {
		k.t.Fatalf("keys for task %d: %v", on, err)
	}
	return keys
}

// KeyPerTask returns one key for each task: that at index i lies on task i.
func KeyPerTask[K comparable](k *Kit, p pstate.Keyed[K]) []K {
	k.t.Helper()
	keys := make([]K, k.tasks)
	for i := range keys {
		found := false
		for keys[i] = range KeysForTask(k, p, task.ID(i)) {
			found = true
			break
		}
		if !found {
			k.t.Fatalf("no key of type %T lies on task %d", keys[i], i)
		}
	}
	return keys
}

// RecordsForTask returns the records among candidate(0), candidate(1), … that a depot
// puts on a task: those are begun there. It ends the test if the depot spreads its
// records at random.
func RecordsForTask[T any](k *Kit, d module.Depot[T], on task.ID, candidate func(i int) T) iter.Seq[T] {
	k.t.Helper()
	k.some([]task.ID{on})
	return func(yield func(T) bool) {
		k.t.Helper()
		last := 0
		for i := 0; ; i++ {
			v := candidate(i)
			p := &prober{k: k}
			if _, err := d.Append(k.t.Context(), p, v); err != nil {
				k.t.Fatalf("records for task %d: %v", on, err)
			}
			switch {
			case p.on == on:
				if last = i; !yield(v) {
					return
				}
			case i-last > candidatesMax:
				k.t.Fatalf("records for task %d: no more among the first %d candidates", on, i)
			}
		}
	}
}

// candidatesMax ends a search that finds nothing any more.
const candidatesMax = 1 << 20

// prober is an Appender that appends nothing: it finds out where the record would go.
type prober struct {
	k  *Kit
	on task.ID
}

func (p *prober) SendRecord(_ context.Context, r module.Record) (acks module.Acks, err error) {
	d, ok := p.k.plan.Depot(r.Depot)
	switch {
	case !ok || r.Module != p.k.plan.Module:
		return acks, errors.New("the depot is of another module")
	case r.Key != nil:
		p.on = task.Of(r.Key, d.Partitions(p.k.tasks))
		return acks, nil
	case r.Choose != nil:
		n, err := r.Choose(d.Partitions(p.k.tasks))
		p.on = task.ID(n)
		return acks, err
	}
	return acks, errors.New("the depot spreads its records at random: any may begin on any task; send it with Kit.OnTask")
}

// OnTask returns an Appender that puts records of a RandomDepot on a task. Those of
// other depots go where they belong.
func (k *Kit) OnTask(on task.ID) module.Appender {
	k.t.Helper()
	k.some([]task.ID{on})
	return placer{k, on}
}

type placer struct {
	k  *Kit
	on task.ID
}

func (p placer) SendRecord(ctx context.Context, r module.Record) (module.Acks, error) {
	if r.Key == nil && r.Choose == nil {
		r.Choose = func(int) (int, error) { return int(p.on), nil }
	}
	return p.k.SendRecord(ctx, r)
}
