package client

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// tornLog is a log that does not have a topic any more.
type tornLog struct {
	depot.Log
	without string
}

var errNoTopic = errors.New("there is no such topic")

func (l *tornLog) Bounds(_ context.Context, topic string, partition int32) (start, end int64, err error) {
	if topic == l.without {
		return 0, 0, errNoTopic
	}
	return 0, 10 + int64(partition), nil
}

// blank is a store that holds nothing.
type blank struct{ store.Store }

func (blank) Read(context.Context, store.Slot, []store.Read) (task.Head, error) {
	return task.Head{}, nil
}

// A depot that cannot be read says so in its own progress, and the others are told.
func TestProgressOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	plan := &module.Plan{Module: "m"}
	for _, name := range []string{"kept", "lost"} {
		d := &module.DepotPlan{Name: name}
		plan.Depots = append(plan.Depots, d)
		plan.Streams = append(plan.Streams, &module.StreamPlan{Name: "of " + name, Sources: []*module.SourcePlan{{Name: "s", Depot: d}}})
	}
	b := &bound{name: "m", tasks: 2, plan: plan, spread: plan}
	for i := range b.tasks {
		b.slots = append(b.slots, wire.Slot(task.Tag("m", task.ID(i), b.tasks)))
	}
	c := &Client{config: Config{Log: &tornLog{without: "coppice.m.lost"}, Store: blank{}}, modules: map[string]*bound{"m": b}}
	all, err := c.Progress(t.Context(), "m", "")
	if !errors.Is(err, errNoTopic) || len(all) != 4 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, p := range all {
		if p.Topic != "coppice.m."+p.Depot || (p.Depot == "lost") != strings.Contains(p.Error, errNoTopic.Error()) || p.Depot == "kept" && p.End != 10+int64(p.Partition) {
			t.Errorf("%+v", p)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if all, err := c.Progress(ended, "m", ""); all != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("for who has gone: %v, %v", all, err)
	}
}
