package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// delays are figures of how long something takes.
type delays struct{ p50, p99, p999 *figure }

// delays adds figures of how long something takes, with goals for the first two, if any.
func (r *report) delays(name, suffix string, goals ...goal) delays {
	var of [2][]goal
	for i, g := range goals {
		of[i] = []goal{g}
	}
	return delays{
		r.figure(name+suffix, "ms p50", true, of[0]...), r.figure(name+"-p99"+suffix, "ms p99", true, of[1]...),
		r.figure(name+"-p999"+suffix, "ms p99.9", true),
	}
}

func (d delays) add(subject string, samples []time.Duration) {
	d.p50.add(subject, quantile(samples, 0.5))
	d.p99.add(subject, quantile(samples, 0.99))
	d.p999.add(subject, quantile(samples, 0.999))
}

// ackFigures are what a workload of acked appends measures.
type ackFigures struct {
	delays
	rate *figure
	open *openFigures // nil: appenders append one after another only
}

// openFigures are of appends that come by a schedule.
type openFigures struct {
	half, same delays // at half of one's own top rate; at half of the floor's
	rate, late *figure
}

// exactAckWorkload measures an append of a module that is exactly once over two hops,
// against the same floor: one produce, fetch and transaction.
func exactAckWorkload(ctx context.Context, s *servers, o options, r *report) error {
	f := &ackFigures{delays: r.delays("exact-ack", ""), rate: r.figure("exact-acks", "acks/s", false)}
	for range o.rounds {
		if err := f.round(ctx, s, o, 1, true); err != nil {
			return fmt.Errorf("exactly-once ack: %w", err)
		}
	}
	return nil
}

// ackWorkload measures how long an append waits for its answer, with one and with
// 64 appenders, and then with appends that come at half of the rate that the 64 reached. Worker
// and loop are in this process, their clients in one of its own each: ours
// produces, and asks the worker over gRPC; the floor's produces, and the loop sends the
// reply over a TCP connection when the transaction is through, with nothing in between.
func ackWorkload(ctx context.Context, s *servers, o options, r *report) error {
	one := &ackFigures{delays: r.delays("ack", "", goal{"floor", 1.4}, goal{"floor", 2}), rate: r.figure("acks", "acks/s", false)}
	many := &ackFigures{delays: r.delays("ack", "-64", goal{"floor", 1.4}, goal{"floor", 2}), rate: r.figure("acks-64", "acks/s", false, goal{"floor", 0.8})}
	many.open = &openFigures{
		half: r.delays("ack-open", ""), same: r.delays("ack-open-same", ""),
		rate: r.figure("ack-open-rate", "acks/s asked for", false), late: r.figure("ack-open-late", "ms p99, of it begun late", true),
	}
	for range o.rounds {
		if err := one.round(ctx, s, o, 1, false); err != nil {
			return fmt.Errorf("ack, one appender: %w", err)
		}
	}
	for range o.rounds {
		if err := many.round(ctx, s, o, openKeys, false); err != nil {
			return fmt.Errorf("ack, %d appenders: %w", openKeys, err)
		}
	}
	return nil
}

// acked is the subject of a profile of appends, ours or the floor's. A round holds starting and
// ending the worker, so it has to have many appends. Its client is in this process: what it takes is
// to be seen, too.
func (s *servers) acked(o options, name string) (*input, subject) {
	appenders := 1
	if strings.HasSuffix(name, "-64") {
		appenders = 64
	}
	start := func(ctx context.Context) (*answering, error) { return startFloor(ctx, s, false) }
	if strings.HasPrefix(name, "ack") {
		start = func(ctx context.Context) (*answering, error) { return startOurs(ctx, s, false, false) }
	}
	in := &input{events: max(o.acks/appenders*4, 50) * appenders}
	return in, subject{name: name, run: func(ctx context.Context, in *input) (time.Duration, error) {
		a, err := start(ctx)
		_, took, err := a.once(ctx, err, order{Appenders: appenders, Each: in.events / appenders, Warm: 1})
		return took, err
	}}
}

// inTurn is the order to append one after another: a tenth of the appends before the others,
// since a process that has just begun meets everything for the first time.
func inTurn(appenders, each int) order {
	return order{Appenders: appenders, Each: each, Warm: max(each/10, 1)}
}

// round measures the floor and ours, one after the other.
func (f *ackFigures) round(ctx context.Context, s *servers, o options, appenders int, hops bool) error {
	a, err := startFloor(ctx, s, true)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	top, err := f.side(ctx, a, "floor", o, appenders)
	if err = a.end(ctx, err); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	if a, err = startOurs(ctx, s, hops, true); err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	_, err = f.side(ctx, a, ours, o, appenders)
	if err == nil && f.open != nil {
		_, err = f.atRate(ctx, a, ours, f.open.same, top/2, o)
	}
	if err = a.end(ctx, err); err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	return nil
}

// side measures one of the two, and returns the rate that it reached.
func (f *ackFigures) side(ctx context.Context, a *answering, subject string, o options, appenders int) (top float64, err error) {
	out, err := a.order(ctx, inTurn(appenders, o.acksOf(appenders)))
	if err != nil {
		return 0, err
	}
	top = float64(len(out.Samples)) / out.Took.Seconds()
	f.add(subject, out.Samples)
	f.rate.add(subject, top)
	if f.open == nil {
		return top, nil
	}
	out, err = f.atRate(ctx, a, subject, f.open.half, top/2, o)
	if err != nil {
		return 0, err
	}
	f.open.rate.add(subject, top/2)
	f.open.late.add(subject, millis(out.Late))
	if subject == "floor" {
		f.open.same.add(subject, out.Samples)
	}
	return top, nil
}

func (f *ackFigures) atRate(ctx context.Context, a *answering, subject string, d delays, rate float64, o options) (*answer, error) {
	out, err := a.order(ctx, order{Rate: rate, Length: o.open})
	if err != nil {
		return nil, fmt.Errorf("%.0f appends a second: %w", rate, err)
	}
	d.add(subject, out.Samples)
	return out, nil
}

// acksOf is how many appends each of so many appenders does: enough of all for one in a
// thousand to be some.
func (o options) acksOf(appenders int) int {
	if appenders == 1 {
		return 8 * o.acks
	}
	return max(32*o.acks/appenders, 1)
}

func quantile(samples []time.Duration, q float64) float64 { return millis(percentile(samples, q)) }

func percentile(samples []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[int(q*float64(len(sorted)-1))]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// oursAcked measures ours, with a client in a process of its own.
func oursAcked(ctx context.Context, s *servers, hops bool, appenders, each int) ([]time.Duration, time.Duration, error) {
	a, err := startOurs(ctx, s, hops, true)
	return a.once(ctx, err, inTurn(appenders, each))
}

// floorAcked measures the least that an acked append needs: a produce, a fetch, a transaction,
// and a reply, with a client in a process of its own as well.
func floorAcked(ctx context.Context, s *servers, appenders, each int) ([]time.Duration, time.Duration, error) {
	a, err := startFloor(ctx, s, true)
	return a.once(ctx, err, inTurn(appenders, each))
}
