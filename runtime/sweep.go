package runtime

import (
	"time"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
)

// Values that migrate are turned when they are read. What nobody reads a task rewrites
// itself: pieces of a PState, one after another, as events among the others. Where the next
// piece begins goes out with the commit of the piece, so that a later owner goes on there. A
// piece that does not commit has not been.

// sweep is how far the task is with one PState.
type sweep struct {
	plan     *module.PStatePlan
	topology *topology
	id       string // of its migrations
	at       wire.Migration
	drawn    bool  // a piece is on its way
	readyAt  int64 // when the next one may be
	failed   string

	// Of the piece that runs.
	piece overlay.Upgrade
	next  []string
	done  bool
}

// sweepAgain is how long a PState rests of which a value cannot be migrated.
const sweepAgain = int64(5 * time.Second)

// newSweeps finds the PStates whose values migrate.
func (t *Task) newSweeps() {
	for _, p := range t.plan.PStates {
		if p.Decl == nil || len(p.Migrations) == 0 || p.Global && t.config.Task != 0 {
			continue
		}
		for _, topo := range t.topology {
			if topo.plan.Name == p.Topology {
				t.sweeps = append(t.sweeps, &sweep{plan: p, topology: topo, id: p.MigrationID()})
			}
		}
	}
}

// loadSweeps takes over how far the owners before were. What another migration noted is
// over: its values are of before again. A cursor into a map without an order meant
// something on another connection alone.
func (t *Task) loadSweeps(elements []store.Element) error {
	stored := map[string]string{}
	for _, e := range elements {
		stored[e.Field] = e.Value
	}
	for _, s := range t.sweeps {
		s.at, s.drawn, s.readyAt, s.failed = wire.Migration{ID: s.id}, false, 0, ""
		raw, ok := stored[s.plan.Name]
		if !ok {
			continue
		}
		m, err := wire.ParseMigration(raw)
		if err != nil {
			return err
		}
		if m.ID == s.id {
			s.at = m
			s.at.Cursor = overlay.Lasting(s.plan.Decl, m.Cursor)
		}
	}
	return nil
}

// drawSweeps draws a piece of the first PState that has one due. Pieces wait while the store
// is nearly full, and for a microbatch of their topology that the task takes part in: what its
// stage holds, perhaps in the form of before, is stored behind what a piece has seen.
func (t *Task) drawSweeps() {
	if t.finishing || t.pressure.StorePercent >= t.options.StoreStopPercent {
		return
	}
	for _, s := range t.sweeps {
		if s.at.Done {
			continue
		}
		if s.drawn {
			return
		}
		if m := s.topology.micro; t.now < s.readyAt || m != nil && !m.stands() {
			continue
		}
		s.drawn = true
		t.queue.drawn = append(t.queue.drawn, item{command: &order{sweep: s}})
		return
	}
}

// stands reports whether the task takes part in no microbatch of the topology, and holds no stage
// that may still be applied.
func (m *micro) stands() bool {
	return m.member != nil && m.member.Step() == microbatch.Out && m.member.Stage().ID != m.member.Stamp().ID+1
}

// runSweep runs a piece.
func (t *Task) runSweep(s *sweep) {
	s.piece = overlay.Upgrade{}
	t.view.Owner = s.plan.Topology
	s.next, s.done = s.piece.Part(t.view, s.plan.Decl, s.at.Cursor, t.options.MigrationElementsPerBatch)
}

// sweepRan notes how far the PState is, with the commit of the piece.
func (t *Task) sweepRan(s *sweep, err error) {
	s.drawn = false
	if err != nil {
		s.failed = err.Error()
		s.readyAt = t.now + sweepAgain
		if t.listener.MigrationFailed != nil {
			t.listener.MigrationFailed(MigrationInfo{TaskInfo: t.info, PState: s.plan.Name, Migration: s.id, Err: err})
		}
		return
	}
	s.failed = ""
	s.at.Cursor, s.at.Done = s.next, s.done
	s.at.Seen += int64(s.piece.Seen)
	s.at.Rewritten += int64(s.piece.Rewritten)
	if s.done {
		s.at.Cursor = nil
	}
	spent := s.piece.Seen
	if !s.done {
		spent = max(spent, t.options.MigrationElementsPerBatch) // keys count, too
	}
	s.readyAt = t.now + int64(spent)*int64(time.Second)/int64(t.options.MigrationElementsPerSecond)
	t.host.Scratch = wire.AppendMigration(t.host.Scratch[:0], &s.at)
	t.open.note(wire.MigrationsTable(t.config.Tag), store.Write{Field: s.plan.Name, Value: string(t.host.Scratch)})
}

// nextSweep is when the next piece is due.
func (t *Task) nextSweep(earlier func(int64)) {
	for _, s := range t.sweeps {
		if !s.at.Done && !s.drawn {
			earlier(s.readyAt)
		}
	}
}

// MigrationInfo is a piece of a migration.
type MigrationInfo struct {
	TaskInfo
	PState, Migration string
	Err               error
}

// MigrationStatus is how far a task is with the values of a PState that migrate.
type MigrationStatus struct {
	PState, Migration string
	Done              bool
	Seen, Rewritten   int64  // values that were looked at, and those of them that were of before
	Failed            string // why it does not go on; "": it does
}

func (t *Task) migrationStatus() (all []MigrationStatus) {
	for _, s := range t.sweeps {
		all = append(all, MigrationStatus{s.plan.Name, s.id, s.at.Done, s.at.Seen, s.at.Rewritten, s.failed})
	}
	return all
}
