package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
)

// parkEvent puts an event of an exactly-once topology aside, in the commit that goes
// past it: the event alone, since what came before it is committed and stays.
func (t *Task) parkEvent(it *item, why error) {
	e := &it.frame.Events[it.index]
	step := t.steps[e.Step]
	value, err := it.frame.Columns[e.Step].AppendEncoded(nil, int(e.Index))
	if err != nil {
		t.halt(fmt.Errorf("parking an event of step %s: %w", step.Name, err)) // it was stored before
		return
	}
	p := wire.ParkedRecord{
		Version: 1, Topology: step.Topology, Source: t.plan.Streams[step.TopologyID()].Sources[e.Source].Name,
		Partition: int32(e.Root), Offset: e.Offset, TimeMillis: e.Time,
		Step: step.Name, Event: wire.GroupField(e.Seed), Task: t.config.Task,
		Reason: "step " + step.Name + ": " + why.Error(), Attempts: max(it.inbox.failures, 1),
	}
	p.Text, p.Bytes = textOrBytes(value)
	path := t.parkedPath(p.Field())
	t.bookkeep(func() { overlay.Set(t.view, &path, &p) })
}
