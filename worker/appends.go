package worker

import (
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// appendLine hands the appends of a task's handlers to the log, in their order. The
// log may block while its buffer is full; the task does not.
type appendLine struct {
	d *driver

	mu      sync.Mutex
	waiting []runtime.Append
	running bool
}

// put has appends written; it never blocks.
func (l *appendLine) put(appends []runtime.Append) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, appends...)
	if !l.running {
		l.running = true
		l.d.loaded.background.Go(l.run)
	}
}

// run hands over what waits, and ends when nothing does. It goes on after the task
// has moved to another worker: the commits that the appends belong to stand.
func (l *appendLine) run() {
	for {
		appends := l.take()
		if appends == nil {
			return
		}
		for i := range appends {
			l.write(&appends[i])
		}
	}
}

func (l *appendLine) take() []runtime.Append {
	l.mu.Lock()
	defer l.mu.Unlock()
	appends := l.waiting
	l.waiting = nil
	l.running = appends != nil
	return appends
}

// write hands over one append. The answer may come from any goroutine.
func (l *appendLine) write(a *runtime.Append) {
	id, topic, partition := a.ID, l.d.loaded.topics[a.Depot].Name, a.Partition
	if a.Topic != "" {
		var err error
		if partition, err = l.d.loaded.topicPartition(l.d.w, a.Topic, a.Record.Key, a.Spread); err != nil {
			l.d.send(&runtime.AppendDone{ID: id, Err: fmt.Errorf("%w: %w", depot.ErrNotAppended, err)})
			return
		}
		topic = a.Topic
	}
	l.d.w.config.Log.Append(l.d.loaded.ctx, topic, partition, a.Record, depot.Replicated, func(_ int64, err error) {
		l.d.send(&runtime.AppendDone{ID: id, Err: err})
	})
}
