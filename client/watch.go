package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// WatchOptions say how a watch looks.
type WatchOptions struct {
	// Period is how often the heads of the tasks are looked at. Default 50 ms.
	Period time.Duration
}

// Change is what a watch tells.
type Change[T any] struct {
	Value T
	// Commits are those that the value is of, by the tasks that were read.
	Commits map[task.ID]task.Mark
}

// ErrReadsNothing: what is watched reads no PState through its reader.
var ErrReadsNothing = errors.New("the watch reads nothing")

// Watch calls read, gives what it returns, and calls it again whenever a task that it has
// read has committed; it gives what is new, until ctx ends. read is anything that reads
// PStates: a key, a range, a whole PState, along handles or paths. Values are compared
// with reflect.DeepEqual.
//
// A watch misses nothing: what holds after the last commit is given, and each value with the
// commits that it is of. Values in between may be left out, where commits come faster than
// they are read. What read finds on one task is of one commit; several tasks may be at
// different ones.
//
// An error of the first read ends the watch. Later ones are tried again for as long as
// Config.AwaitTimeout, and end it then.
func Watch[T any](ctx context.Context, c *Client, options WatchOptions, read func(pstate.Reader) (T, error)) iter.Seq2[Change[T], error] {
	return watchOf(ctx, c, options, func(a, b T) bool { return reflect.DeepEqual(a, b) }, func(w *watch) (T, error) {
		d := &heads{c.direct(ctx, task.None), w.note}
		return read(reader{overlay.NewDirect(d)})
	})
}

// WatchTask is Watch with a reader of one task, for what has no key.
func WatchTask[T any](ctx context.Context, c *Client, id task.ID, options WatchOptions, read func(pstate.Reader) (T, error)) iter.Seq2[Change[T], error] {
	return watchOf(ctx, c, options, func(a, b T) bool { return reflect.DeepEqual(a, b) }, func(w *watch) (T, error) {
		d := &heads{c.direct(ctx, id), w.note}
		return read(reader{overlay.NewDirect(d)})
	})
}

const watchPeriod = 50 * time.Millisecond

// watch is what one look has read.
type watch struct {
	c     *Client
	marks map[store.Slot]task.Mark // as of the first answer of each slot
	torn  bool                     // answers of a slot are of different commits
}

// note hears of an answer. The first mark of a slot is kept: what comes behind it is
// looked for again.
func (w *watch) note(slot store.Slot, mark task.Mark) {
	if have, ok := w.marks[slot]; !ok {
		w.marks[slot] = mark
	} else if have != mark {
		w.torn = true
	}
}

func watchOf[T any](ctx context.Context, c *Client, options WatchOptions, equal func(a, b T) bool, read func(*watch) (T, error)) iter.Seq2[Change[T], error] {
	if options.Period <= 0 {
		options.Period = watchPeriod
	}
	return func(yield func(Change[T], error) bool) {
		w := &watch{c: c}
		last, err := look(w, read)
		for first := true; ; first = false {
			if err != nil {
				yield(Change[T]{}, err)
				return
			}
			if first && !yield(Change[T]{last, w.commits()}, nil) {
				return
			}
			if err = w.wait(ctx, options.Period); err != nil {
				continue
			}
			var now T
			if now, err = again(ctx, w, read); err != nil || equal(now, last) {
				continue
			}
			last = now
			if !yield(Change[T]{last, w.commits()}, nil) {
				return
			}
		}
	}
}

// looks is how often a look is repeated whose answers are of different commits.
const looks = 8

// look reads once, at one commit of each task if that can be had.
func look[T any](w *watch, read func(*watch) (T, error)) (value T, err error) {
	for range looks {
		w.marks, w.torn = map[store.Slot]task.Mark{}, false
		if value, err = read(w); err != nil || !w.torn {
			break
		}
	}
	if err == nil && len(w.marks) == 0 {
		err = ErrReadsNothing
	}
	return value, err
}

// again is look, and tries again where the store does not answer.
func again[T any](ctx context.Context, w *watch, read func(*watch) (T, error)) (value T, err error) {
	inner, cancel := context.WithTimeout(ctx, w.c.config.AwaitTimeout)
	defer cancel()
	marks := w.marks
	var failure error
	wrong := poll(inner, func() (bool, error) {
		value, failure = look(w, read)
		if failure != nil {
			w.marks = marks
		}
		return failure == nil, nil
	})
	if wrong != nil && failure == nil {
		return value, wrong
	}
	return value, failure
}

// wait returns when a task that was read has another head.
func (w *watch) wait(ctx context.Context, period time.Duration) error {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	var failed time.Time
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		moved, err := w.moved(ctx)
		switch {
		case err == nil && moved:
			return nil
		case err == nil:
			failed = time.Time{}
		case failed.IsZero():
			failed = time.Now()
		case time.Since(failed) > w.c.config.AwaitTimeout:
			return fmt.Errorf("watching: %w", err)
		}
	}
}

// moved looks at the heads.
func (w *watch) moved(ctx context.Context) (bool, error) {
	for slot, mark := range w.marks {
		reads := [1]store.Read{headRead(slot)}
		head, err := w.c.config.Store.Read(ctx, slot, reads[:])
		if err != nil || head.Mark != mark {
			return err == nil, err
		}
	}
	return false, nil
}

func (w *watch) commits() map[task.ID]task.Mark {
	all := make(map[task.ID]task.Mark, len(w.marks))
	for slot, mark := range w.marks {
		all[task.OfTag(slot.Tag)] = mark
	}
	return all
}
