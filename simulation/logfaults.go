package simulation

import (
	"cmp"
	"context"
	"errors"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// What befalls the log: leaders are elected with and without loss, records are
// deleted, a topic is made again (T20, T22, T23). A task that had read, or finished,
// what is gone can not be sure any more and has to halt; a halt of any other task is a
// violation, and so is going on where records were skipped, which the workloads see
// (loss.go).

// partition is one of a depot.
type partition struct {
	depot string
	task  task.ID
}

// damage is what was done to a partition, and reached so far.
type damage struct {
	epoch       int32 // of the leader
	truncations []truncation
	below       int64 // records below were deleted
	recreated   bool
	before      *damage // to the topic that was deleted: who had met it may say so later
}

// truncation is an election with loss.
type truncation struct {
	to    int64 // records from here on are gone
	epoch int32 // of the leader that came then
	at    int64 // when
}

// allowLosses draws whether the log may lose records in this run, which it may where
// the workload can tell what is right then. Few runs lose much: a task that has halted
// shows nothing more.
func (w *world) allowLosses() {
	_, survives := w.workload.(Survivor)
	lossy := survives && w.chance(cmp.Or(w.config.Workload.LossPerMille, 400))
	w.allowed[Truncation] = (w.allowed[Truncation] || w.config.Workload.LossPerMille > 0 && !w.config.Calm && !w.without(Truncation)) && lossy
	w.allowed[Retention] = w.allowed[Retention] && lossy
	w.allowed[Recreation] = w.allowed[Recreation] && lossy && w.chance(150)
	w.breaksLeft = 1 + w.random.IntN(max(w.tasks/2, 1))
	if lossy {
		// Records that need a task that has halted are tried again and again, and must
		// not keep their source from those that do not.
		w.options.MaxExecutingPerTask += 1000
	}
}

func (w *world) damageOf(at partition) *damage {
	d := w.damages[at]
	if d == nil {
		d = &damage{}
		w.damages[at] = d
	}
	return d
}

// anyPlace draws a partition, and says which offsets it holds.
func (w *world) anyPlace() (at partition, topic string, start, end int64) {
	depots := w.logged()
	d := depots[w.random.IntN(len(depots))]
	at = partition{d.Name, task.ID(w.random.IntN(d.Partitions(w.tasks)))}
	topic = w.topics[d.Name].Name
	start, end, err := w.log.Bounds(context.Background(), topic, int32(at.task))
	if err != nil {
		w.violate("%v", err)
	}
	return at, topic, start, end
}

// elect has another broker lead a partition, which has all of its records.
func (w *world) elect() {
	at, topic, _, end := w.anyPlace()
	w.tracef("FAULT another broker leads task %d of depot %s, from offset %d on", at.task, at.depot, end)
	w.truncateTo(at, topic, end)
}

// truncate has a broker lead a partition that lacks its last records. It reports
// false if there is nothing to lose, or enough was lost.
func (w *world) truncate() bool {
	at, topic, start, end := w.anyPlace()
	if start == end {
		return false
	}
	to := max(start, end-1-w.random.Int64N(8))
	for _, p := range w.stored(w.serverOf(at.task).current.slot(w.tags[at.task]), at) {
		if p.End() > p.Next && p.Next >= start && p.End() <= end && w.chance(500) {
			to = p.Next + w.random.Int64N(p.End()-p.Next) // below records that finished out of order
		}
	}
	if breaks := w.reached(at) > to; breaks {
		if w.breaksLeft == 0 {
			return false
		}
		w.breaksLeft--
	}
	w.tracef("FAULT task %d of depot %s ends at offset %d now, not %d: the leader lacked the rest", at.task, at.depot, to, end)
	w.truncateTo(at, topic, to)
	d := w.damageOf(at)
	d.truncations = append(d.truncations, truncation{to, d.epoch, w.now})
	for _, a := range w.records {
		if a.depot == at.depot && a.task == at.task && a.offset >= to {
			a.lost = true
		}
	}
	return true
}

func (w *world) truncateTo(at partition, topic string, to int64) {
	if err := w.log.Truncate(topic, int32(at.task), to); err != nil {
		w.violate("%v", err)
	}
	w.damageOf(at).epoch++
	w.leaderChanged(at)
}

// retain deletes the oldest records of a partition, as retention and DeleteRecords do:
// half of the time no more than what is finished.
func (w *world) retain() bool {
	at, topic, start, end := w.anyPlace()
	finished, known := w.finished(at)
	if start == end || !known {
		return false // a source that has not begun begins behind them
	}
	below := start + 1 + w.random.Int64N(end-start)
	if w.chance(500) {
		below = min(below, finished)
	}
	if below <= start {
		return false
	}
	if below > finished {
		if w.breaksLeft == 0 {
			return false
		}
		w.breaksLeft--
	}
	w.tracef("FAULT records of task %d of depot %s below offset %d are deleted; all sources have finished those below %d", at.task, at.depot, below, finished)
	if err := w.log.Cut(topic, int32(at.task), below); err != nil {
		w.violate("%v", err)
	}
	w.damageOf(at).below = below
	w.logChanged(at.depot, at.task)
	return true
}

// recreate deletes a topic and makes it again.
func (w *world) recreate() {
	at, topic, _, _ := w.anyPlace()
	w.tracef("FAULT depot %s is deleted and made again", at.depot)
	w.result.Faults[Recreation]++
	before := w.topics[at.depot]
	if err := errors.Join(w.log.Recreate(topic), w.makeTopics()); err != nil {
		w.violate("%v", err)
	}
	for id := range task.ID(before.Partitions) {
		was := w.damageOf(partition{at.depot, id})
		w.damages[partition{at.depot, id}] = &damage{recreated: true, before: was}
		w.logChanged(at.depot, id)
	}
	for _, a := range w.records {
		a.lost = a.lost || a.depot == at.depot
	}
}

// stored lists the progress of the sources that read a partition, as a slot holds it.
func (w *world) stored(s *slot, at partition) (all []progress.Progress) {
	for _, topology := range w.plan.Streams {
		table := s.tables[wire.TopologyTable(w.tags[at.task], topology.Name, topology.Microbatch).Key]
		for _, source := range topology.Sources {
			if source.Depot.Name != at.depot {
				continue
			}
			if p, err := progress.Parse(table[source.Name]); err == nil {
				all = append(all, p)
			}
		}
	}
	return all
}

// finished is the offset below which all sources of a partition are done; not known
// where one has not begun.
func (w *world) finished(at partition) (offset int64, known bool) {
	offset = 1<<63 - 1
	all := w.stored(w.serverOf(at.task).current.slot(w.tags[at.task]), at)
	for _, p := range all {
		offset = min(offset, p.Next)
	}
	sources := 0
	for _, topology := range w.plan.Streams {
		for _, source := range topology.Sources {
			if source.Depot.Name == at.depot {
				sources++
			}
		}
	}
	return offset, len(all) == sources && sources > 0
}

// reached is the offset behind all that was read, or finished, of a partition.
func (w *world) reached(at partition) int64 {
	reached := int64(0)
	for _, o := range w.everyone {
		if o.id == at.task && o.alive {
			for _, offset := range o.read[at.depot] {
				reached = max(reached, offset+1)
			}
		}
	}
	for _, p := range w.stored(w.serverOf(at.task).current.slot(w.tags[at.task]), at) {
		reached = max(reached, p.End())
	}
	return reached
}

// noteRead notes the last offset that an owner has read of each leader's records.
func (o *owner) noteRead(depotName string, records []depot.Record) {
	if o.read == nil {
		o.read = map[string]map[int32]int64{}
	}
	if o.read[depotName] == nil {
		o.read[depotName] = map[int32]int64{}
	}
	for i := range records {
		r := &records[i]
		o.read[depotName][r.LeaderEpoch] = max(o.read[depotName][r.LeaderEpoch], r.Offset)
	}
}

// noteFound notes how far the sources were in a slot that an owner takes: one that keeps its
// order writes less, at first, than it has found.
func (o *owner) noteFound(s *slot) {
	if o.w.plan == nil {
		return // the store alone is tried
	}
	if o.found == nil {
		o.found = map[string][]progress.Progress{}
	}
	for _, d := range o.w.logged() {
		o.found[d.Name] = append(o.found[d.Name], o.w.stored(s, partition{d.Name, o.id})...)
	}
}

// halted takes in that a task has halted, and judges whether it had to.
func (w *world) halted(o *owner, on *history, why error) {
	if broken, ok := errors.AsType[*runtime.DisagreeError](why); ok {
		w.alarmMicro(o, broken)
		return
	}
	if broken, ok := errors.AsType[*runtime.ChannelError](why); ok && w.config.Workload.Detects {
		w.alarm(o, broken)
		return
	}
	if lost, ok := errors.AsType[*runtime.LostTailError](why); ok {
		w.alarmTail(o, lost)
		return
	}
	w.tracef("%v halted: %v", o, why)
	o.halted, o.runs = why, false
	w.result.Halts++
	for _, d := range w.logged() {
		if w.hadToHalt(o, on.slot(w.tags[o.id]), partition{d.Name, o.id}, why) {
			return
		}
	}
	w.violate("%v halted, and nothing of its log is lost that it had read or not finished: %v", o, why)
}

// hadToHalt reports whether a halt follows from what was done to a partition.
func (w *world) hadToHalt(o *owner, s *slot, at partition, why error) bool {
	d := w.damageOf(at)
	switch {
	case errors.Is(why, depot.ErrRecreated):
		return d.recreated
	case !errors.Is(why, depot.ErrOutOfRange):
		return false
	}
	for ; d != nil; d = d.before {
		if w.lacks(o, s, at, d) {
			return true
		}
	}
	return false
}

// lacks reports whether damage to a partition took what its owner had not finished, or
// had read.
func (w *world) lacks(o *owner, s *slot, at partition, d *damage) bool {
	stored := w.stored(s, at)
	for _, p := range stored {
		if p.Next < d.below {
			return true
		}
	}
	for _, p := range append(stored, o.found[at.depot]...) {
		for _, t := range d.truncations {
			if p.End() > t.to && p.Epoch < t.epoch {
				return true
			}
		}
	}
	for epoch, last := range o.read[at.depot] {
		for _, t := range d.truncations {
			if last >= t.to && epoch < t.epoch {
				return true
			}
		}
	}
	return false
}

// unnoticed reports whether a partition's log has ended, since its owner began to read
// it, before what the owner has finished, and holds nothing there yet: nothing that the
// owner reads tells it.
func (w *world) unnoticed(at partition) bool {
	_, end, err := w.log.Bounds(context.Background(), w.topics[at.depot].Name, int32(at.task))
	if err != nil {
		w.violate("%v", err)
	}
	o := w.owners[at.task]
	for _, t := range w.damageOf(at).truncations {
		for _, f := range o.sortedFeeds() {
			if f.key.depot == at.depot && t.at >= f.since && end < w.reached(at) {
				return true
			}
		}
	}
	return false
}
