package export

import (
	"context"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// redisotel writes out the text of each pipeline, all values of a commit, whether there is a
// span and whether its text is wanted or not. So it is given stand-ins: for a pipeline within
// a span the names of its commands alone, each once; of the others it hears nothing. outerHook
// has to be added before its hook and innerHook behind it, which says how many there are.
type (
	outerHook struct{ plainHook }
	innerHook struct{ plainHook }
)

// standIn is a command's name, in its place.
type standIn struct {
	redis.Cmder
	name string
}

// realCommands is where a context keeps the commands that the stand-ins are for.
type realCommands struct{}

// ProcessPipelineHook gives stand-ins for what is within a span.
func (outerHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 || !trace.SpanContextFromContext(ctx).IsSampled() {
			return next(ctx, cmds)
		}
		return next(context.WithValue(ctx, realCommands{}, cmds), standIns(cmds))
	}
}

// standIns are the names of commands, each in the place of the first.
func standIns(cmds []redis.Cmder) (names []redis.Cmder) {
	var last any
	for _, c := range cmds {
		var first any
		if args := c.Args(); len(args) > 0 {
			first = args[0]
		}
		if text, ok := first.(string); ok && text == last {
			continue // mostly they are many of one kind
		}
		last = first
		name := c.FullName()
		if !slices.ContainsFunc(names, func(n redis.Cmder) bool { return n.(standIn).name == name }) {
			names = append(names, standInFor(name))
		}
	}
	return names
}

// known are the stand-ins that there were: there are few commands.
var known sync.Map

func standInFor(name string) standIn {
	if have, ok := known.Load(name); ok {
		return have.(standIn)
	}
	made := standIn{redis.NewCmd(context.Background(), name), name}
	known.Store(name, made)
	return made
}

// ProcessPipelineHook puts the commands back.
func (innerHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if sent, ok := ctx.Value(realCommands{}).([]redis.Cmder); ok && !withoutSpan(cmds) {
			span := trace.SpanFromContext(ctx)
			span.SetAttributes(attribute.Int("db.redis.num_cmd", len(sent)))
			cmds = noting(sent, span)
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
