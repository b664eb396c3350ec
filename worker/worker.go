package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/settings"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/transport"
)

// Worker owns tasks of modules and runs them.
//
//	Start ──► running ──Stop──► stopping ──► stopped
//
// Stop is idempotent; nothing that the worker started outlives it.
type Worker struct {
	config     Config
	link       transport.Link
	ctx        context.Context // ends when the worker stops
	cancel     context.CancelCauseFunc
	started    time.Time
	spills     *spillFolder
	outlets    outlets
	kept       *telemetry.Trees
	unobserve  func() error // of metrics; nil: there are none
	background sync.WaitGroup
	leaving    sync.Once
	isLeaving  atomic.Bool
	stop       sync.Once

	mu      sync.RWMutex
	modules map[string]*loaded
}

// takeTimeout bounds one try to take a slot.
const takeTimeout = 5 * time.Second

// ErrStopped is the cause with which a worker's work ends when it is stopped.
var ErrStopped = errors.New("worker stopped")

// Run runs a worker until ctx ends, and stops it in good order. It returns the
// error of the start, or nil.
func Run(ctx context.Context, config Config, modules ...module.Module) error {
	w, err := Start(ctx, config, modules...)
	if err != nil {
		return err
	}
	<-ctx.Done()
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return w.Stop(stopCtx)
}

// stopTimeout bounds how long Run waits for records under way.
const stopTimeout = 5 * time.Second

// Start starts a worker and returns when its tasks run. One that halts holds no other up: the
// log says why, and Health does; that all of them halt is an error, and that the store denies
// one to take its slot (store.ErrDenied). ctx bounds only the start, together with Config.StartTimeout.
func Start(ctx context.Context, config Config, modules ...module.Module) (*Worker, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, config.StartTimeout)
	defer cancel()
	w := &Worker{config: config, started: time.Now(), modules: map[string]*loaded{}, kept: telemetry.NewTrees(config.Trees), spills: newSpillFolder(config.SpillFolder)}
	if err := w.spills.sweep(); err != nil {
		config.Logger.Warn("what workers that crashed have left is not removed", "cause", err)
	}
	if err := w.check(ctx); err != nil {
		return nil, err
	}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	if w.link, err = config.Network.Listen(config.Address, handler{w}); err != nil {
		return nil, fmt.Errorf("worker: listening on %q: %w", config.Address, err)
	}
	if err := w.launch(ctx, modules); err != nil {
		w.end()
		return nil, err
	}
	if config.Metrics != nil {
		if w.unobserve, err = config.Metrics.Observe(w.figures); err != nil {
			w.end()
			return nil, fmt.Errorf("worker: %w", err)
		}
	}
	return w, nil
}

// check reaches both servers, at the same time.
func (w *Worker) check(ctx context.Context) error {
	var group sync.WaitGroup
	var logErr, storeErr error
	group.Go(func() { logErr = w.config.Log.Check(ctx) })
	group.Go(func() { storeErr = w.config.Store.Check(ctx) })
	group.Wait()
	return errors.Join(logErr, storeErr)
}

// openFeeds opens a reader for each strand that a task of a module may have. Modules have
// readers of their own: one may read the depots of another, at a place of its own, and one that
// catches up does not hold up the others.
func (w *Worker) openFeeds(ctx context.Context, l *loaded) error {
	strands := runtime.StreamStrands
	if slices.ContainsFunc(l.plan.Streams, func(s *module.StreamPlan) bool { return s.Microbatch }) {
		strands = runtime.Strands
	}
	var err error
	if l.feeds, err = w.readers(ctx, l, strands, w.config.Log.Reader); err != nil || len(l.plan.ReadTopics()) == 0 {
		return err
	}
	if l.committed, err = w.readers(ctx, l, strands, w.config.Log.CommittedReader); err != nil {
		return err
	}
	l.background.Go(func() { w.watchTopics(l) })
	return nil
}

// readers opens readers, and has them read.
func (w *Worker) readers(ctx context.Context, l *loaded, strands int, open func(context.Context) (depot.Reader, error)) (all []*feeds, err error) {
	for range strands {
		reader, err := open(ctx)
		if err != nil {
			return all, fmt.Errorf("worker: opening a depot reader: %w", err)
		}
		f := &feeds{w: w, l: l, reader: reader}
		all = append(all, f)
		l.background.Go(func() { f.run(l.ctx) })
	}
	return all, nil
}

func (w *Worker) launch(ctx context.Context, modules []module.Module) error {
	modules, err := inOrder(modules)
	if err != nil {
		return err
	}
	for _, m := range modules {
		if _, err := w.prepare(ctx, m); err != nil {
			return err
		}
	}
	w.background.Go(w.watchPressure)
	var all []*driver
	for _, l := range w.all() {
		if err := w.begin(ctx, l); err != nil {
			return err
		}
		l.each(func(d *driver) { all = append(all, d) })
	}
	return awaitReady(ctx, all)
}

