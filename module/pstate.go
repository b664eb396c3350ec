package module

import (
	"fmt"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
)

// PState declares a PState that this topology writes; h points to its handle,
// whose type is the schema. Any topology and client may read it, unless it is
// pstate.Private; what they see is committed.
func (s *Stream) PState(h pstate.Schema, name string, options ...pstate.Option) {
	s.declarePState(h, name, false, options)
}

func (s *Stream) declarePState(h pstate.Schema, name string, temporary bool, options []pstate.Option) {
	thing := s.b.declare("PState", name, h)
	if h == nil || isNil(h) {
		if h == nil {
			s.b.mistake(thing, "its handle is nil", "pass the address of a field of the module")
		}
		return
	}
	d := &overlay.Decl{Module: s.b.plan.Module, ID: len(s.b.plan.PStates), Name: name, Owner: s.plan.Name, Temporary: temporary}
	for _, err := range pstate.Declare(h, d, options...) {
		s.b.mistake(thing, err.Error(), "")
	}
	s.b.plan.PStates = append(s.b.plan.PStates, planOf(d, s.plan.Name))
}

func planOf(d *overlay.Decl, topology string) *PStatePlan {
	p := &PStatePlan{Name: d.Name, Topology: topology, Decl: d, Global: d.Global, Private: d.Private, Temporary: d.Temporary, OwnPartitioner: d.Partition != nil, Initial: d.Initial}
	if d.Schema != nil {
		p.Schema, p.Layout = d.Schema.Text, pstate.LayoutOf(d.Schema)
		p.Migrations = p.Layout.AllMigrations()
	}
	return p
}

// Progress says which records of a depot partition a source is done with: all
// below Next, and those for which Done holds.
type Progress = progress.Progress

// Progress binds a handle to the stream's own progress, the PState
// $$__streaming-state-<stream> (promise 3.47): on each task, by the name of the
// source. The engine alone writes it; any topology and client may read it.
func (s *Stream) Progress(h *pstate.Map[string, Progress]) {
	name := wire.ProgressName(s.plan.Name)
	thing := fmt.Sprintf("PState %q", name)
	if s.b.names[thing] {
		s.b.mistake(thing, "declared twice", "bind the progress of a stream to one handle")
	}
	s.b.names[thing] = true
	d := &overlay.Decl{Module: s.b.plan.Module, ID: len(s.b.plan.PStates), Name: name, Owner: progressOwner, Volatile: true}
	for _, err := range pstate.Declare(h, d, pstate.Codec(progressCodec)) {
		s.b.mistake(thing, err.Error(), "")
	}
	s.b.plan.PStates = append(s.b.plan.PStates, planOf(d, s.plan.Name))
}

// progressCodec stores progress as the engine does.
var progressCodec = codec.Of("progress",
	func(dst []byte, p *Progress) ([]byte, error) { return p.AppendText(dst), nil },
	func(raw []byte, p *Progress) (err error) {
		*p, err = progress.Parse(string(raw))
		return err
	})

// progressOwner is no topology's name: no handler may write a progress.
const progressOwner = "$$engine"
