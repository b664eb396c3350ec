package runtime

import (
	"math"
	"time"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Records that are followed: of these a listener hears each event, on whichever task. They
// are those that carry a sampled trace, those that are tried again, and one in
// Listener.Every of all, the same ones on every task. So following costs what it does for
// the few, and for the others a comparison.

// Followed is one event of a batch that a listener follows.
type Followed struct {
	Topology, Step, Source, Depot string
	Root                          bool
	RootTask                      task.ID // the partition of the record
	Offset                        int64
	Attempt                       int
	Seed                          uint64
	Trace                         *wire.Trace // of the event itself
	Err                           error
}

// Sampled reports whether one in so many records is this one: of every 0 none, of every 1
// all. It hangs on the record alone.
func Sampled(partition task.ID, offset int64, every int) bool {
	return sampled(partition, offset, threshold(every))
}

// threshold is below what share of all numbers a record's has to lie.
func threshold(every int) uint64 {
	if every <= 0 {
		return 0
	}
	return math.MaxUint64 / uint64(every)
}

func sampled(partition task.ID, offset int64, threshold uint64) bool {
	return threshold > 0 && acker.Child(uint64(offset), uint32(partition)) <= threshold
}

// follows reports whether the event that is about to run is one of a followed record.
// Those of microbatches that are tried again are too many to follow.
func (t *Task) follows() bool {
	if !t.following {
		return false
	}
	h := t.host
	root := h.Origin.Root
	if h.Microbatch != 0 {
		root = task.ID(h.Origin.Tree.Slot)
	}
	return h.Origin.Attempt > 1 && h.Microbatch == 0 || h.Origin.Trace.Sampled() || sampled(root, h.Origin.Offset, t.sampleBelow)
}

// listen prepares for what the listener wants to hear.
func (t *Task) listen(l *Listener) {
	if l == nil {
		return
	}
	t.listener = *l
	t.following = l.EventBegin != nil || l.EventKept != nil || l.TreeOver != nil
	t.sampleBelow = threshold(l.Every)
}

// keepEvent tells of an event that ran and is followed, or failed.
func (t *Task) keepEvent(it *item, err error) {
	info := t.eventInfo(it, err, t.host.Origin.Trace)
	t.open.followed = append(t.open.followed, Followed{
		Topology: info.Topology, Step: info.Step, Source: info.Source, Depot: info.Depot, Root: info.Root, RootTask: info.RootTask,
		Offset: info.Offset, Attempt: info.Attempt, Seed: info.Seed, Trace: info.Trace, Err: err,
	})
	if t.listener.EventKept != nil {
		t.listener.EventKept(info)
	}
}

// treeOver tells of a record that ended well, if it is followed or was slow.
func (t *Task) treeOver(f *finished, slow bool) {
	l := &t.listener
	if l.TreeOver == nil {
		return
	}
	if !slow && f.attempt <= 1 && !sampled(t.config.Task, f.record.Offset, t.sampleBelow) && (len(f.record.Headers) == 0 || !traceOf(f.record).Sampled()) {
		return
	}
	info := t.recordEnd(f)
	info.Slow, info.Alone = slow, f.tree == 0 && !f.combined && f.said == nil && f.order == nil
	l.TreeOver(info)
}

// took is how long something took that was begun at a time of the task's; 0: not known.
func (t *Task) took(begun int64) time.Duration {
	if begun == 0 {
		return 0
	}
	return time.Duration(t.now - begun)
}
