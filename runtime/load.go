package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// ownTables are what a new owner reads first: the progress of each topology, the
// numbers of attempts, the generations, the channels. None of them grows with the
// PStates.
func (t *Task) ownTables() []store.Table {
	var tables []store.Table
	for _, topo := range t.topology {
		tables = append(tables, topo.table)
	}
	tag := t.config.Tag
	for _, m := range t.micros.all {
		tables = append(tables, wire.StageTable(t.config.Tag, m.topology.plan.Name))
	}
	return append(tables, wire.AttemptsTable(tag), wire.GenerationsTable(tag), wire.ChannelsTable(tag), wire.OutboxTable(tag), wire.GroupsTable(tag), wire.EndingsTable(tag), wire.CallsTable(tag),
		wire.AppendsTable(tag), wire.SendersTable(tag), wire.MigrationsTable(tag))
}

// load takes over what the slot holds.
func (t *Task) load(reads []store.Read) {
	own := reads[len(t.topology)+len(t.micros.all):]
	if err := t.loadGenerations(own[1].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadAttempts(own[0].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadEndings(own[5].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadAppends(own[7].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadSenders(own[8].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadSweeps(own[9].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadHops(own[2].Elements, own[3].Elements, own[4].Elements, own[6].Elements); err != nil {
		t.halt(err)
		return
	}
	t.loadProgress(reads)
}

// loadProgress reads the stored progress of every source.
func (t *Task) loadProgress(reads []store.Read) {
	stages := reads[len(t.topology):]
	for i, topo := range t.topology {
		stored := map[string]string{}
		for _, e := range reads[i].Elements {
			stored[e.Field] = e.Value
		}
		topo.writtenAt = t.now
		t.empty = t.empty && len(stored) == 0
		if topo.micro != nil {
			if err := t.loadMicro(topo, stored, stages[0].Elements); err != nil {
				t.halt(err)
				return
			}
			stages = stages[1:]
		}
		for _, s := range topo.sources {
			text, ok := stored[s.plan.Name]
			if !ok {
				t.effects.Starts = append(t.effects.Starts, StartQuery{Topology: topo.plan.Name, Source: s.plan.Name, Depot: s.plan.Depot.Name, Start: s.plan.Start})
				continue
			}
			stored, err := progress.Parse(text)
			if err != nil {
				t.halt(fmt.Errorf("stored progress of source %s: %w", s.plan.Name, err))
				return
			}
			s.resume(stored)
		}
	}
	if len(t.effects.Starts) > 0 {
		t.phase = starting
		return
	}
	t.openObjects()
}

func (t *Task) onStartsDone(in *StartsDone) {
	if t.phase != starting {
		return
	}
	if in.Err != nil {
		t.drop(fmt.Errorf("finding where sources begin: %w", in.Err))
		return
	}
	if in.HadData && t.empty {
		t.halt(ErrSlotEmpty)
		return
	}
	i := 0
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			if !s.known && i < len(in.Starts) {
				s.progress, s.known = progress.New(in.Starts[i].Offset, in.Starts[i].Topic), true
				topo.dirty = true
				i++
			}
		}
	}
	t.openObjects()
}

// openSlot sends the first commit of the ownership period, also without work:
// it notes what this period replaced (R3) and where new sources begin.
func (t *Task) openSlot() {
	t.phase = opening
	b := t.newBatch()
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			s.keepStored()
		}
	}
	t.forgetKept(b)
	t.storeHops(b)
	t.storeEndings(b)
	t.noteSenders(b)
	t.noteMicroProgress(b)
	b.openBooks()
	t.writeProgress(b)
	t.send(b)
}

// opened starts the sources.
func (t *Task) opened() {
	t.phase = running
	t.tries = 0
	t.host.Out = host.NewOutbox(t.config.Tasks, t.plan.StepCount, t.config.EncodeHops, &t.pool)
	t.host.Out.Gone = func(p *host.Piece) { t.unwanted(p.ID) }
	t.boundOutbox()
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			t.firstGeneration(s)
		}
	}
	t.answerOver()
	t.sendLines()
	for _, f := range t.allFeeds() {
		if t.startFeed(f); t.phase == halted {
			return
		}
	}
	t.tellShut()
	t.greet()
	t.resumeHops()
	t.beginCalls()
	t.counts.Takes++
	t.owns()
	if t.listener.Took != nil {
		t.listener.Took(TookInfo{TaskInfo: t.info, Head: t.head.Mark, Replaced: t.head.Replaced})
	}
}

// greet tells every other task that this one has a new owner, so that trees
// whose events were lost with the old one, or came before there was one, fail at
// once (R19).
func (t *Task) greet() {
	for i := range t.config.Tasks {
		if task.ID(i) != t.config.Task {
			t.ship(&wire.Frame{To: task.ID(i)})
		}
	}
}
