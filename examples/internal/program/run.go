package program

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Run is what a program runs on. An error ends the program: Check, Got and All take care of
// them, so that programs are short. They are for programs; handlers return their errors.
type Run struct {
	Context context.Context
	Cluster *localcluster.Cluster
	Client  *client.Client
	Reader  pstate.Reader       // what is committed, on the task of each key
	Clock   *localcluster.Clock // of a program that has one
	// Launched is how Launch spreads modules; a program may change it. Default: 4 tasks on
	// one worker.
	Launched localcluster.LaunchConfig

	out io.Writer
}

// Launch starts a module, on so many tasks; 0 leaves it at what there is.
func (r *Run) Launch(m module.Module, tasks int) {
	config := r.Launched
	if tasks > 0 {
		config.Tasks = tasks
	}
	Check(r.Cluster.Launch(r.Context, m, config))
}

// AtTask reads the partitions of one task.
func (r *Run) AtTask(id module.TaskID) pstate.Reader { return r.Client.AtTask(r.Context, id) }

// Println prints a line.
func (r *Run) Println(a ...any) { fmt.Fprintln(r.out, a...) }

// Printf prints.
func (r *Run) Printf(format string, a ...any) { fmt.Fprintf(r.out, format, a...) }

func (r *Run) do(p *Program) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case failure:
			err = x.error
		default:
			panic(x)
		}
	}()
	p.Run(r)
	return nil
}

// failure is an error on its way out of a program.
type failure struct{ error }

// Check ends the program if there is an error.
func Check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// Got returns a value, or ends the program if there is an error.
func Got[T any](value T, err error) T {
	Check(err)
	return value
}

// All returns what a sequence gives, or ends the program if one of them is an error.
func All[T any](sequence iter.Seq2[T, error]) (all []T) {
	for v, err := range sequence {
		all = append(all, Got(v, err))
	}
	return all
}

// Until waits until a watch gives a value that is waited for, and returns it.
func Until[T any](watch iter.Seq2[client.Change[T], error], holds func(T) bool) T {
	next, stop := Pull(watch)
	defer stop()
	return next(holds)
}

// Pull begins a watch. next waits until it gives a value that is waited for, and returns it;
// values before that are passed over, for a watch may leave them out as well.
func Pull[T any](watch iter.Seq2[client.Change[T], error]) (next func(holds func(T) bool) T, stop func()) {
	pull, stop := iter.Pull2(watch)
	return func(holds func(T) bool) T {
		for {
			change, err, ok := pull()
			if !ok {
				panic("the watch ended without an error")
			}
			if Check(err); holds(change.Value) {
				return change.Value
			}
		}
	}, stop
}
