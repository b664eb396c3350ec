package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/reading"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// resultBytesMax bounds what a query may answer: it is held whole by worker and asker.
const resultBytesMax = 4 << 20

// query answers a question about a module of this worker.
func (w *Worker) query(ctx context.Context, l *loaded, q *wire.QueryRequest) *wire.QueryAnswer {
	p, ok := l.plan.Query(q.Name)
	if !ok {
		return &wire.QueryAnswer{End: wire.QueryUnknown, Text: l.queries()}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	result, err := module.RunQuery(ctx, p, &views{w: w, l: l}, q.Argument)
	var wrong *module.ArgumentError
	switch {
	case errors.As(err, &wrong):
		return &wire.QueryAnswer{End: wire.QueryWrong, Text: err.Error()}
	case err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return &wire.QueryAnswer{End: wire.QueryLate, Text: fmt.Sprintf("no answer after %v: ask for less, or give it more time with QueryTimeout", p.Timeout)}
	case err != nil:
		return &wire.QueryAnswer{End: wire.QueryFailed, Text: err.Error()}
	case len(result) > resultBytesMax:
		return &wire.QueryAnswer{End: wire.QueryTooLarge, Text: fmt.Sprintf("%d bytes, an answer may have %d: have the query answer less, or in pages", len(result), resultBytesMax)}
	}
	return &wire.QueryAnswer{Result: result}
}

// queries words which queries the module has.
func (l *loaded) queries() string {
	if len(l.plan.Queries) == 0 {
		return "the module has no queries"
	}
	names := make([]string, len(l.plan.Queries))
	for i, q := range l.plan.Queries {
		names[i] = q.Name
	}
	return "the module has " + strings.Join(names, ", ")
}

// views are what queries of a module read. The question's module is l.
type views struct {
	w *Worker
	l *loaded
}

func (v *views) Tasks() int { return v.l.tasks }

func (v *views) At(ctx context.Context, id task.ID) *overlay.View {
	d := reading.Direct{Modules: v, Store: v.w.config.Store, Ctx: ctx, Task: id}
	return d.View()
}

// Slots are those of the module itself, or of one that it mirrors something of.
func (v *views) Slots(name string) ([]store.Slot, error) {
	if name == v.l.plan.Module {
		return v.l.slots, nil
	}
	f := v.l.foreign[name]
	if f == nil {
		return nil, fmt.Errorf("module %s mirrors nothing of a module %q", v.l.plan.Module, name)
	}
	return f.slots, nil
}
