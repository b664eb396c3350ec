package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// exactAckWorkload measures an append of a module that is exactly once over two hops,
// against the same floor: one produce, fetch and transaction.
func exactAckWorkload(ctx context.Context, s *servers, o options, r *report) error {
	p50, p99 := r.figure("exact-ack", "ms p50", true), r.figure("exact-ack-p99", "ms p99", true)
	rate := r.figure("exact-acks", "acks/s", false)
	for range o.rounds {
		if err := ackRound(ctx, s, o, 1, true, p50, p99, rate); err != nil {
			return fmt.Errorf("exactly-once ack: %w", err)
		}
	}
	return nil
}

// ackWorkload measures how long an append waits for its answer, with one and with
// 64 appenders. Worker and loop are in this process, their clients in one of its own each: ours
// produces, and asks the worker over gRPC; the floor's produces, and the loop sends the
// reply over a TCP connection when the transaction is through, with nothing in between.
func ackWorkload(ctx context.Context, s *servers, o options, r *report) error {
	for _, appenders := range []int{1, 64} {
		suffix := ""
		if appenders > 1 {
			suffix = "-" + strconv.Itoa(appenders)
		}
		p50, p99 := r.figure("ack"+suffix, "ms p50", true, goal{"floor", 1.4}), r.figure("ack-p99"+suffix, "ms p99", true, goal{"floor", 2})
		rate := r.figure("acks"+suffix, "acks/s", false, goal{"floor", 0.8})
		for range o.rounds {
			if err := ackRound(ctx, s, o, appenders, false, p50, p99, rate); err != nil {
				return fmt.Errorf("ack, %d appenders: %w", appenders, err)
			}
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

func ackRound(ctx context.Context, s *servers, o options, appenders int, hops bool, p50, p99, rate *figure) error {
	each := max(o.acks/appenders*4, 50)
	if appenders == 1 {
		each = o.acks
	}
	samples, took, err := oursAcked(ctx, s, hops, appenders, each)
	if err != nil {
		return fmt.Errorf("ours: %w", err)
	}
	note := func(subject string, samples []time.Duration, took time.Duration) {
		p50.add(subject, quantile(samples, 0.5))
		p99.add(subject, quantile(samples, 0.99))
		rate.add(subject, float64(len(samples))/took.Seconds())
	}
	note(ours, samples, took)
	samples, took, err = floorAcked(ctx, s, appenders, each)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	note("floor", samples, took)
	return nil
}

func quantile(samples []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}

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
