package export

import (
	"slices"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/telemetry"
)

// Above level applied a commit is EXEC and WAIT, or WAITAOF, in one write and one span. So the span
// of the pipeline has an event at the time at which EXEC was answered: what came before it is the
// transaction, what comes behind it the replicas or the disk. Only commits whose pipeline has a
// span come here.

// answered notes when the reply of a command has been read: the client sets the error then, also
// where there is none, and once more when it is done with the pipeline.
type answered struct {
	redis.Cmder
	span  trace.Span
	noted bool
}

// SetErr notes it.
func (a *answered) SetErr(err error) {
	a.Cmder.SetErr(err)
	if err == nil && !a.noted {
		a.noted = true
		a.span.AddEvent(telemetry.ExecAnswered)
	}
}

// noting has the reply of EXEC noted, if something waits for a level behind it.
func noting(cmds []redis.Cmder, span trace.Span) []redis.Cmder {
	at := lastNamed(cmds, "exec")
	if at < 0 || lastNamed(cmds[at:], "wait", "waitaof") < 0 {
		return cmds
	}
	cmds = slices.Clone(cmds)
	cmds[at] = &answered{Cmder: cmds[at], span: span}
	return cmds
}

// lastNamed finds the last command with one of these names among the last few: what makes sure
// of the head comes behind them. -1: there is none.
func lastNamed(cmds []redis.Cmder, names ...string) int {
	const behind = 8
	for i := len(cmds) - 1; i >= max(0, len(cmds)-behind); i-- {
		if slices.Contains(names, cmds[i].Name()) {
			return i
		}
	}
	return -1
}
