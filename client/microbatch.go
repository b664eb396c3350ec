package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/reading"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// ErrNoMicrobatches: the module has no microbatch topology of that name.
var ErrNoMicrobatches = errors.New("the module has no such microbatch topology")

// ErrMoved: the topology went on while a snapshot was read, at each of several tries.
var ErrMoved = errors.New("the topology went on to the next microbatch while its snapshot was read")

// MicrobatchInfo is how far a microbatch topology is, as the store shows it.
type MicrobatchInfo struct {
	Topology string             `json:"topology"`
	Applied  uint64             `json:"applied"` // the last microbatch that all tasks have applied
	Latest   uint64             `json:"latest"`  // the last that has begun
	Decided  bool               `json:"decided"` // the latest is decided
	Attempt  int                `json:"attempt"` // at the latest
	Records  int64              `json:"records"` // in all microbatches that are applied
	uneven   bool               // tasks were read between two microbatches
	Next     map[string][]int64 `json:"next"` // by depot, of each partition: the offset behind what is processed (14.19)
}

// Microbatches tells how far a microbatch topology of a module is.
func (c *Client) Microbatches(ctx context.Context, moduleName, topology string) (MicrobatchInfo, error) {
	b, plan, err := c.microbatches(ctx, moduleName, topology)
	if err != nil {
		return MicrobatchInfo{}, err
	}
	info := MicrobatchInfo{Topology: topology, Next: map[string][]int64{}}
	for id := range b.slots {
		at, err := c.microbatchAt(ctx, b, plan, task.ID(id))
		if err != nil {
			return MicrobatchInfo{}, err
		}
		if id == 0 {
			info.Applied = at.stamp.ID
			info.Latest, info.Decided, info.Attempt = at.current.ID, at.current.Decided, at.current.Attempt
		}
		info.uneven = info.uneven || info.Applied != at.stamp.ID
		info.Applied = min(info.Applied, at.stamp.ID)
		info.Records += at.stamp.Records
		for _, s := range plan.Sources {
			if partition, reads := s.Depot.Partition(task.ID(id), b.tasks); reads {
				info.note(s.Depot, partition, at.progress[s.Name].Next)
			}
		}
	}
	return info, nil
}

// note says how far one source is with a partition.
func (i *MicrobatchInfo) note(d *module.DepotPlan, partition int32, next int64) {
	name := d.Declared(d.Name)
	for len(i.Next[name]) <= int(partition) {
		i.Next[name] = append(i.Next[name], -1)
	}
	if have := &i.Next[name][partition]; *have < 0 || next < *have {
		*have = next // of several sources, the one that is behind
	}
}

// WaitMicrobatches waits until a microbatch topology has processed so many records since
// the module was launched first, in microbatches that all tasks have applied.
func (c *Client) WaitMicrobatches(ctx context.Context, moduleName, topology string, records int64) error {
	return c.poll(ctx, func() (bool, error) {
		info, err := c.Microbatches(ctx, moduleName, topology)
		return err == nil && info.Records >= records && !info.uneven, err
	})
}

