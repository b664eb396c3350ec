package simulation

import (
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// taskReader reads from one task, whatever the key.
type taskReader struct {
	w   *world
	tag string
}

// StateView makes a taskReader a pstate.Reader.
func (r taskReader) StateView() *overlay.View { return overlay.NewDirect(r) }

// Slot is the task's, of any key.
func (r taskReader) Slot(*overlay.Path) (store.Slot, error) { return wire.Slot(r.tag), nil }

func (r taskReader) Read(slot store.Slot, reads []store.Read) error { return r.w.Read(slot, reads) }
