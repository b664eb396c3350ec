package export

import (
	"context"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
)

// redisotel writes out the text of each pipeline, all values of a commit, whether there is a
// span and whether its text is wanted or not. So it is given stand-ins: for a pipeline within
// a span the names of its commands alone; of the others it hears nothing. outerHook has to be
// added before its hook and innerHook behind it.
type (
	outerHook struct{ plainHook }
	innerHook struct{ plainHook }
)

// standIn is a command's name, in its place.
type standIn struct{ redis.Cmder }

// realCommands is where a context keeps the commands that the stand-ins are for.
type realCommands struct{}

// ProcessPipelineHook gives stand-ins for what is within a span.
func (outerHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 || !trace.SpanContextFromContext(ctx).IsSampled() {
			return next(ctx, cmds)
		}
		names := make([]redis.Cmder, len(cmds))
		known := map[string]standIn{}
		for i, c := range cmds {
			one, ok := known[c.FullName()]
			if !ok {
				one = standIn{redis.NewCmd(ctx, c.FullName())}
				known[c.FullName()] = one
			}
			names[i] = one
		}
		return next(context.WithValue(ctx, realCommands{}, cmds), names)
	}
}

// ProcessPipelineHook puts the commands back.
func (innerHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if sent, ok := ctx.Value(realCommands{}).([]redis.Cmder); ok && !withoutSpan(cmds) {
			cmds = sent
		}
		return next(ctx, cmds)
	}
}

// withoutSpan reports whether a pipeline is to have no span.
func withoutSpan(cmds []redis.Cmder) bool {
	if len(cmds) == 0 {
		return true
	}
	_, wanted := cmds[0].(standIn)
	return !wanted
}

// plainHook passes all else on.
type plainHook struct{}

func (plainHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (plainHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
