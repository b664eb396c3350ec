package main

import "slices"

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
	{of: "count", what: "events/s, of Flink's", report: "peers", workload: "peer-count", peer: "flink", bound: 2},
	{of: "count", what: "events/s, of those of Kafka Streams, exactly once", report: "peers", workload: "peer-count", peer: "kafka-streams-eo", bound: 10},
	{of: "words", what: "events/s, of the loop, which tracks nothing", report: "bench", workload: "words", peer: "handrolled", bound: 0.35},
	{of: "words", what: "events/s, of Flink's", report: "peers", workload: "peer-words", peer: "flink", bound: 2.5},
	{of: "words", what: "events/s, of Storm's with ackers", report: "peers", workload: "peer-words", peer: "storm", bound: 4},
	{of: "words", what: "the same from the first record that Storm sees on, with four times the input", report: "peers", workload: "peer-words-long-running", peer: "storm", bound: 4},
	{of: "words", what: "cost of an event, the most of trees of 1 to 1,000,000 events / of trees of one, which cost most", report: "growth", from: treesGrow, than: told},
	{of: "words", what: "cost of an event, the most / the least of trees of 10 to 1,000,000 events", report: "growth", from: treesDiffer, bound: flat, than: atMost},
	{of: "cold", what: "events/s, of count", report: "state", workload: "cold", peer: "count", bound: 0.4},
	{of: "ack", what: "p50, of the floor's", report: "bench", workload: "ack", peer: "floor", bound: 1.4, than: atMost},
	{of: "ack", what: "p99, of the floor's", report: "bench", workload: "ack-p99", peer: "floor", bound: 2, than: atMost},
	{of: "ack", what: "p50 with 64 appenders, of the floor's", report: "bench", workload: "ack-64", peer: "floor", bound: 1.4, than: atMost},
	{of: "ack", what: "p99 with 64 appenders, of the floor's", report: "bench", workload: "ack-p99-64", peer: "floor", bound: 2, than: atMost},
	{of: "ack", what: "acks/s with 64 appenders, of the floor's", report: "bench", workload: "acks-64", peer: "floor", bound: 0.8},
	{of: "ack", what: "p50, of that of Kafka Streams, exactly once", report: "peers", workload: "peer-ack", peer: "kafka-streams-eo", bound: 0.01, than: below},
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
	{of: "memory", what: "most resident of a worker under ten times its load", report: "state", workload: "overload-resident", bound: 200, than: atMost, unit: "MB"},
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

// costs are what an event costs in trees of so many events and more, of the curve of trees.
func treeCosts(r *report, least float64) (costs []float64) {
	for _, c := range r.Curves {
		if c.Name != "trees" || len(c.Lines) == 0 {
			continue
		}
		for _, p := range c.Lines[0].Points {
			if p.X >= least {
				costs = append(costs, 1/p.Y)
			}
		}
	}
	return costs
}

func treesGrow(r *report) []float64 {
	costs := treeCosts(r, 1)
	if len(costs) == 0 {
		return nil
	}
	return []float64{slices.Max(costs) / costs[0]}
}

func treesDiffer(r *report) []float64 {
	costs := treeCosts(r, 10)
	if len(costs) == 0 {
		return nil
	}
	return []float64{slices.Max(costs) / slices.Min(costs)}
}
