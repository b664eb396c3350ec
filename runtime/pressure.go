package runtime

import "fmt"

// Pressure says what should keep sources from beginning records. Events that are
// under way are never held back: hops do not wait (R43).
type Pressure struct {
	// StorePercent is how much of its memory the slot's server uses, in percent; 0
	// where it has no limit. A full server refuses every commit, also those that
	// delete (R44).
	StorePercent int
	// QueueBytes is what the worker's tasks and connections hold in memory for
	// events on their way (R43).
	QueueBytes int64
}

func (*Pressure) input() {}

// onPressure closes or opens the sources. Whoever waits for a record that has not
// begun is told.
func (t *Task) onPressure(in *Pressure) {
	t.pressure = *in
	t.tellShut()
}

// tellShut answers those who wait for records that may not begin now.
func (t *Task) tellShut() {
	if t.phase != running {
		return
	}
	for _, key := range t.waitedFor() {
		if _, why := t.throttledBy(key); why != "" {
			t.answerThrottled(key)
		}
	}
}

// shut reports why a source may begin no record now, in every retry mode; "" if it
// may. Records that it has begun go on, and so do their retries, but for a full
// store: the more is tried there the longer it takes.
func (t *Task) shut(s *source) string {
	switch p := &t.pressure; {
	case s.topology.micro == nil && s.topology.paused():
		return "the topology is paused (topology.stream.paused): resume it"
	case p.StorePercent >= t.options.StoreStopPercent && !s.plan.GoesOnWhenFull:
		return fmt.Sprintf("the store's memory is %d %% full, and sources stop at %d %% (store.memory.stop.percent): give it more memory", p.StorePercent, t.options.StoreStopPercent)
	case p.QueueBytes > t.options.QueueBytesMax:
		return fmt.Sprintf("%d bytes of events wait on this worker, more than worker.queue.bytes.max = %d", p.QueueBytes, t.options.QueueBytesMax)
	case t.spills.disk > diskTrees*t.options.TreeBytesMax:
		return fmt.Sprintf("%d bytes of events wait on this worker's disk, more than %d times topology.stream.tree.bytes.max = %d", t.spills.disk, diskTrees, t.options.TreeBytesMax)
	}
	return ""
}

// diskTrees is how many times what events may take in a task's memory they may take on
// its worker's disk before its sources begin no more records: else many huge ones, of
// which each is begun in turn, would fill it.
const diskTrees = 16

// QueuedBytes is about how much memory the events take that wait to run here or to
// leave, and the appends that are on their way to depots.
func (t *Task) QueuedBytes() int64 {
	n := t.queue.bytes + t.hopBytes() + t.spills.memory + t.emissions.bytes
	if t.host.Out != nil {
		n += int64(t.host.Out.Bytes())
	}
	if t.inflight != nil {
		n += t.inflight.bytes
	}
	return n
}
