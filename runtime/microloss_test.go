package runtime_test

import (
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Events of a microbatch are lost on their way: whoever hears that the connection is gone has
// the attempt fail at once, and the next one brings them. Nobody waits for the timeout (R34).
func TestALostEventFailsItsMicrobatch(t *testing.T) {
	t.Parallel()
	for _, lost := range []struct {
		name         string
		from, to     task.ID
		heard, other task.ID // who hears it, and of whom
	}{
		{name: "the coordinator hears it of a task", from: 1, to: 0, heard: 0, other: 1},
		{name: "a task hears it of another", from: 1, to: 2, heard: 1, other: 2},
	} {
		t.Run(lost.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, newBatches(), 3, runtime.Options{})
			w.tasks[lost.from].give(0, node{At: int(lost.from), Name: "root", Below: []node{leaf(int(lost.to), "event")}})
			w.lose(func(f *wire.Frame) bool { return f.From == lost.from && f.To == lost.to && len(f.Events) > 0 })
			w.settle()
			if got := w.tasks[lost.to].seen("event"); got != "" {
				t.Fatalf("the event took effect %q times before it was sent again", got)
			}
			begun := w.now
			w.tasks[lost.heard].step(&runtime.PeerLost{Task: lost.other})
			w.settle()
			if root, event := w.tasks[lost.from].seen("root"), w.tasks[lost.to].seen("event"); root != "1" || event != "1" {
				t.Errorf("after %d ms the record took effect %q times, and its event %q", (w.now-begun)/1e6, root, event)
			}
		})
	}
}

// lose lets commits be confirmed and frames arrive until there is one that is lost.
func (w *town) lose(lost func(*wire.Frame) bool) {
	w.t.Helper()
	for range 1000 {
		for _, c := range w.tasks {
			for c.pending != nil {
				c.commit()
			}
		}
		if len(w.frames) == 0 {
			w.wait(25e6)
			continue
		}
		f := w.frames[0]
		w.frames = w.frames[1:]
		if lost(f) {
			return
		}
		w.deliver(f)
	}
	w.t.Fatal("no such frame was sent")
}
