package runtime

import (
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Config is what a task is made of. Everything that is not determined by its
// inputs comes in here.
type Config struct {
	// Plan is the module's, Task the one of its Tasks that this is.
	Plan    *module.Plan
	Task    task.ID
	Tasks   int
	Tag     string // task.Tag of the three above
	Address string // of the worker, noted in the head (R6)
	Random  *rand.Rand
	// NewToken makes the name of an ownership period: random, never twice.
	NewToken func() task.Token
	Options  Options
	// Elapsed is the time of a clock that never goes back, for how long an event runs
	// (worker.event.target.max.millis); nil: no event runs for too long.
	Elapsed    func() time.Duration
	EncodeHops bool // keep payloads in their stored form, also within a process
	Listener   *Listener
	// Watch, if set, is told which handler runs.
	Watch *Watch
}

// phase is where a task is in its life.
type phase uint8

const (
	idle      phase = iota // before Start, or stopped
	taking                 // Take is under way, or its pause before
	loading                // reading its progress from the slot
	starting               // finding where new sources begin
	preparing              // the task's objects are being opened
	opening                // the first commit of the ownership period is under way (R3)
	running
	halted
)

func (p phase) String() string {
	return [...]string{"idle", "taking", "loading", "starting", "preparing", "opening", "running", "halted"}[p]
}

// Task is the engine of one task. Not for concurrent use.
type Task struct {
	config   Config
	options  Options
	plan     *module.Plan
	steps    []*module.StepPlan
	topology []*topology
	streamed []*source // of stream topologies
	feeds    []*feed   // read for streams
	micros   micros
	listener Listener
	info     TaskInfo
	counts   Counts
	// following: somebody wants to hear of followed records, among them those whose numbers
	// are up to sampleBelow.
	following   bool
	sampleBelow uint64
	// sourceBase is the number of each topology's first source, counted over all of them.
	sourceBase []int

	phase     phase
	halted    error // why the task has halted for good
	finishing bool  // no more records are begun
	finished  bool  // and those that were are done, as was told
	nominated bool
	pressure  Pressure
	anyWhole  bool // some topology's batches fail as one
	objects   objects
	yields    bool // some topology's events may yield
	empty     bool // the slot held no progress when it was taken
	now       int64
	effects   Effects

	// ownership
	head     task.Head // as committed last
	lineage  task.Lineage
	tenure   tenure
	tries    int       // take-overs that failed in a row
	retakeAt int64     // when to try again; 0: not waiting
	doubt    *batch    // its commit's reply was lost (R11)
	held     *batch    // applied, and not known to be safe: it leaves with the next commit (R41)
	known    task.Mark // the newest commit that this owner knows of, to notice a regression
	numbers  []uint64  // of the last frame to each task, in this period
	peers    []peer
	heard    []task.Mark // the last frame of each task: its sender's token and its number
	// generations are the newest that this task has heard of (R21); in the slot, too.
	generations map[generationKey]task.Mark

	// running
	view     *overlay.View
	accesses overlay.Accesses // of the running event
	event    *module.Event
	host     *host.Event
	pool     host.Pool
	ledger   *acker.Ledger[rooted]
	queue    queue
	spills   spills
	co       coroutine
	began    beganRecord
	// eventBegan is when the running event began, by Config.Elapsed.
	eventBegan time.Duration
	gates      []*gate    // of what is held; nil: nothing
	crashes    []*CrashAt // that are to come
	open       *batch
	inflight   *batch
	spare      []*batch
	reading    bool          // Reads is under way
	reads      seen          // of the handler that waits for them, if there is a Watch
	reader     *overlay.View // that they are for
	shuffle    []task.ID

	emissions emissions

	// completing
	unproven   []acker.Ref // complete trees whose acks are not yet shown (R13)
	proving    []acker.Ref // those of them that the question under way is about
	asked      bool        // Heads is under way
	looking    looking     // for the head of the task wanted
	wanted     task.ID
	holding    int     // frames of other periods that wait for a look (R16)
	own        looking // at the task's own head (R18)
	lookedAt   int64   // when that was last shown
	metBefore  int64   // when the newest owner of a peer had been heard of
	doom       error   // why the task halts if it is still the owner
	waiters    map[recordKey]*waiting
	orders     []*order // of people, about parked records
	parkedDecl *overlay.Decl
	endings    []ending // noted, and not in a batch yet

	// exactly once over hops
	exact      bool // some topology is
	directory  *Directory
	sweeps     []*sweep // of PStates whose values migrate
	hops       hops
	batches    uint64 // that were begun
	released   uint64 // the last of them that is committed
	heldEvents map[task.ID]heldEvent
	root       rootEvent // that runs
	busy       *inbox    // whose event runs
	calls      calls
}

// topology is one stream topology on this task.
type topology struct {
	plan      *module.StreamPlan
	sources   []*source
	options   Options
	executing int  // records begun and not finished
	owed      int  // those of them that are consumed: they finish whoever owns the task
	limited   bool // executing has reached its limit
	table     store.Table
	dirty     bool  // some source's progress is ahead of the slot
	finished  int   // records finished since the progress was written
	writtenAt int64 // when it was
	deadlines []deadline

	groupDeadlines []groupDeadline

	micro *micro // of a microbatch topology, else nil
}

// New returns a task that waits for Start.
func New(config Config) *Task {
	t := &Task{
		config: config, options: config.Options.WithDefaults(), plan: config.Plan, steps: config.Plan.Steps(),
		nominated: true, waiters: map[recordKey]*waiting{}, heard: make([]task.Mark, config.Tasks),
		info: TaskInfo{Module: config.Plan.Module, Task: config.Task, Address: config.Address},
	}
	t.listen(config.Listener)
	byDepot, byMicro := map[string]*feed{}, map[string]*feed{}
	readings := map[string]*uint64{}
	for _, plan := range config.Plan.Streams {
		topo := &topology{plan: plan, options: t.options, table: wire.TopologyTable(config.Tag, plan.Name, plan.Microbatch)}
		for _, sp := range plan.Sources {
			if _, reads := sp.Depot.Partition(config.Task, config.Tasks); !reads {
				continue // a global depot, which task 0 reads, or a topic with fewer partitions
			}
			if readings[sp.Depot.Name] == nil {
				readings[sp.Depot.Name] = new(uint64)
			}
			feeds, list, first := byDepot, &t.feeds, 0
			if plan.Microbatch {
				feeds, list, first = byMicro, &t.micros.feed, StreamStrands
			}
			f := feeds[sp.Depot.Name]
			if f == nil {
				f = newFeed(sp.Depot.Name, t.options, first, readings[sp.Depot.Name])
				feeds[f.depot] = f
				*list = append(*list, f)
			}
			s := &source{plan: sp, topology: topo, feed: f}
			f.sources = append(f.sources, s)
			topo.sources = append(topo.sources, s)
			if !plan.Microbatch {
				t.streamed = append(t.streamed, s)
			}
		}
		if plan.Microbatch {
			t.addMicro(topo)
		}
		t.topology = append(t.topology, topo)
	}
	if t.exact = exact(config.Plan); t.exact {
		t.directory = NewDirectory(config.Plan, t.steps)
		t.hops.pack = wire.NewPacker(t.directory)
		t.heldEvents = map[task.ID]heldEvent{}
	}
	t.newSweeps()
	for n, plan := 0, config.Plan.Streams; len(t.sourceBase) < len(plan); {
		t.sourceBase = append(t.sourceBase, n)
		n += len(plan[len(t.sourceBase)-1].Sources)
	}
	t.noteWhole()
	t.parkedDecl = parkedDecl(config.Plan.Module, len(config.Plan.PStates))
	t.event = module.NewEvent()
	t.host = module.HostOf(t.event)
	t.host.Module, t.host.Task, t.host.Tasks = config.Plan.Module, config.Task, config.Tasks
	t.host.OpenTree = t.openTree
	t.host.Overtime = t.overtime
	for _, s := range t.plan.Streams {
		t.yields = t.yields || s.Yields
	}
	t.host.Shuffled = t.nextShuffled
	t.host.Spill = t.spillOut
	return t
}

// Close ends the task's coroutine; the task is of no more use.
func (t *Task) Close() { t.co.stop() }
