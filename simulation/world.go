package simulation

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// world is everything around the engine.
type world struct {
	config    Config
	random    *rand.Rand
	steering  *rand.Rand // of the faults of steer.go
	workload  Case
	plan      *module.Plan
	steps     []*module.StepPlan
	options   runtime.Options
	result    Result
	directory *runtime.Directory
	modules   []module.Module // of this run

	now    int64
	seq    uint64
	agenda agenda

	tasks     int
	tags      []string
	servers   []*server
	log       *memdepot.Log
	topics    map[string]depot.Topic     // by depot
	starts    map[string]runtime.Started // where sources begin, by topology, source and task
	damages   map[partition]*damage
	given     map[partition]int64 // offsets below have been given to records, or left out
	logSkew   int64               // the brokers' clock's lead
	owners    []*owner            // by task: whom peers and clients find
	everyone  []*owner
	processes int
	lines     map[link]*line

	records  []*appended
	programs []*Program
	strikes  int // faults that have struck, or were spared
	asked    map[uint64]*appended
	waiter   uint64

	fifo    fifo
	emitted []emitted
	foreign map[string][]depot.Record // that are no depots, as readers with read_committed see them
	writers map[task.ID]*taskWriter

	failed  map[numbered]bool // attempts that failed, by the number in the slot
	orders  []*given          // about parked records
	running *owner            // whose engine runs
	told    string            // what the handler was called with that returned last
	senders map[uint64]string // of events, by their place in the tree; with a trace

	hidden   bool       // servers do not show their lineage
	replaced bool       // a server has begun another history
	lost     bool       // and has lost writes
	extra    *rand.Rand // of what came later than the seeds that are kept
	strained bool       // processes have little memory

	allowed     [faultCount]bool
	replication int64 // the longest that a replica lags behind
	meanPause   int64 // between faults that strike
	breaksLeft  int   // so many partitions may still lose what was read, or not finished
	quiet       bool
	quietAt     int64 // since when
	over        bool
}

// Limits of a run.
const (
	appending = 2 * second  // records are appended over so long
	calming   = 40 * second // after the last fault everything comes to rest within
	stepsMax  = 2_000_000

	recordsMin = 10 // of a run
	recordsMax = 50 // unless its workload says another bound
)

// Run runs one seed.
func Run(config Config) *Result {
	w := newWorld(config)
	w.start()
	for w.next() && w.result.Steps < stepsMax && len(w.result.Violations) == 0 {
		if w.over {
			break
		}
	}
	w.finish()
	w.forget()
	return &w.result
}

func newWorld(config Config) *world {
	w := &world{
		config: config, random: rand.New(rand.NewPCG(config.Seed, 0x636f7070696365)), workload: config.Workload.New(),
		steering: rand.New(rand.NewPCG(config.Seed, 0x7374656572)),
		topics:   map[string]depot.Topic{}, starts: map[string]runtime.Started{}, damages: map[partition]*damage{}, given: map[partition]int64{}, lines: map[link]*line{}, asked: map[uint64]*appended{},
		foreign: map[string][]depot.Record{}, writers: map[task.ID]*taskWriter{},
	}
	w.log = memdepot.New(w.clock)
	w.result.Seed, w.result.Workload = config.Seed, config.Workload.Name
	w.result.Fingerprint = 14695981039346656037
	w.tasks = orDrawn(config.Tasks, w.between(2, 6))
	w.result.Tasks = w.tasks
	w.config.Records = orDrawn(config.Records, w.between(recordsMin, int64(cmp.Or(config.Workload.RecordsMax, recordsMax))))
	for i := range orDrawn(config.Servers, w.between(1, 2)) {
		w.servers = append(w.servers, &server{name: fmt.Sprint("s", i), current: newHistory(w.lineage())})
	}
	for f := range FullDisk { // for the others see drawExtras
		// A run has a part of the faults: with all of them in each run, rare ones
		// hide behind frequent ones.
		w.allowed[f] = !config.Calm && w.mayStrike(f) && !w.without(f)
	}
	w.meanPause = w.between(20*millisecond, 400*millisecond)
	w.options = runtime.Options{
		TreeTimeout: time.Duration(w.between(500*millisecond, 5*second)), RetryBackoff: time.Millisecond, RetryBackoffMax: time.Second,
		CheckpointPeriod: 100 * time.Millisecond, CheckpointThreshold: 1 + w.random.IntN(20),
		MaxEventsPerBatch: 1 + w.random.IntN(50), MaxExecutingPerTask: 1 + w.random.IntN(60),
		CacheEntriesMax: 1 + w.random.IntN(40), DepotCacheCardinality: 2 + w.random.IntN(60),
	}
	if level := config.Workload.Durability; level != nil {
		w.options.Durability = *level
	} else if w.chance(400) {
		w.options.Durability = store.Replicated(1)
	}
	w.options.LostTail = config.Workload.LostTail
	w.replication = w.between(200*microsecond, 6*millisecond)
	w.drawExtras()
	w.special()
	w.options.PhaseTimeout = w.options.TreeTimeout
	w.options.MigrationElementsPerBatch = 1 + int(w.config.Seed%7)
	w.allowLosses()
	return w
}

