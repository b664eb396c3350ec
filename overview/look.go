package overview

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/transport"
)

// askedMax is how many owners are asked side by side.
const askedMax = 64

// Names of the options that hold a topology.
const (
	streamPaused     = "topology.stream.paused"
	microbatchPaused = "topology.microbatch.paused"
)

// look asks for everything, side by side.
func (o *Overview) look(ctx context.Context, w *watched, name string) (*Module, error) {
	at := o.config.Now()
	m := &Module{Name: name, At: at, Topologies: []Topology{}}
	var description client.Description
	var progress []client.SourceProgress
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		description, err = o.config.Cluster.Describe(asking, name)
		return err
	})
	group.Go(func() (err error) {
		progress, err = o.config.Cluster.Progress(asking, name, "")
		return err
	})
	group.Go(func() (err error) {
		m.Tasks, err = o.tasks(asking, name)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i := range description.Topologies {
		t, err := o.topology(ctx, name, &description.Topologies[i], progress, m.Tasks)
		if err != nil {
			return nil, err
		}
		m.Topologies = append(m.Topologies, t)
	}
	o.latencies(ctx, m)
	o.stuck(ctx, m)
	w.remember(m, o.config.Looks)
	o.oldest(ctx, m)
	m.Workers = workers(m.Tasks)
	for i := range m.Tasks {
		m.Parked += m.Tasks[i].Parked
		m.Tasks[i].Waits = waits(&m.Tasks[i])
	}
	m.Findings = findings(m)
	return m, nil
}

// tasks looks at the slots, and asks the owners.
func (o *Overview) tasks(ctx context.Context, name string) ([]Task, error) {
	infos, err := o.config.Cluster.Tasks(ctx, name)
	if err != nil {
		return nil, err
	}
	all := make([]Task, len(infos))
	ctx, cancel := context.WithTimeout(ctx, o.config.LookTimeout)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(askedMax)
	gone := &gone{}
	for i, info := range infos {
		t := &all[i]
		*t = Task{Task: info.Task, Owner: info.Owner, Epoch: info.Epoch, Commits: info.Commits, Parked: info.Parked}
		group.Go(func() error {
			o.ask(ctx, name, t, gone)
			return nil
		})
	}
	_ = group.Wait() // ask returns no error
	return all, nil
}

// gone are the workers that could not be reached in this look: their other tasks are not
// asked for.
type gone struct {
	mu        sync.Mutex
	addresses map[string]error
}

func (g *gone) of(address string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addresses[address]
}

func (g *gone) add(address string, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.addresses == nil {
		g.addresses = map[string]error{}
	}
	g.addresses[address] = why
}

// silent notes that the owner does not answer.
func (t *Task) silent(why error) {
	t.State, t.Error, t.Gone = TaskSilent, why.Error(), errors.Is(why, transport.ErrNoListener)
}

// ask has the owner of a task tell what it is at.
func (o *Overview) ask(ctx context.Context, name string, t *Task, gone *gone) {
	switch {
	case t.Owner == "":
		t.State = TaskNoOwner
		return
	case ctx.Err() != nil:
		t.State = TaskUnasked
		return
	}
	if why := gone.of(t.Owner); why != nil {
		t.silent(why)
		return
	}
	asking, cancel := context.WithTimeout(ctx, o.config.AnswerTimeout)
	defer cancel()
	s, err := o.config.Cluster.TaskStatus(asking, name, t.Task)
	switch {
	case errors.Is(err, client.ErrNoOwner):
		t.State = TaskNoOwner
	case err != nil:
		t.silent(err)
		if !errors.Is(err, context.DeadlineExceeded) { // a busy task says nothing of the others
			gone.add(t.Owner, err)
		}
	case s.Halted != nil:
		t.State, t.Error = TaskHalted, s.Halted.Error()
	case s.Running:
		t.State = TaskRuns
	default:
		t.State = TaskStarts
	}
	if err == nil {
		t.Status, t.told = statusOf(&s), told{s.TookAt, s.TakeOver, s.TookFrom}
		if !s.Head.Token.IsZero() {
			t.Epoch, t.Commits = s.Head.Token.String(), s.Head.Number
		}
	}
}

// latencies asks how long records of streams took, and microbatches.
func (o *Overview) latencies(ctx context.Context, m *Module) {
	ctx, cancel := context.WithTimeout(ctx, o.config.LookTimeout)
	defer cancel()
	all, err := o.config.Cluster.Latencies(ctx, m.Name)
	for i := range m.Topologies {
		t := &m.Topologies[i]
		of := eventtree.OfRecords
		if t.Kind == "microbatch" {
			of = eventtree.OfMicrobatches
		}
		l := all[t.Name]
		switch {
		case err != nil:
			l = eventtree.Latency{Of: of, Why: "the workers could not be asked: " + err.Error()}
		case l == eventtree.Latency{}:
			l = eventtree.LatencyOf(of, nil)
		}
		t.Latency = &l
	}
}

// stuck names the handlers that hold up tasks which do not answer. What cannot be asked is left
// out: that they are silent is told all the same.
func (o *Overview) stuck(ctx context.Context, m *Module) {
	if !slices.ContainsFunc(m.Tasks, func(t Task) bool { return t.State == TaskSilent }) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, o.config.LookTimeout)
	defer cancel()
	handlers, err := o.config.Cluster.Stuck(ctx, m.Name, 0)
	if err != nil {
		return
	}
	for _, h := range handlers {
		if h.Task >= 0 && int(h.Task) < len(m.Tasks) && m.Tasks[h.Task].State == TaskSilent {
			m.Tasks[h.Task].Handler = &h
		}
	}
}

