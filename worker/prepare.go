package worker

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
)

// prepare has the module's code make a record of its JSON form, for a client that has not
// got the code.
func (l *loaded) prepare(q *wire.PrepareRequest) *wire.Prepared {
	out := &wire.Prepared{Partition: -1}
	depot, ok := l.plan.Depot(q.Depot)
	if !ok {
		out.Wrong = fmt.Sprintf("module %s has no depot %q", l.plan.Module, q.Depot)
		return out
	}
	if depot.Prepare == nil {
		out.Wrong = fmt.Sprintf("depot %q takes no records", q.Depot)
		return out
	}
	r, err := depot.Prepare(q.JSON)
	if err == nil && r.Choose != nil {
		var p int
		p, err = r.Choose(depot.Partitions(l.tasks))
		out.Partition = int32(p)
	}
	if err != nil {
		out.Wrong = err.Error()
		return out
	}
	out.Value, out.Key = r.Value, r.Key
	return out
}
