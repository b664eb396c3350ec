package simulation

import (
	"context"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Topics of others that the module reads are in the log, too; nothing befalls them but that
// their records come late, again, and with gaps.

// topicPartitions is how many partitions the topics have that a module reads: fewer than
// there are tasks, as many, or more, by the seed.
func (w *world) topicPartitions(plan *module.Plan) map[string]int {
	partitions := map[string]int{}
	for i, name := range plan.ReadTopics() {
		partitions[name] = 1 + (int(w.config.Seed%1000)+i)%(3*w.tasks)
	}
	return partitions
}

// lanes visits what tasks read of topics of others.
func (w *world) lanes(visit func(*module.DepotPlan)) {
	seen := map[string]bool{}
	for _, s := range w.plan.Streams {
		for _, source := range s.Sources {
			if d := source.Depot; d.Topic != "" && d.TopicPartitions > 0 && !seen[d.Name] {
				seen[d.Name] = true
				visit(d)
			}
		}
	}
}

// makeReadTopics makes the topics of others that sources read.
func (w *world) makeReadTopics() (failed error) {
	w.lanes(func(d *module.DepotPlan) {
		err := w.log.Make(context.Background(), d.Topic, d.TopicPartitions)
		if err == nil {
			w.topics[d.Name], err = w.log.Lookup(context.Background(), d.Topic)
		}
		if err != nil {
			failed = err
		}
	})
	return failed
}

// readBy is the partition that a task reads of a depot, or of a lane of a topic.
func (w *world) readBy(depotName string, id task.ID) int32 {
	partition := int32(id)
	if w.plan != nil {
		w.lanes(func(d *module.DepotPlan) {
			if d.Name == depotName {
				partition, _ = d.Partition(id, w.tasks)
			}
		})
	}
	return partition
}

// writeTopic writes a record to a topic of others: to one that the module reads, into the
// log.
func (w *world) writeTopic(name string, r depot.Record, spread uint64) {
	w.foreign[name] = append(w.foreign[name], r)
	done := false
	w.lanes(func(d *module.DepotPlan) {
		if d.Topic != name {
			return
		}
		partition := int32(spread % uint64(d.TopicPartitions))
		if r.Key != nil {
			partition = int32(task.Of(r.Key, d.TopicPartitions))
		}
		id := task.ID(int(partition) % w.tasks)
		if mine, _ := d.Partition(id, w.tasks); mine != partition {
			return // another lane's
		}
		if !done {
			done = true
			w.putTopic(d.Name, name, partition, id, r)
		}
	})
}

// putTopic appends a record to a partition of a topic; a marker follows it now and then, as
// behind a transaction (T25).
func (w *world) putTopic(lane, topic string, partition int32, id task.ID, r depot.Record) {
	w.log.Append(context.Background(), topic, partition, r, depot.Replicated, func(offset int64, err error) {
		if err != nil {
			w.violate("append to topic %s: %v", topic, err)
		}
		w.emitted = append(w.emitted, emitted{writing{lane, int32(id)}, offset})
	})
	if w.chance(500) {
		if err := w.log.Skip(topic, partition, 1); err != nil {
			w.violate("%v", err)
		}
	}
	w.logChanged(lane, id)
}
