package worker

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/internal/settings"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// dynamic is a module's options on this worker: those that it was started with,
// and over them what operators have set in the module's meta topic.
type dynamic struct {
	w *Worker
	l *loaded

	mu   sync.Mutex
	set  *settings.Set
	told map[string]string // facts that the tasks were told of
	news chan struct{}     // closed when there are more

	queueMax, chunk atomic.Int64
}

func newDynamic(w *Worker, l *loaded, facts map[string][]byte) *dynamic {
	d := &dynamic{w: w, l: l, set: settings.NewSet(w.config.Options), told: map[string]string{}, news: make(chan struct{})}
	for key, value := range facts {
		d.put(key, value)
		d.tell(key, value)
	}
	return d
}

// put takes a fact of the meta topic in. It reports whether a setting changed.
func (o *dynamic) put(key string, value []byte) bool {
	s, ok, err := settings.Parse(key, value)
	if err != nil {
		o.w.config.Logger.Error("an option is not taken", "module", o.l.plan.Module, "cause", err)
	}
	if !ok || err != nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.set.List()
	o.set.Put(s)
	return !slices.Equal(before, o.set.List())
}

// input is what the tasks are told.
func (o *dynamic) input() *runtime.OptionsChanged {
	o.mu.Lock()
	defer o.mu.Unlock()
	in, errs := o.set.Changed()
	for _, err := range errs {
		o.w.config.Logger.Error("an option is not taken", "module", o.l.plan.Module, "cause", err)
	}
	module := in.Module.WithDefaults()
	o.queueMax.Store(module.QueueBytesMax)
	o.chunk.Store(int64(module.CatchupChunkSize))
	return in
}

// tellLevel tells operators what the store lacks for the durability level.
func (o *dynamic) tellLevel() {
	if err := o.w.checkLevel(o.l.ctx, o.l); err != nil && o.l.ctx.Err() == nil {
		o.w.config.Logger.Error("the durability level cannot be reached: no commit is confirmed", "module", o.l.plan.Module, "cause", err)
	}
}

// durability is the level that holds for the module.
func (o *dynamic) durability() store.Level {
	o.mu.Lock()
	defer o.mu.Unlock()
	in, _ := o.set.Changed()
	return in.Module.Durability
}

// queueBytesMax is the module's worker.queue.bytes.max.
func (o *dynamic) queueBytesMax() int64 { return o.queueMax.Load() }

// follow watches the meta topic until the module stops here.
func (o *dynamic) follow() {
	for o.l.ctx.Err() == nil {
		err := o.w.config.Log.WatchMeta(o.l.ctx, o.l.plan.Module, func(key string, value []byte) {
			if value == nil {
				o.l.starts.forget(key)
			}
			if o.put(key, value) {
				o.w.config.Logger.Info("options changed", "module", o.l.plan.Module, "key", key)
				if strings.Contains(key, settings.Durability) {
					o.l.background.Go(o.tellLevel)
				}
				o.l.each(func(d *driver) { d.send(o.input()) })
			}
			o.tell(key, value)
		})
		if o.l.ctx.Err() == nil {
			o.w.config.Logger.Warn("following the options failed; trying again", "module", o.l.plan.Module, "cause", err)
			pause(o.l.ctx, time.Second)
		}
	}
}

// tell notes that the tasks were told of a fact.
func (o *dynamic) tell(key string, value []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if value == nil {
		delete(o.told, key)
	} else {
		o.told[key] = string(value)
	}
	close(o.news)
	o.news = make(chan struct{})
}

// settled waits until a task goes by a fact: it was told of it, and has taken that in.
func (o *dynamic) settled(ctx context.Context, d *driver, s *wire.SettingRequest) error {
	for !o.has(s) {
		o.mu.Lock()
		news := o.news
		o.mu.Unlock()
		if o.has(s) {
			break
		}
		if err := o.l.until(ctx, news); err != nil {
			return err
		}
	}
	_, err := d.status(ctx)
	return err
}

// has reports whether the tasks were told of a fact.
func (o *dynamic) has(s *wire.SettingRequest) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	have, ok := o.told[s.Key]
	return ok == (len(s.Value) > 0) && have == string(s.Value)
}

// until waits for something while the asker does and the module runs here.
func (l *loaded) until(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ctx.Done():
		return errLeaving
	}
}
