package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/settings"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/transport"
)

// Config says what a worker runs on.
type Config struct {
	// Log, Store and Network are where depots, state and other workers are. All
	// three are required; the worker does not close them.
	Log     depot.Log
	Store   store.Store
	Network transport.Network
	// Address is where other workers and clients reach this one. Empty: a free one.
	Address string
	// Tasks is the number of tasks of a module that is launched for the first
	// time; 1 to task.CountMax. Default 4. A module that exists keeps its number,
	// and asking for another is an error.
	Tasks int
	// Nominations say which tasks this worker is to own: workers of one module share
	// them, and pass them on as workers come and go. Default nomination.Alone: all.
	Nominations nomination.Group
	// Options are the engine's limits. They have the ranges of what is set with
	// client.SetOption (docs/reference/options.md).
	Options runtime.Options
	// SpillFolder is where events go that find no room in memory
	// (topology.stream.tree.bytes.max): a record may fan out to more than a machine's
	// memory holds. The worker makes a folder of its own in it when that happens, and
	// removes it. Default os.TempDir().
	SpillFolder string
	// EncodeHops encodes what hops carry also between tasks of this worker, as
	// between workers. It costs time and shows what does not survive the way.
	EncodeHops bool
	// Listener hears what the tasks do.
	Listener *runtime.Listener
	// Metrics, if set, tells what the tasks are at when metrics are collected. Give its
	// Listener, too, for the figures of batches.
	Metrics *telemetry.Metrics
	// CommitContext, if set, gives the context that a task's next commit is made with, after
	// Listener.BatchSent was called for it: telemetry.SpanMaker has one, so that spans of the
	// store's client come to lie within that of the batch.
	CommitContext func(context.Context, runtime.TaskInfo) context.Context
	// Trees bounds what the worker keeps of event trees that are over, for those who look at
	// them (client.Tree): a sample, and those that failed, were parked or slow.
	Trees telemetry.TreesConfig
	// Logger gets what an operator should know. Default slog.Default().
	Logger *slog.Logger
	// StartTimeout bounds the start: reaching the servers, making topics, taking
	// the tasks. Default 10 s.
	StartTimeout time.Duration
	// Hooks and Clock are for test kits.
	Hooks *Hooks
	// Clock, if set, is what the tasks go by. Default: real time.
	Clock Clock
	// Seed makes the tasks' random choices repeatable; 0: not.
	Seed uint64
}

func (c Config) withDefaults() (Config, error) {
	var mistakes []error
	if c.Log == nil {
		mistakes = append(mistakes, errors.New("worker: Config.Log is not set: where are the depots?"))
	}
	if c.Store == nil {
		mistakes = append(mistakes, errors.New("worker: Config.Store is not set: where is the state?"))
	}
	if c.Network == nil {
		mistakes = append(mistakes, errors.New("worker: Config.Network is not set: how do workers reach each other?"))
	}
	if c.Nominations == nil {
		c.Nominations = nomination.Alone{}
	}
	if c.Tasks == 0 {
		c.Tasks = 4
	}
	if c.Tasks < 1 || c.Tasks > task.CountMax {
		mistakes = append(mistakes, fmt.Errorf("worker: Config.Tasks is %d, and not within 1 to %d", c.Tasks, task.CountMax))
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if err := settings.CheckAll(c.Options); err != nil {
		mistakes = append(mistakes, fmt.Errorf("worker: Config.Options: %w", err))
	}
	if c.StartTimeout < 0 {
		mistakes = append(mistakes, fmt.Errorf("worker: Config.StartTimeout is %v; want more than nothing, or 0 for the default", c.StartTimeout))
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 10 * time.Second
	}
	return c, errors.Join(mistakes...)
}