// waitApplied waits until every task has applied a microbatch.
func (c *Client) waitApplied(ctx context.Context, b *bound, plan *module.StreamPlan, id uint64) error {
	for other := range b.slots {
		err := c.poll(ctx, func() (bool, error) {
			at, err := c.microbatchAt(ctx, b, plan, task.ID(other))
			return err == nil && at.stamp.ID >= id, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// PauseMicrobatches has a microbatch topology begin no microbatch, until
// ResumeMicrobatches: over restarts, too. It returns when the one under way is finished.
func (c *Client) PauseMicrobatches(ctx context.Context, moduleName, topology string) error {
	if _, _, err := c.microbatches(ctx, moduleName, topology); err != nil {
		return err
	}
	return c.Pause(ctx, moduleName, topology)
}

// ResumeMicrobatches ends a pause.
func (c *Client) ResumeMicrobatches(ctx context.Context, moduleName, topology string) error {
	if _, _, err := c.microbatches(ctx, moduleName, topology); err != nil {
		return err
	}
	return c.Resume(ctx, moduleName, topology)
}

const pausedOption = "topology.microbatch.paused"

// snapshotTries is how often a snapshot is read again while the topology goes on.
const snapshotTries = 20

// Snapshot calls read with a reader that shows all tasks at one microbatch of a topology,
// whose id is handed over, too. Where the topology goes on meanwhile it is called again, from the
// beginning: what counts is the last call. PStates of other topologies are as they are.
//
// Errors: those of read, and ErrMoved if it did not get through in 20 calls: read less,
// or pause the topology.
func (c *Client) Snapshot(ctx context.Context, moduleName, topology string, read func(r pstate.Reader, id uint64) error) error {
	b, plan, err := c.microbatches(ctx, moduleName, topology)
	if err != nil {
		return err
	}
	for range snapshotTries {
		at, err := c.microbatchAt(ctx, b, plan, 0)
		if err != nil {
			return err
		}
		s := &snapshot{Direct: c.direct(ctx, task.None), topology: topology, at: at.current.Name}
		if !at.current.Decided {
			s.at = microbatch.Name{ID: max(s.at.ID, 1) - 1, Token: at.current.Before}
		}
		err = read(reader{overlay.NewDirect(s)}, s.at.ID)
		if s.moved {
			continue
		}
		return err
	}
	return fmt.Errorf("module %s, topology %s: %w", moduleName, topology, ErrMoved)
}

// snapshot reads at one microbatch. Tasks that have not applied it yet are waited for:
// it is decided, so they will. What was decided is the attempt, by its token: where a store loses its
// tail between two reads, the microbatch of the same id may be another one afterwards.
type snapshot struct {
	*reading.Direct
	topology string
	at       microbatch.Name
	moved    bool
}

func (s *snapshot) Read(slot store.Slot, reads []store.Read) error {
	all := make([]store.Read, len(reads)+1)
	return poll(s.Ctx, func() (bool, error) {
		copy(all, reads)
		all[len(reads)] = store.Read{Kind: store.Get, Table: wire.MicrobatchTable(slot.Tag, s.topology), Field: wire.StampField}
		if s.moved {
			return false, ErrMoved
		}
		if _, err := s.Store.Read(s.Ctx, slot, all); err != nil {
			return false, err
		}
		stamp, err := wire.ParseStamp(all[len(reads)].Value)
		switch {
		case err != nil:
			return false, err
		case stamp.ID > s.at.ID, stamp.ID == s.at.ID && stamp.Token != s.at.Token:
			s.moved = true
			return false, ErrMoved
		case stamp.ID < s.at.ID:
			return false, nil
		}
		copy(reads, all)
		return true, nil
	})
}

// microbatches finds a microbatch topology.
func (c *Client) microbatches(ctx context.Context, moduleName, topology string) (*bound, *module.StreamPlan, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, nil, err
	}
	for _, plan := range b.spread.Streams {
		if plan.Microbatch && plan.Name == topology {
			return b, plan, nil
		}
	}
	return nil, nil, fmt.Errorf("module %s, topology %q: %w", moduleName, topology, ErrNoMicrobatches)
}

// microbatchAt is what one task knows of a microbatch topology.
type microbatchAt struct {
	stamp    wire.Stamp
	current  microbatch.State // of task 0
	progress map[string]progress.Progress
}

func (c *Client) microbatchAt(ctx context.Context, b *bound, plan *module.StreamPlan, id task.ID) (at microbatchAt, err error) {
	slot := b.slots[id]
	reads := []store.Read{{Kind: store.Range, Table: wire.MicrobatchTable(slot.Tag, plan.Name)}}
	if _, err := c.config.Store.Read(ctx, slot, reads); err != nil {
		return at, fmt.Errorf("module %s: reading the slot of task %d: %w", b.name, id, err)
	}
	at.progress = map[string]progress.Progress{}
	for _, e := range reads[0].Elements {
		switch e.Field {
		case wire.StampField:
			at.stamp, err = wire.ParseStamp(e.Value)
		case wire.CurrentField:
			at.current, err = microbatch.ParseState(e.Value)
		case wire.StageField:
		default:
			at.progress[e.Field], err = progress.Parse(e.Value)
		}
		if err != nil {
			return at, fmt.Errorf("module %s, task %d: stored %s: %w", b.name, id, e.Field, err)
		}
	}
	return at, nil
}

// poll asks until something holds, while the client is open: soon at first, then more rarely.
func (c *Client) poll(ctx context.Context, holds func() (bool, error)) error {
	ctx, cancel := c.whileOpen(ctx)
	defer cancel()
	err := poll(ctx, holds)
	if err != nil && c.open.Err() != nil {
		return ErrClosed
	}
	return err
}

// poll asks until something holds: soon at first, then more rarely.
func poll(ctx context.Context, holds func() (bool, error)) error {
	pause := time.Millisecond / 2
	for {
		yes, err := holds()
		if yes || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
}
