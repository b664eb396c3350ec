package main

import (
	"cmp"
	"slices"
)

// aim is a goal of this project: a bound for a ratio, or for a figure of ours.
type aim struct {
	of   string // the part of the system
	what string // is held against the bound
	// report, workload and peer say which figure it is, of which file: the ratio to the peer, or
	// where that is "" our own values.
	report, workload, peer string
	// from takes the values from what is no figure; nil: they are the figure's.
	from func(*report) []float64

	bound float64
	than  than
	unit  string // of the bound; "": a ratio
}

// than is what side of the bound is good.
type than int

const (
	atLeast than = iota
	atMost
	below // the bound itself misses
	told  // there is no bound: the figure is to be told
)

// flat is what a cost may be of another one that is to be the same. The goals name it for
// take-overs; trees are held against it, too.
const flat = 1.2

// aims are all goals, in the order in which the page holds them against what was measured. Those
// of take-overs are of the sizes that the goals name; goalTable has those of others, too.
var aims = slices.Concat(aimsBefore, takeOverAims(takeOverSizes), aimsAfter)

var aimsBefore = []*aim{
	{of: "count", what: "events/s, of the loop written by hand", report: "bench", workload: "count", peer: "handrolled", bound: 0.75},
	{of: "count", what: "the same, with transactions of up to 500 events", report: "bench", workload: "count-batch-500", peer: "handrolled", bound: 0.75},
	{of: "count", what: "the same, of up to 10,000", report: "bench", workload: "count-batch-10000", peer: "handrolled", bound: 0.75},
	{of: "count", what: "events/s, of Flink's", report: "peers", workload: "peer-count", peer: "flink", bound: 2},
	{of: "count", what: "events/s, of those of Kafka Streams, exactly once", report: "peers", workload: "peer-count", peer: "kafka-streams-eo", bound: 10},
	{of: "words", what: "events/s, of the loop, which tracks nothing", report: "bench", workload: "words", peer: "handrolled", bound: 0.35},
	{of: "words", what: "the same, with transactions of up to 500 events", report: "bench", workload: "words-batch-500", peer: "handrolled", bound: 0.35},
	{of: "words", what: "the same, of up to 10,000", report: "bench", workload: "words-batch-10000", peer: "handrolled", bound: 0.35},
	{of: "words", what: "events/s, of Flink's", report: "peers", workload: "peer-words", peer: "flink", bound: 2.5},
	{of: "words", what: "events/s, of Storm's with ackers, from the first record that it sees on, with four times the input", report: "peers", workload: "peer-words-long-running", peer: "storm", bound: 4},
	{of: "words", what: "the same with its start, and the usual input", report: "peers", workload: "peer-words", peer: "storm", bound: 4},
	{of: "words", what: "cost of an event, the most / the least of trees of 1 to 1,000,000 events, whose record is an event, too", report: "growth", from: treesDiffer, bound: flat, than: atMost},
	{of: "words", what: "the same, where the record does not count", report: "growth", from: treesDifferBare, than: told},
	{of: "cold", what: "events/s, of count", report: "state", workload: "cold", peer: "count", bound: 0.4},
	{of: "ack, one appender", what: "p50, of the floor's", report: "bench", workload: "ack", peer: "floor", bound: 1.4, than: atMost},
	{of: "ack, one appender", what: "p99, of the floor's", report: "bench", workload: "ack-p99", peer: "floor", bound: 2, than: atMost},
	{of: "ack, 64 appenders", what: "p50, of the floor's", report: "bench", workload: "ack-64", peer: "floor", bound: 1.4, than: atMost},
	{of: "ack, 64 appenders", what: "p99, of the floor's", report: "bench", workload: "ack-p99-64", peer: "floor", bound: 2, than: atMost},
	{of: "ack, 64 appenders", what: "acks/s, of the floor's", report: "bench", workload: "acks-64", peer: "floor", bound: 0.8},
	{of: "ack, one appender", what: "p50, of that of Kafka Streams, exactly once", report: "peers", workload: "peer-ack", peer: "kafka-streams-eo", bound: 0.01, than: below},
	{of: "exactly-once", what: "events/s, of the same topology at least once", report: "bench", workload: "exactly-once", peer: "at-least-once", bound: 0.85},
	{of: "microbatch", what: "words/s, of those of the stream", report: "bench", workload: "microbatch", peer: "stream", bound: 0.8},
	{of: "microbatch", what: "p50 until a lone record is visible", report: "bench", workload: "lone", bound: 5, than: atMost, unit: "ms"},
	{of: "fairness", what: "p99 of small records, of the same without the big one", report: "state", workload: "fairness", peer: "alone", bound: 3, than: atMost},
	{of: "fairness", what: "the same, of those in other partitions than the big one", report: "state", workload: "fairness-apart", peer: "alone", bound: 3, than: atMost},
}

