package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/task"
)

// steady measures the load where nothing happens: the gaps between the records of a
// task, and how long appends take.
func (b *bench) steady(ctx context.Context, r *row) error {
	if err := b.warm(ctx); err != nil {
		return err
	}
	if err := b.appenders.Beyond(ctx, 3*time.Second); err != nil {
		return err
	}
	count := 0
	for _, id := range b.appenders.Samples.Tasks() {
		samples := b.appenders.Of(id)
		count += len(samples)
		for i := 1; i < len(samples); i++ {
			r.gaps = append(r.gaps, time.Duration(samples[i].At-samples[i-1].At))
		}
		for _, s := range samples {
			r.waits = append(r.waits, time.Duration(s.Answered-s.Asked))
		}
	}
	slices.Sort(r.gaps)
	slices.Sort(r.waits)
	fmt.Printf("%d acknowledged appends in 3 s, %v; gaps between the records of a task: %v\n", count, spread(r.waits), spread(r.gaps))
	return nil
}

// killed kills a worker and measures when its tasks go on.
func (b *bench) killed(ctx context.Context, name string, r *row) error {
	if err := b.warm(ctx); err != nil {
		return err
	}
	mine := b.fleet.TasksOf(name)
	at, err := b.fleet.Kill(name)
	if err != nil {
		return err
	}
	goesOn := func(s fleet.Sample) bool { return s.At > at && s.Worker != name }
	if err := b.appenders.Await(ctx, mine, goesOn); err != nil {
		return err
	}
	var times []time.Duration
	for _, id := range mine {
		samples := b.appenders.Of(id)
		first := samples[slices.IndexFunc(samples, goesOn)]
		times = append(times, time.Duration(first.At-at)-b.session)
	}
	slices.Sort(times)
	fmt.Printf("killed %s: its %d tasks went on %v to %v after the session timeout\n", name, len(mine), fleet.Round(times[0]), fleet.Round(times[len(times)-1]))
	r.killed = append(r.killed, times...)
	r.kills = append(r.kills, times[len(times)-1]+b.session)
	if err := b.start(name); err != nil {
		return err
	}
	return b.fleet.Shared(ctx)
}

// joined has a worker join.
func (b *bench) joined(ctx context.Context, r *row) error {
	if err := b.warm(ctx); err != nil {
		return err
	}
	at := time.Now().UnixNano()
	if err := b.start(guest); err != nil {
		return err
	}
	if err := b.fleet.Shared(ctx); err != nil {
		return err
	}
	return b.moved(ctx, "joins", at, &r.joined, r)
}

// left has it leave in good order.
func (b *bench) left(ctx context.Context, r *row) error {
	if err := b.warm(ctx); err != nil {
		return err
	}
	at := time.Now().UnixNano()
	if err := b.fleet.Stop(guest); err != nil {
		return err
	}
	if err := b.fleet.Shared(ctx); err != nil {
		return err
	}
	return b.moved(ctx, "leaves", at, &r.left, r)
}

// moved measures the pauses of the tasks that were taken since a time.
func (b *bench) moved(ctx context.Context, how string, at int64, pauses *[]time.Duration, r *row) error {
	var times, waits []time.Duration
	repeated := 0
	byTask, tookAt := map[task.ID]string{}, map[task.ID]int64{}
	for _, t := range b.fleet.TookSince(at) {
		if byTask[t.Took] != "" {
			repeated++
		}
		byTask[t.Took], tookAt[t.Took] = t.Worker, t.At
	}
	for id, owner := range byTask {
		if err := b.appenders.Await(ctx, []task.ID{id}, func(s fleet.Sample) bool { return s.At > at && s.Worker == owner }); err != nil {
			return err
		}
	}
	var taking, beginning time.Duration // the longest, until a task was taken, and from then on
	for id := range byTask {
		// The longest, if it moved more than once.
		var longest time.Duration
		samples := b.appenders.Of(id)
		for i := 1; i < len(samples); i++ {
			if samples[i].Worker != samples[i-1].Worker && samples[i].At > at {
				longest = max(longest, time.Duration(samples[i].At-samples[i-1].At))
				taking = max(taking, time.Duration(tookAt[id]-samples[i-1].At))
				beginning = max(beginning, time.Duration(samples[i].At-tookAt[id]))
			}
		}
		times = append(times, longest)
	}
	var stayed time.Duration // the longest gap of a task that did not move
	for _, id := range b.appenders.Samples.Tasks() {
		samples := b.appenders.Of(id)
		for i, s := range samples {
			if s.Answered > at {
				waits = append(waits, time.Duration(s.Answered-s.Asked))
			}
			if i > 0 && s.At > at && byTask[id] == "" {
				stayed = max(stayed, time.Duration(s.At-samples[i-1].At))
			}
		}
	}
	machine, ping := b.prober.longest(at)
	slices.Sort(times)
	slices.Sort(waits)
	if len(times) == 0 {
		return fmt.Errorf("a worker %s, and no task moves", how)
	}
	fmt.Printf("%s %s: %d tasks paused %v to %v (taking %v, beginning %v); longest append %v; taken more than once %d; meanwhile the others paused up to %v, Redis %v, the machine %v\n",
		guest, how, len(times), fleet.Round(times[0]), fleet.Round(times[len(times)-1]), fleet.Round(taking), fleet.Round(beginning), fleet.Round(waits[len(waits)-1]), repeated, fleet.Round(stayed), fleet.Round(ping), fleet.Round(machine))
	*pauses = append(*pauses, times...)
	r.moveWaits, r.stayed, r.pings, r.machine = append(r.moveWaits, waits[len(waits)-1]), append(r.stayed, stayed), append(r.pings, ping), append(r.machine, machine)
	return nil
}
