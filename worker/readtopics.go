package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// readTopics looks the topics of others up that the module reads, notes in its entry how
// many partitions they have, and spreads the plan over them. Never over fewer than another
// worker has noted.
func (l *loaded) readTopics(ctx context.Context, w *Worker, entry *module.Registration) error {
	before := entry.Topics
	entry.Topics = nil
	found := map[string]depot.Topic{}
	for _, name := range l.plan.ReadTopics() {
		topic, err := w.config.Log.Lookup(ctx, name)
		if err != nil {
			return fmt.Errorf("module %s reads topic %s: %w", l.plan.Module, name, err)
		}
		found[name] = topic
	}
	for _, s := range l.plan.Streams {
		for _, source := range s.Sources {
			if source.Depot.Topic == "" {
				continue
			}
			if entry.Topics == nil {
				entry.Topics = map[string]module.TopicReading{}
			}
			entry.Topics[s.Name+"/"+source.Name] = readingOf(before[s.Name+"/"+source.Name], found[source.Depot.Topic])
		}
	}
	spread, err := l.plan.Spread(l.tasks, entry.Partitions())
	if err != nil {
		return fmt.Errorf("module %s: %w", l.plan.Module, err)
	}
	l.plan, l.readings = spread, entry.Topics
	for _, s := range spread.Streams {
		for _, source := range s.Sources {
			if d := source.Depot; d.Topic != "" {
				l.elsewhere[d.Name], l.topics[d.Name] = d, found[d.Topic]
			}
		}
	}
	return nil
}

// topicsPeriod is how often a worker looks whether topics have got more partitions.
const topicsPeriod = 30 * time.Second

// watchTopics tells of partitions of topics of others that nobody reads yet: they were made
// after the workers started.
func (w *Worker) watchTopics(l *loaded) {
	ticker := time.NewTicker(topicsPeriod)
	defer ticker.Stop()
	told := map[string]int{}
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-ticker.C:
		}
		for _, d := range l.elsewhere {
			if d.Topic == "" {
				continue
			}
			topic, err := w.config.Log.Lookup(l.ctx, d.Topic)
			if err != nil || topic.Partitions <= max(d.TopicPartitions, told[d.Topic]) {
				continue // that it does not answer, or is gone, its readers tell
			}
			told[d.Topic] = topic.Partitions
			w.config.Logger.Warn("a topic has more partitions than are read: start the workers anew, and they are read from their beginning", "module", l.plan.Module, "topic", d.Topic, "partitions", topic.Partitions, "read", d.TopicPartitions)
		}
	}
}

// readingOf is how a source reads a topic, after what is noted of it.
func readingOf(before module.TopicReading, topic depot.Topic) module.TopicReading {
	if before.Topic != topic.Name {
		return module.TopicReading{Topic: topic.Name, Partitions: topic.Partitions, First: topic.Partitions}
	}
	before.Partitions = max(before.Partitions, topic.Partitions)
	return before
}

// grown reports whether a partition was made after its source was first started: nothing
// of it was there before.
func (l *loaded) grown(q runtime.StartQuery, partition int32) bool {
	d := l.elsewhere[q.Depot]
	if d == nil || d.Topic == "" {
		return false
	}
	return int(partition) >= l.readings[q.Topology+"/"+d.Declared(q.Source)].First
}
