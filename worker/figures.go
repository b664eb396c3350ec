package worker

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/telemetry"
)

// figuresTimeout bounds how long collecting metrics may ask tasks and the log.
const figuresTimeout = 2 * time.Second

// runsLong is how long a handler runs that is told of, though its task answers.
const runsLong = time.Second

// askedAtOnce bounds how many partitions the log is asked for at a time.
const askedAtOnce = 16

// figures are those of all tasks that run here, for metrics.
func (w *Worker) figures(ctx context.Context) []telemetry.TaskFigures {
	ctx, cancel := context.WithTimeout(ctx, figuresTimeout)
	defer cancel()
	var mu sync.Mutex
	var all []telemetry.TaskFigures
	var group sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	for _, l := range w.all() {
		l.each(func(d *driver) {
			group.Go(func() {
				room <- struct{}{}
				f := d.figures(ctx)
				<-room
				mu.Lock()
				all = append(all, f)
				mu.Unlock()
			})
		})
	}
	group.Wait()
	return all
}

func (d *driver) figures(ctx context.Context) telemetry.TaskFigures {
	f := telemetry.TaskFigures{Silent: true}
	f.TaskInfo = d.info()
	asked, cancel := context.WithTimeout(ctx, silenceTimeout)
	defer cancel()
	if s, err := d.engineStatus(asked); err == nil {
		f.Status, f.Silent = s, false
	}
	if h, ok := d.running(); ok && (f.Silent || time.Since(h.Since) >= runsLong) {
		f.Handler = &h
	}
	for _, s := range f.Sources {
		topic, ok := d.loaded.topics[s.Depot]
		if !ok || !s.Known {
			continue // ticks have no topic
		}
		_, end, err := d.w.config.Log.Bounds(ctx, topic.Name, int32(d.id))
		if err != nil {
			continue // the log is away, which other metrics tell
		}
		f.Lags = append(f.Lags, telemetry.Lag{
			Topology: s.Topology, Source: s.Source, Depot: s.Depot, Stored: s.Stored, End: end, Behind: max(end-s.Next-s.Ahead, 0),
		})
	}
	return f
}