var aimsAfter = []*aim{
	{of: "in-process cluster", what: "start until the first acked append", report: "local", workload: "local-start", bound: 100, than: atMost, unit: "ms"},
	{of: "in-process cluster", what: "1,000 acked appends, one after another", report: "local", workload: "local-acks", bound: 300, than: atMost, unit: "ms"},
	{of: "memory", what: "most resident of a worker that counts, a process of its own", report: "bench", workload: "memory", bound: 150, than: atMost, unit: "MB"},
	{of: "memory", what: "most resident of a worker under ten times its load, 100 records under way on a task", report: "state", workload: "overload-resident", bound: 200, than: atMost, unit: "MB"},
	{of: "overload", what: "p50 of appends that are let wait, under ten times the load", report: "state", workload: "overload", than: told, unit: "ms"},
	{of: "overload", what: "p99 of the same", report: "state", workload: "overload-p99", bound: float64(overloadQuick.Milliseconds()), than: atMost, unit: "ms"},
	{of: "scaling", what: "words/s of 2 workers, hops over gRPC / hops in memory", report: "growth", workload: "workers-2", peer: hopsInMemory, than: told},
	{of: "scaling", what: "words/s of 2 workers over gRPC / of one worker", report: "growth", workload: "workers-2", peer: oneWorker, than: told},
	{of: "scaling", what: "words/s of 4 workers, hops over gRPC / hops in memory", report: "growth", workload: "workers-4", peer: hopsInMemory, than: told},
	{of: "scaling", what: "words/s of 4 workers over gRPC / of one worker", report: "growth", workload: "workers-4", peer: oneWorker, than: told},
}

// goalsOf are the bounds for the ratios of a workload, and those that its code has itself.
func goalsOf(workload string, own []goal) []goal {
	goals := own
	for _, a := range aims {
		known := slices.ContainsFunc(own, func(g goal) bool { return g.Peer == a.peer })
		if a.workload == workload && a.peer != "" && a.than != told && !known {
			goals = append(goals, goal{a.peer, a.bound})
		}
	}
	return goals
}

// values are what was measured, round by round; none: it was not.
func (a *aim) values(r *report) []float64 {
	switch {
	case r == nil:
		return nil
	case a.from != nil:
		return a.from(r)
	}
	f := r.find(a.workload)
	if f == nil {
		return nil
	}
	if a.peer == "" {
		return f.of(ours)
	}
	return f.ratios(a.peer)
}

// find is the figure of a workload, or nil.
func (r *report) find(workload string) *figure {
	for _, f := range r.Figures {
		if f.Workload == workload {
			return f
		}
	}
	return nil
}

// treeCost is what an event costs in trees of so many, in seconds.
type treeCost struct{ events, cost float64 }

// treeCosts are what an event costs in trees of each size, of the curve of trees: that counts the
// events that a record sends off. The record is handled, tracked and acked like them, so it is
// an event itself where it is to count.
func treeCosts(r *report, record bool) (costs []treeCost) {
	for _, c := range r.Curves {
		if c.Name != "trees" || len(c.Lines) == 0 {
			continue
		}
		for _, p := range c.Lines[0].Points {
			rate := p.Y
			if record {
				rate *= (p.X + 1) / p.X
			}
			costs = append(costs, treeCost{p.X, 1 / rate})
		}
	}
	return costs
}

// treesDiffer is how many times as much an event costs in the dearest trees as in the cheapest.
func treesDiffer(r *report) []float64 { return mostByLeast(treeCosts(r, true)) }

func treesDifferBare(r *report) []float64 { return mostByLeast(treeCosts(r, false)) }

func mostByLeast(costs []treeCost) []float64 {
	if len(costs) == 0 {
		return nil
	}
	byCost := func(a, b treeCost) int { return cmp.Compare(a.cost, b.cost) }
	return []float64{slices.MaxFunc(costs, byCost).cost / slices.MinFunc(costs, byCost).cost}
}