// special makes some seeds worlds of their own, which the drawn ones are rarely or
// never.
func (w *world) special() {
	w.options.AckFailureOnRetryOnly = w.config.Seed%4 == 1 // appenders wait through retries
	switch w.config.Seed % 16 {
	case 5: // owners live long, and what they never give back adds up
		w.allowed = [faultCount]bool{}
	case 7: // servers do not say which history they have: everything is read (R14)
		w.hidden = true
	case 11: // the timeout is the last resort (R19): without it everything comes to rest
		w.options.TreeTimeout = time.Hour
	}
}

// mayStrike draws whether a run has a kind of faults.
func (w *world) mayStrike(f Fault) bool {
	if f >= steered {
		return w.steering.IntN(1000) < 600
	}
	return w.chance(600)
}

// without reports whether a kind of fault is left out.
func (w *world) without(f Fault) bool { return slices.Contains(w.config.Without, f) }

func orDrawn(given int, drawn int64) int {
	if given != 0 {
		return given
	}
	return int(drawn)
}

// start sets the world up.
func (w *world) start() {
	m := w.workload.Module()
	plan, err := w.compile(m)
	if err != nil {
		w.violate("%v", err)
		return
	}
	w.install(plan)
	w.owners = make([]*owner, w.tasks)
	for i := range w.tasks {
		w.tags = append(w.tags, task.Tag(plan.Module, task.ID(i), w.tasks))
	}
	for i := range w.tasks {
		w.after(w.between(0, 20*millisecond), func() {
			if w.owners[i] == nil {
				w.hire(task.ID(i))
			}
		})
	}
	first := 20 * millisecond // some records come before there is an owner
	if w.config.Calm {
		first = 200 * millisecond
	}
	w.at(first, func() {
		w.startUsers()
		w.planFaults()
		w.planSteering()
		w.strain()
	})
	if c, ok := w.workload.(interface{ next() module.Module }); ok {
		w.at(first+w.between(appending/4, appending), func() { w.update(c.next()) })
	}
	if c, ok := w.workload.(interface{ killing(kill func()) }); ok {
		c.killing(func() { w.running.doomed = true })
	}
	quiet := first + appending + w.between(0, second)
	if w.allowed[Recreation] {
		w.at(quiet-w.between(millisecond, 300*millisecond), w.recreate)
	}
	w.at(quiet, w.heal)
}

// heal ends the faults: zombies wake, and every task has a nominated owner. Demoted
// servers stay reachable for those who are connected with them.
func (w *world) heal() {
	w.quiet, w.quietAt = true, w.now
	w.tracef("QUIET")
	for _, s := range w.servers {
		s.full = false
		w.press(s, &runtime.Pressure{})
	}
	for i, o := range w.owners {
		if !o.alive || o.paused {
			w.hire(task.ID(i))
		}
	}
	for _, o := range w.everyone {
		if o.paused {
			o.resume()
		}
	}
	w.after(calming, func() { w.over = true })
}

// finish judges the run.
func (w *world) finish() {
	w.result.Records = len(w.records)
	w.result.Took = time.Duration(w.now)
	if len(w.result.Violations) == 0 && w.result.Alarms == 0 {
		if err := w.errOpen(); err != nil {
			w.violate("not live: %v", err)
		}
		w.checkOrders()
		w.check()
		w.checkEmitted()
	}
	for _, o := range w.everyone {
		o.engine.Close()
	}
	for _, p := range w.programs {
		p.end()
	}
	if c, ok := w.workload.(interface{ killing(kill func()) }); ok {
		c.killing(nil) // the module's value outlives the run, and would keep the world
	}
}

func (w *world) serverOf(id task.ID) *server { return w.servers[int(id)%len(w.servers)] }

func (w *world) token() task.Token {
	var t task.Token
	binary.BigEndian.PutUint64(t[:8], w.random.Uint64()|1)
	binary.BigEndian.PutUint64(t[8:], w.random.Uint64())
	return t
}

func (w *world) lineage() task.Lineage {
	return task.Lineage{Run: fmt.Sprintf("%08x", w.random.Uint32()), Replication: fmt.Sprintf("%08x", w.random.Uint32())}
}

func (w *world) lineageOf(h *history) task.Lineage {
	if w.config.Plant == SameLineage {
		return task.Lineage{Run: "one", Replication: "one"}
	}
	if w.hidden {
		return task.Lineage{}
	}
	return h.lineage
}

// elapsed is a clock for how long events run, which the seed decides: at each look some time has
// passed, so that in some worlds each event takes too long, in others few or none. It is
// random of its own, that of the world goes on as if it had not been.
func (w *world) elapsed() func() time.Duration {
	r := rand.New(rand.NewPCG(w.config.Seed, 0x7969656c64^uint64(w.processes)))
	most := 1 + r.Int64N(int64(20*time.Millisecond))
	var now time.Duration
	return func() time.Duration {
		now += time.Duration(r.Int64N(most))
		return now
	}
}

// split draws a random source of its own for a process.
func (w *world) split() *rand.Rand {
	return rand.New(rand.NewPCG(w.random.Uint64(), w.random.Uint64()))
}

func (w *world) violate(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.tracef("VIOLATION %s", text)
	w.result.Violations = append(w.result.Violations, text)
}

func (w *world) tracef(format string, args ...any) {
	if w.config.Trace != nil {
		fmt.Fprintf(w.config.Trace, "%12.3f ms  %s\n", float64(w.now)/float64(millisecond), legible(fmt.Sprintf(format, args...)))
	}
}
