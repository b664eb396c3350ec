package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/sender"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Kafka does not go back with the store (R31): where a store loses commits, a log
// may keep what they appended. The records of those commits run again and append
// again. This is always told; then the task that notices it halts, or goes on and
// says how much comes a second time.

// LostTail says what a task does that finds output of commits which the store has
// lost (topology.appends.lost.tail).
type LostTail uint8

// The choices.
const (
	LostTailByTopology LostTail = iota // halt in exactly-once topologies, go on in others
	LostTailHalts
	LostTailGoesOn
)

func (l LostTail) String() string { return [...]string{"topology", "halt", "continue"}[l] }

// haltsOnLostTail reports whether the topology stops rather than take something twice.
func (topo *topology) haltsOnLostTail() bool {
	switch topo.options.LostTail {
	case LostTailHalts:
		return true
	case LostTailGoesOn:
		return false
	}
	return topo.plan.ExactlyOnce || topo.micro != nil
}

// LostTailInfo is about output in Kafka that belongs to commits which the store has
// lost, or about such that Kafka has lost.
type LostTailInfo struct {
	TaskInfo
	// Topology noticed it, and its source; both are empty for what was written to topics.
	Topology string
	Source   string
	Offset   int64   // of the record that comes for the first of those
	From     task.ID // whose commits were lost
	Records  uint64  // how many records that task appends again
	Missing  uint64  // how many that were in the log were not met
}

// LostTailError halts a task.
type LostTailError struct{ LostTailInfo }

func (e *LostTailError) Error() string {
	if e.Source == "" {
		return fmt.Sprintf("the last transaction of this task in Kafka and its slot do not go together: %d records of commits that the store has lost are in the topics and come again, %d that were there are not. To go on all the same, set topology.appends.lost.tail to continue; level replicated or fsynced of store.durability prevents the first",
			e.Records, e.Missing)
	}
	if e.Missing > 0 && e.Records == 0 {
		return fmt.Sprintf("source %s of topology %s, offset %d: %d appends of task %d that had been acknowledged are not in the log: it was cut, or the store lost commits of that task and this record is of one of them. To go on all the same, set topology.appends.lost.tail to continue",
			e.Source, e.Topology, e.Offset, e.Missing, e.From)
	}
	return fmt.Sprintf("source %s of topology %s, offset %d: the store lost commits of task %d, and the log has what they appended, up to %d records, which that task appends again now. Going on processes both: set topology.appends.lost.tail to continue for that; level replicated or fsynced of store.durability prevents it",
		e.Source, e.Topology, e.Offset, e.From, e.Records)
}

// tailLost: the number of an append was another's, or numbers before it are missing.
// It returns false if the task halts.
func (t *Task) tailLost(s *source, r *depot.Record, p *sender.Position, id *wire.AppendID) bool {
	sent := id.Sent()
	info := LostTailInfo{TaskInfo: t.info, Topology: s.topology.plan.Name, Source: s.plan.Name, Offset: r.Offset, From: id.Task}
	info.Records, info.Missing = p.Renumber(sent)
	if t.listener.LostTail != nil {
		t.listener.LostTail(info)
	}
	if s.topology.haltsOnLostTail() {
		t.halt(&LostTailError{info})
		return false
	}
	s.senders.taken = append(s.senders.taken, takenAppend{r.Offset, id.Task, sent, true})
	return true
}
