package overview

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

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

// look asks for everything, side by side where one answer needs no other. The workers have one
// deadline for all that they are asked, and who is known to be gone is asked nothing more.
func (o *Overview) look(ctx context.Context, w *watched, name string, at time.Time) (*Module, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.ServerTimeout)
	defer cancel()
	m := &Module{Name: name, At: at, Topologies: []Topology{}}
	var description client.Description
	var progress []client.SourceProgress
	var paused []bool // by topology
	var untold error  // why nobody can tell which are
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if description, err = o.describe(asking, w, name); err == nil {
			paused, untold = o.paused(asking, name, description.Topologies)
		}
		return err
	})
	group.Go(func() (err error) {
		if progress, err = o.config.Cluster.Progress(asking, name, ""); progress != nil {
			return nil // some of it cannot be read, and says so
		}
		return err
	})
	var left time.Duration // of the workers' time: what servers take is not theirs
	group.Go(func() (err error) {
		left, err = o.tasks(asking, m)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	m.description = description
	unread := slices.ContainsFunc(progress, func(p client.SourceProgress) bool { return p.Error != "" })
	if untold != nil && !unread { // else it is told that the log does not answer, with all that others know
		return nil, untold
	}
	for i := range description.Topologies {
		m.Topologies = append(m.Topologies, topology(&description.Topologies[i], paused[i], progress, m.Tasks))
	}
	workers, cancel := context.WithTimeout(m.WithoutGone(ctx), left)
	defer cancel()
	o.held(workers, m)
	w.remember(m, o.config.Looks)
	o.oldest(workers, m)
	m.judge()
	return m, nil
}

// judge adds up what was seen, and says what is not as it should be.
func (m *Module) judge() {
	m.Workers = workers(m.Tasks)
	for i := range m.Tasks {
		m.Parked += m.Tasks[i].Parked
		m.Tasks[i].Waits = waits(&m.Tasks[i])
	}
	m.Findings = append(unread(m), findings(m)...)
}

// paused asks which topologies are held by a hand.
func (o *Overview) paused(ctx context.Context, module string, all []client.TopologyInfo) ([]bool, error) {
	paused := make([]bool, len(all))
	var group errgroup.Group
	group.SetLimit(askedMax)
	for i := range all {
		group.Go(func() error {
			option := streamPaused
			if all[i].Kind == "microbatch" {
				option = microbatchPaused
			}
			value, err := o.config.Cluster.Option(ctx, module, client.OptionScope{Topology: all[i].Name}, option)
			paused[i] = value.Value == "true"
			return err
		})
	}
	return paused, group.Wait()
}

// held tells which handlers hold up tasks, and how long records take.
func (o *Overview) held(ctx context.Context, m *Module) {
	var wait sync.WaitGroup
	wait.Go(func() { o.stuck(ctx, m) })
	latencies, err := o.config.Cluster.Latencies(ctx, m.Name)
	wait.Wait()
	for i := range m.Topologies {
		m.Topologies[i].took(latencies, err)
	}
}

// tasks looks at the slots, and asks the owners. left is what the workers have left of their time.
func (o *Overview) tasks(ctx context.Context, m *Module) (left time.Duration, err error) {
	infos, err := o.config.Cluster.Tasks(ctx, m.Name)
	if err != nil {
		return 0, err
	}
	until := time.Now().Add(o.config.LookTimeout)
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	m.Tasks = make([]Task, len(infos))
	var group errgroup.Group
	group.SetLimit(askedMax)
	var gone gone
	for i, info := range infos {
		t := &m.Tasks[i]
		*t = Task{Task: info.Task, Owner: info.Owner, Epoch: info.Epoch, Commits: info.Commits, Parked: info.Parked}
		group.Go(func() error {
			o.ask(ctx, m.Name, t, &gone)
			return nil
		})
	}
	_ = group.Wait() // ask returns no error
	m.gone = gone.all()
	return time.Until(until), nil
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
		if t.Gone { // whatever else goes wrong with one task says nothing of the others
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

// took tells how long records of a stream took, or microbatches.
func (t *Topology) took(all map[string]eventtree.Latency, err error) {
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

// stuck names the handlers that hold up tasks which do not answer. What cannot be asked is left
// out: that they are silent is told all the same.
func (o *Overview) stuck(ctx context.Context, m *Module) {
	if !slices.ContainsFunc(m.Tasks, func(t Task) bool { return t.State == TaskSilent }) {
		return
	}
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
	var group errgroup.Group
	group.SetLimit(askedMax)
	for i := range m.Topologies {
		if t := &m.Topologies[i]; t.stands(m.At) {
			group.Go(func() error {
				o.oldestOf(ctx, m.Name, t)
				return nil
			})
		}
	}
	_ = group.Wait() // what cannot be asked is left out
}

func (o *Overview) oldestOf(ctx context.Context, module string, t *Topology) {
	trees, err := o.config.Cluster.Trees(ctx, module, client.TreeFilter{Topology: t.Name, Limit: 1})
	if err != nil || len(trees) == 0 || trees[0].State.Over() {
		return
	}
	t.Oldest = &trees[0]
	whole, err := o.config.Cluster.Tree(ctx, module, trees[0].Depot, trees[0].Partition, trees[0].Offset)
	for _, one := range whole {
		if err == nil && one.Topology == t.Name && one.Source == trees[0].Source && one.Waits != "" {
			one.Events = nil // its page has them
			t.Oldest = &one
		}
	}
}

// topology adds up the partitions of its sources, and what the tasks tell of them.
func topology(d *client.TopologyInfo, paused bool, progress []client.SourceProgress, tasks []Task) Topology {
	t := Topology{Name: d.Name, Kind: d.Kind, ExactlyOnce: d.ExactlyOnce, Paused: paused, Sources: []Source{}}
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
	return t
}

func (s *Source) add(p *client.SourceProgress) {
	s.Ticks = s.Ticks || p.Ticks
	s.Begun = s.Begun && p.Begun
	if p.Topic != "" {
		s.Topic = p.Topic
	}
	if s.Error == "" {
		s.Error = p.Error
	}
	if p.Ticks {
		return
	}
	s.Partitions = append(s.Partitions, Partition{p.Partition, p.Begun, p.Next, p.Ahead, p.End, p.Lag, p.Error})
	s.End += p.End
	if p.Begun {
		s.Done, s.Lag = s.Done+p.Next+p.Ahead, s.Lag+p.Lag
	}
}
