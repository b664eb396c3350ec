package worker

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// topicLine writes the transactions of a task, one after another. The transactor that
// they take is opened when the task asks for it: most tasks never do.
type topicLine struct {
	d *driver

	mu      sync.Mutex
	waiting []topicJob
	running bool

	// Only the goroutine that runs uses these.
	transactor depot.Transactor
	round      uint64 // that it was opened for
}

// topicJob is one thing to do.
type topicJob struct {
	open  uint64
	write *runtime.Transaction
	close bool
}

// transactPatience bounds an opening: brokers end a former transaction meanwhile.
const transactPatience = 15 * time.Second

func (l *topicLine) put(j topicJob) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, j)
	if !l.running {
		l.running = true
		l.d.loaded.background.Go(l.run)
	}
}

// close gives the transactor up when the task ends here.
func (l *topicLine) close() {
	l.mu.Lock()
	used := l.running || l.round != 0
	l.mu.Unlock()
	if used {
		l.put(topicJob{close: true})
	}
}

// run does what waits, and ends when nothing does.
func (l *topicLine) run() {
	for {
		l.mu.Lock()
		jobs := l.waiting
		l.waiting = nil
		l.running = jobs != nil
		l.mu.Unlock()
		if jobs == nil {
			return
		}
		for _, j := range jobs {
			switch {
			case j.write != nil:
				l.d.send(&runtime.TransactionDone{Round: j.write.Round, Err: l.write(j.write)})
			case j.open != 0:
				l.open(j.open)
			default:
				l.drop()
			}
		}
	}
}

func (l *topicLine) drop() {
	if l.transactor != nil {
		_ = l.transactor.Close() // whatever it has under way is settled by the next one
		l.transactor = nil
	}
}

func (l *topicLine) open(round uint64) {
	l.drop()
	ctx, cancel := context.WithTimeout(l.d.loaded.ctx, transactPatience)
	defer cancel()
	t, position, err := l.d.w.config.Log.Transactor(ctx, depot.TransactorID{Module: l.d.loaded.plan.Module, Task: int32(l.d.id), Tasks: l.d.loaded.tasks})
	if err != nil {
		l.d.log.Warn("opening transactions failed; trying again", "cause", err)
		l.d.send(&runtime.TopicsOpened{Round: round, Err: err})
		return
	}
	l.transactor = t
	l.mu.Lock()
	l.round = round
	l.mu.Unlock()
	l.d.send(&runtime.TopicsOpened{Round: round, Position: position})
}

func (l *topicLine) write(txn *runtime.Transaction) error {
	if l.transactor == nil || txn.Round != l.round {
		return depot.ErrNotAppended // of an ownership period before
	}
	records := make([]depot.TopicRecord, len(txn.Records))
	for i := range txn.Records {
		r := &txn.Records[i]
		partition, err := l.d.loaded.topicPartition(l.d.w, r.Topic, r.Record.Key, r.Spread)
		if err != nil {
			return err
		}
		records[i] = depot.TopicRecord{Topic: r.Topic, Partition: partition, Record: r.Record}
	}
	return l.transactor.Write(l.d.loaded.ctx, records, txn.Position)
}

// sinks are the topics that are no depots, and how many partitions they had when they
// were looked up.
type sinks struct {
	mu         sync.Mutex
	partitions map[string]int
}

// topicPartition is the partition of a record in a topic that is no depot.
func (l *loaded) topicPartition(w *Worker, topic string, key []byte, spread uint64) (int32, error) {
	n, err := l.sinks.find(w, topic)
	switch {
	case err != nil:
		return 0, err
	case key != nil:
		return int32(task.Of(key, n)), nil
	}
	return int32(spread % uint64(n)), nil
}

func (s *sinks) find(w *Worker, topic string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.partitions[topic]; ok {
		return n, nil
	}
	ctx, cancel := context.WithTimeout(w.ctx, transactPatience)
	defer cancel()
	found, err := w.config.Log.Lookup(ctx, topic)
	if err != nil {
		return 0, err
	}
	if s.partitions == nil {
		s.partitions = map[string]int{}
	}
	s.partitions[topic] = found.Partitions
	return found.Partitions, nil
}
