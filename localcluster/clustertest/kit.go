package clustertest

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/worker"
)

// T is what a kit needs of its test: *testing.T and *testing.B are Ts.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Config says how the module runs. The zero value is four tasks on one worker, in
// memory.
type Config struct {
	// Tasks is the number of tasks; default 4.
	Tasks int
	// Workers is the number of workers that share them; default 1.
	Workers int
	// Options are the engine's limits; default as in production.
	Options runtime.Options
	// Listener hears what the tasks do, besides the kit.
	Listener *runtime.Listener
	// Clock, if set, is what time the records are appended at. Default: real time, and
	// inside of testing/synctest the bubble's.
	Clock *localcluster.Clock
	// Cluster, if set, is where the module runs, with its own clock: one that a test
	// shares between modules, or that is on real servers. Default: a new one in memory,
	// which ends with the test.
	Cluster *localcluster.Cluster
	// Patience bounds every wait of the kit: what does not come within it fails the
	// test, with what the tasks were at. Default one minute.
	Patience time.Duration
}

// Kit is a running module and a test's hands on it. It is a module.Appender and a
// pstate.Reader of committed data: the module's handles work with it.
type Kit struct {
	t        T
	module   module.Module
	plan     *module.Plan
	tasks    int
	patience time.Duration
	cluster  *localcluster.Cluster

	mu         sync.Mutex
	changed    chan struct{} // closed at the next change of what follows
	owners     map[*worker.Owner]*owner
	holds      []*Hold
	crashes    []*Crash
	news       map[recordKey]int // how often something was heard of a record
	batches    map[runtime.TaskInfo]*gathering
	recordings []*Recording
}

var (
	_ module.Appender = (*Kit)(nil)
	_ pstate.Reader   = (*Kit)(nil)
)

// owner is the running of a task by a worker.
type owner struct {
	status runtime.Status
	known  bool // status is
}

// Start runs a module for a test, and returns when its tasks run and its handles work.
func Start(t T, m module.Module, config Config) *Kit {
	t.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatalf("%v", err)
	}
	k := &Kit{
		t: t, module: m, plan: plan, tasks: config.Tasks, patience: config.Patience, cluster: config.Cluster,
		changed: make(chan struct{}), owners: map[*worker.Owner]*owner{}, news: map[recordKey]int{}, batches: map[runtime.TaskInfo]*gathering{},
	}
	if k.tasks == 0 {
		k.tasks = 4
	}
	if k.patience == 0 {
		k.patience = time.Minute
	}
	if k.cluster == nil {
		if k.cluster, err = localcluster.Start(t.Context(), localcluster.Config{Clock: config.Clock}); err != nil {
			t.Fatalf("starting a cluster: %v", err)
		}
		t.Cleanup(func() {
			if err := k.cluster.Close(); err != nil {
				t.Errorf("closing the cluster: %v", err)
			}
		})
	} else if config.Clock != nil {
		t.Fatalf("Config.Clock and Config.Cluster are both set: the cluster has a clock of its own")
	}
	t.Cleanup(k.releaseAll) // before the cluster closes: it waits for what is under way
	err = k.cluster.Launch(t.Context(), m, localcluster.LaunchConfig{
		Tasks: k.tasks, Workers: config.Workers, Options: config.Options,
		Listener: runtime.Tee(k.listener(), config.Listener), Hooks: &worker.Hooks{Began: k.began, Stepped: k.stepped, Ended: k.ended},
	})
	if err != nil {
		t.Fatalf("launching module %s: %v", plan.Module, err)
	}
	return k
}

// Cluster is what the module runs on.
func (k *Kit) Cluster() *localcluster.Cluster { return k.cluster }

// Client is the cluster's client. It answers as in production: an append that fails
// and will be tried again returns the failure, where the kit waits for the outcome.
func (k *Kit) Client() *client.Client { return k.cluster.Client() }

// Tasks is the number of the module's tasks.
func (k *Kit) Tasks() int { return k.tasks }

// StateView makes the kit a reader of committed data.
func (k *Kit) StateView() *overlay.View {
	return k.cluster.Client().At(context.WithoutCancel(k.t.Context())).StateView()
}

// listener is the kit's own.
func (k *Kit) listener() *runtime.Listener {
	return &runtime.Listener{
		EventEnd: k.eventEnd, Fetched: k.fetched, BatchSent: k.batchSent, BatchCommitted: k.batchCommitted,
		RecordDone:    func(i runtime.RecordInfo) { k.recordEnded(i, func(c *Counts) { c.Done++ }) },
		RecordFailed:  func(i runtime.RecordInfo) { k.recordEnded(i, func(c *Counts) { c.Failed++ }) },
		RecordParked:  func(i runtime.RecordInfo) { k.recordEnded(i, func(c *Counts) { c.Parked++ }) },
		RecordDropped: func(i runtime.RecordInfo) { k.recordEnded(i, func(c *Counts) { c.Dropped++ }) },
		Took:          k.took, Dropped: k.dropped,
	}
}

// began gives a new owner the holds and crashes that stand.
func (k *Kit) began(o *worker.Owner) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.owners[o] = &owner{}
	delete(k.batches, runtime.TaskInfo{Module: o.Module, Task: o.Task, Address: o.Address})
	for _, h := range k.holds {
		h.send(o)
	}
	for _, c := range k.crashes {
		c.send(o)
	}
}

func (k *Kit) stepped(o *worker.Owner) {
	s := o.Status()
	k.mu.Lock()
	defer k.mu.Unlock()
	if mine := k.owners[o]; mine != nil {
		mine.status, mine.known = s, true
		k.change()
	}
}

func (k *Kit) ended(o *worker.Owner, crashed bool) {
	s := o.Status()
	k.mu.Lock()
	delete(k.owners, o)
	k.change()
	k.mu.Unlock()
	if !crashed {
		return
	}
	k.arrived(o, &s)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.crashed(o)
	k.change()
}

// send hands an input to the owners of tasks; none named: to all. k is locked.
func (k *Kit) send(to tasks, in runtime.Input) {
	for o := range k.owners {
		if to.has(o.Task) {
			o.Send(in)
		}
	}
}

// change wakes who waits. k is locked.
func (k *Kit) change() {
	close(k.changed)
	k.changed = make(chan struct{})
}