// prepare loads a module, and opens its readers.
func (w *Worker) prepare(ctx context.Context, m module.Module) (*loaded, error) {
	l, err := w.load(ctx, m)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	if w.modules[l.plan.Module] != nil {
		w.mu.Unlock()
		l.cancel(ErrStopped)
		return nil, fmt.Errorf("worker: module %s runs here already", l.plan.Module)
	}
	w.modules[l.plan.Module] = l
	w.mu.Unlock()
	return l, w.openFeeds(ctx, l)
}

// begin takes the module's tasks that are nominated.
func (w *Worker) begin(ctx context.Context, l *loaded) error {
	if err := w.checkLevel(ctx, l); err != nil {
		return err
	}
	l.background.Go(l.options.follow)
	if err := l.tenure.join(ctx); err != nil {
		return fmt.Errorf("worker: joining the workers of module %s: %w", l.plan.Module, err)
	}
	return nil
}

// awaitReady waits until every task runs, has halted, or has passed to another worker. That
// all of them halt at once is an error; of some the log and Health tell, and the others go on.
func awaitReady(ctx context.Context, all []*driver) error {
	var halts []error
	for _, d := range all {
		select {
		case <-d.ready:
			if halt := d.halted.Load(); halt != nil {
				halts = append(halts, *halt)
			}
		case err := <-d.denied:
			return fmt.Errorf("module %s task %d cannot come to run: %w", d.loaded.plan.Module, d.id, err)
		case <-ctx.Done():
			return notReady(ctx, d)
		}
	}
	if len(halts) < len(all) {
		return nil
	}
	return errors.Join(halts...)
}

// notReady says why a task does not run, as far as that is known.
func notReady(ctx context.Context, d *driver) error {
	err := fmt.Errorf("module %s task %d did not come to run: %w", d.loaded.plan.Module, d.id, ctx.Err())
	if why := d.loaded.lacks.Load(); why != nil {
		err = fmt.Errorf("%w; %s", err, *why)
	}
	if why := d.dropped.Load(); why != nil {
		err = fmt.Errorf("%w; the last time it started anew for this: %s", err, *why)
	}
	return err
}

// checkLevel looks whether the store can reach the durability level of a module: an error
// says why it never will, and what keeps it from it now is told, and kept for notReady.
func (w *Worker) checkLevel(ctx context.Context, l *loaded) error {
	level := l.options.durability()
	if level == store.Applied {
		l.lacks.Store(nil)
		return nil
	}
	warnings, err := w.config.Store.CheckLevel(ctx, level)
	if err != nil {
		return fmt.Errorf("module %s: %s %q: %w", l.plan.Module, settings.Durability, level, err)
	}
	for _, text := range warnings {
		w.config.Logger.Warn(text, "module", l.plan.Module)
	}
	why := fmt.Sprintf("%s is %q, and %s", settings.Durability, level, strings.Join(warnings, "; "))
	if l.lacks.Store(&why); len(warnings) == 0 {
		l.lacks.Store(nil)
	}
	return nil
}

// module finds a module that runs here. Frames of other workers may come before
// it does.
func (w *Worker) module(name string) *loaded {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.modules[name]
}

// all lists the modules that run here.
func (w *Worker) all() []*loaded {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Collect(maps.Values(w.modules))
}

// names words the modules that run here.
func (w *Worker) names() string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return strings.Join(slices.Sorted(maps.Keys(w.modules)), ", ")
}

// Address is where the worker is reached.
func (w *Worker) Address() string { return w.link.Address() }

// Stop ends the worker. Where there are others its tasks go on until those have
// taken them, for 4 s at most; else they begin no more records, finish those under
// way as far as ctx allows, and write their progress.
func (w *Worker) Stop(ctx context.Context) error {
	w.leave(ctx, true)
	w.Abort()
	return nil
}

// StopTogether stops workers in good order of which none is to take the tasks of
// another: all that share a module, when it ends.
func StopTogether(ctx context.Context, workers ...*Worker) {
	var group sync.WaitGroup
	for _, w := range workers {
		group.Go(func() { w.leave(ctx, false) })
	}
	group.Wait()
	for _, w := range workers {
		w.Abort()
	}
}

// leave brings the work to an end in good order, and goes on running the events of
// other tasks' records; others may be there to take its tasks.
func (w *Worker) leave(ctx context.Context, others bool) {
	w.leaving.Do(func() {
		w.isLeaving.Store(true)
		var group sync.WaitGroup
		for _, l := range w.all() {
			group.Go(func() { l.tenure.leave(ctx, others) })
		}
		group.Wait()
	})
}

// Abort ends the worker at once, as a crash would: what is under way is left where
// it is. It is made for tests; Stop is the end in good order.
func (w *Worker) Abort() { w.stop.Do(w.end) }

// end stops everything at once.
func (w *Worker) end() {
	if w.unobserve != nil {
		if err := w.unobserve(); err != nil {
			w.config.Logger.Warn("metrics of this worker may go on to be asked for", "cause", err)
		}
	}
	w.cancel(ErrStopped)
	all := w.all()
	for _, l := range all {
		l.tenure.close()
	}
	w.background.Wait()
	for _, l := range all {
		l.close()
	}
	_ = w.link.Close()
	if err := w.spills.close(); err != nil {
		w.config.Logger.Warn("the folder of spilled events is not removed", "cause", err)
	}
}
