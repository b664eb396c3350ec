package eventtree

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/runtime"
)

// Demo appends the record "A" and draws the tree of its events.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	w := &watcher{bySeed: map[uint64]runtime.EventInfo{}}
	launch.Listener = &runtime.Listener{EventEnd: w.end}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	if _, err := m.Keys.Append(ctx, c.Client(), "A"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draw(out, w.root, 0)
	fmt.Fprintf(out, "%d events\n", len(w.bySeed))
	return nil
}

// watcher collects the events of the one record, from all tasks.
type watcher struct {
	mu     sync.Mutex
	root   uint64
	bySeed map[uint64]runtime.EventInfo
}

func (w *watcher) end(e runtime.EventInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bySeed[e.Seed] = e
	if e.Root {
		w.root = e.Seed
	}
}

// draw prints an event and those that it sent off: their seeds follow from its
// own.
func (w *watcher) draw(out io.Writer, seed uint64, depth int) {
	e := w.bySeed[seed]
	fmt.Fprintf(out, "%s%s\n", strings.Repeat("  ", depth), e.Step)
	for i := range e.Children {
		w.draw(out, acker.Child(seed, uint32(i)), depth+1)
	}
}
