package runtime

import (
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// ids tell appends that come again by the ids that their programs gave them
// (module.AppendID). A record comes again if one with its id lies among so many offsets
// before it: that hangs on the log alone. So nothing is stored, all sources and all owners
// decide alike, and who begins to read begins that much further back.
type ids struct {
	last  int64 // offset that was noted last; -1: none
	by    map[string]int64
	order []notedID
	again map[int64]int64 // offsets that come again, and the first one of the same id that is known
}

type notedID struct {
	offset int64
	id     string
}

// forget begins anew, further back.
func (i *ids) forget() { *i = ids{last: -1} }

// note takes records in, in their order.
func (i *ids) note(records []depot.Record, window int64) {
	if i.by == nil {
		i.by, i.again = map[string]int64{}, map[int64]int64{}
	}
	for n := range records {
		r := &records[n]
		if r.Offset <= i.last {
			continue
		}
		i.last = r.Offset
		i.drop(r.Offset - window)
		id, ok := wire.FindRecordID(r)
		if !ok {
			continue
		}
		if before, ok := i.by[id]; ok {
			if first, ok := i.again[before]; ok {
				before = first
			}
			i.again[r.Offset] = before
		}
		i.by[id] = r.Offset
		i.order = append(i.order, notedID{r.Offset, id})
	}
}

// drop forgets what lies below an offset.
func (i *ids) drop(below int64) {
	for len(i.order) > 0 && i.order[0].offset < below {
		n := i.order[0]
		i.order = i.order[1:]
		delete(i.again, n.offset)
		if i.by[n.id] == n.offset {
			delete(i.by, n.id)
		}
	}
}

// dropAgain marks a record as finished that comes again.
func (t *Task) dropAgain(s *source, r *depot.Record) {
	if _, again := s.ids.again[r.Offset]; !again || s.progress.Done(r.Offset) {
		return
	}
	s.progress.FinishRange(r.Offset, r.Offset)
	s.topology.dirty = true
	if t.listener.AppendDropped != nil {
		id, _ := wire.FindRecordID(r)
		t.listener.AppendDropped(AppendDroppedInfo{TaskInfo: t.info, Topology: s.topology.plan.Name, Source: s.plan.Name, Offset: r.Offset, From: task.None, ID: id})
	}
}

// firstOf is the record that an appender waits for whose own comes again: the first one.
func (t *Task) firstOf(key recordKey) recordKey {
	if f := t.feedOf(key.depot); f != nil {
		for _, s := range f.sources {
			if first, ok := s.ids.again[key.offset]; ok {
				return recordKey{key.depot, first}
			}
		}
	}
	return key
}

// followFirst has those who wait for records that come again wait for the first ones.
func (t *Task) followFirst(st *strand, records []depot.Record) {
	if st.sources[0].plan.Depot.IDWindow == 0 || len(t.waiters) == 0 {
		return
	}
	for i := range records {
		key := recordKey{st.feed.depot, records[i].Offset}
		if t.waiters[key] == nil || t.firstOf(key) == key {
			continue
		}
		for _, waiter := range t.takeWaiters(key) {
			t.onAwait(&Await{Depot: key.depot, Offset: key.offset, Waiter: waiter})
		}
	}
}
