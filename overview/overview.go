package overview

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Cluster is where an overview asks: a *client.Client is one.
type Cluster interface {
	Modules(context.Context) ([]client.ModuleInfo, error)
	Describe(ctx context.Context, module string) (client.Description, error)
	Tasks(ctx context.Context, module string) ([]client.TaskInfo, error)
	TaskStatus(ctx context.Context, module string, id task.ID) (runtime.Status, error)
	Progress(ctx context.Context, module, topology string) ([]client.SourceProgress, error)
	Option(ctx context.Context, module string, scope client.OptionScope, name string) (client.OptionValue, error)
	// Stuck and Trees say which handlers hold up tasks, and what records wait for.
	Stuck(ctx context.Context, module string, longerThan time.Duration) ([]eventtree.Handler, error)
	Trees(ctx context.Context, module string, filter client.TreeFilter) ([]eventtree.Tree, error)
	Tree(ctx context.Context, module, depot string, partition task.ID, offset int64) ([]eventtree.Tree, error)
	// Latencies says how long records took, or microbatches, by topology.
	Latencies(ctx context.Context, module string) (map[string]eventtree.Latency, error)
}

// Config says how an overview looks. The zero value of all but Cluster is usable.
type Config struct {
	// Cluster is asked. Required.
	Cluster Cluster
	// Period is the least time from the end of a look at a module to the next; who asks earlier
	// is told what was seen. It is as long as the look took, where that was more. Default 1 s.
	Period time.Duration
	// Looks bounds the window of each module. Default 120.
	Looks int
	// AnswerTimeout bounds how long an owner may take to tell of a task. Default 300 ms.
	AnswerTimeout time.Duration
	// LookTimeout bounds the questions of one look to workers, all of them together: the tasks
	// that were not asked by then are told as such. Default 2 s.
	LookTimeout time.Duration
	// ServerTimeout bounds a look as a whole: it fails if the log or the store take longer.
	// Default 10 s.
	ServerTimeout time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Overview looks at the modules of a cluster. It is safe for concurrent use.
type Overview struct {
	config  Config
	mu      sync.Mutex
	modules map[string]*watched
	listed  []client.ModuleInfo // as they were last listed
}

// New makes an overview.
func New(config Config) *Overview {
	setDefault(&config.Period, time.Second)
	setDefault(&config.Looks, 120)
	setDefault(&config.AnswerTimeout, 300*time.Millisecond)
	setDefault(&config.LookTimeout, 2*time.Second)
	setDefault(&config.ServerTimeout, 10*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Overview{config: config, modules: map[string]*watched{}}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// watched is what is known of a module. What is remembered from look to look is the flight's that
// is under way, of which there is one at most.
type watched struct {
	flights
	course map[string][]Point // by topology
	counts map[string]count   // by topology, of the last look
	owners map[task.ID]owner  // since when
	hops   hops
	silent map[task.ID]time.Time // since when
}

// count is what rates are made of.
type count struct {
	at        time.Time
	done, end int64
	changed   time.Time // when done was first seen to be what it is
}

// owner is an ownership period as it was seen.
type owner struct {
	address, epoch string
	since          time.Time
	handedOver     bool
	told           told
}

// Forget has the next question about a module looked at anew: something was changed.
func (o *Overview) Forget(name string) {
	o.mu.Lock()
	w := o.modules[name]
	o.mu.Unlock()
	if w != nil {
		w.forget()
	}
}

// watched is what is kept of a module. A name that turns out to be nobody's is taken out again
// (unwatch): anybody may ask for any.
func (o *Overview) watched(name string) *watched {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.modules[name]
	if w == nil {
		w = &watched{course: map[string][]Point{}, counts: map[string]count{}, owners: map[task.ID]owner{}, silent: map[task.ID]time.Time{}}
		o.modules[name] = w
	}
	return w
}

func (o *Overview) unwatch(name string, w *watched) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.modules[name] == w {
		delete(o.modules, name)
	}
}

// Watch looks at all modules each period until ctx ends, so that courses are there before
// somebody asks. What fails is tried again at the next look.
func (o *Overview) Watch(ctx context.Context) {
	tick := time.NewTicker(o.config.Period)
	defer tick.Stop()
	for {
		_, _ = o.All(ctx) // who asks is told of errors
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