// oldest asks what the oldest record waits for of each topology that stands.
func (o *Overview) oldest(ctx context.Context, m *Module) {
	ctx, cancel := context.WithTimeout(ctx, o.config.LookTimeout)
	defer cancel()
	for i := range m.Topologies {
		t := &m.Topologies[i]
		if !t.stands(m.At) {
			continue
		}
		trees, err := o.config.Cluster.Trees(ctx, m.Name, client.TreeFilter{Topology: t.Name, Limit: 1})
		if err != nil || len(trees) == 0 || trees[0].State.Over() {
			continue
		}
		t.Oldest = &trees[0]
		whole, err := o.config.Cluster.Tree(ctx, m.Name, trees[0].Depot, trees[0].Partition, trees[0].Offset)
		for _, one := range whole {
			if err == nil && one.Topology == t.Name && one.Source == trees[0].Source && one.Waits != "" {
				one.Events = nil // its page has them
				t.Oldest = &one
			}
		}
	}
}

// topology adds up the partitions of its sources, and what the tasks tell of them.
func (o *Overview) topology(ctx context.Context, module string, d *client.TopologyInfo, progress []client.SourceProgress, tasks []Task) (Topology, error) {
	t := Topology{Name: d.Name, Kind: d.Kind, ExactlyOnce: d.ExactlyOnce, Sources: []Source{}}
	option := streamPaused
	if t.Kind == "microbatch" {
		option = microbatchPaused
	}
	paused, err := o.config.Cluster.Option(ctx, module, client.OptionScope{Topology: d.Name}, option)
	if err != nil {
		return t, err
	}
	t.Paused = paused.Value == "true"
	for _, s := range d.Sources {
		source := Source{Name: s.Name, Depot: s.Depot, Begun: true, Partitions: []Partition{}}
		for i := range progress {
			if p := &progress[i]; p.Topology == d.Name && p.Source == s.Name {
				source.add(p)
			}
		}
		t.Sources = append(t.Sources, source)
		t.Done, t.End, t.Lag = t.Done+source.Done, t.End+source.End, t.Lag+source.Lag
	}
	for i := range tasks {
		if tasks[i].Status == nil {
			continue
		}
		t.Paused = t.Paused || slices.Contains(tasks[i].Status.Paused, d.Name) // its worker may have been started so
		for _, s := range tasks[i].Status.Streams {
			if s.Topology == d.Name {
				t.hold(&s)
			}
		}
		for _, s := range tasks[i].Status.Sources {
			if s.Topology == d.Name {
				t.Waiting, t.Retries = t.Waiting+s.Waiting, t.Retries+s.Retries
			}
		}
	}
	return t, nil
}

func (s *Source) add(p *client.SourceProgress) {
	s.Ticks = s.Ticks || p.Ticks
	s.Begun = s.Begun && p.Begun
	if p.Ticks {
		return
	}
	s.Partitions = append(s.Partitions, Partition{p.Partition, p.Begun, p.Next, p.Ahead, p.End, p.Lag})
	s.End += p.End
	if p.Begun {
		s.Done, s.Lag = s.Done+p.Next+p.Ahead, s.Lag+p.Lag
	}
}
