package client

import (
	"context"

	"github.com/coppice-run/coppice/eventtree"
)

// Latencies says how long records of each stream topology of a module took, and the microbatches
// of each microbatch topology. Of records it is about those that workers drew for their
// sample (telemetry.TreesConfig.Every) and no others that they keep, and about the last of them.
// What a worker knows that does not answer is left out, and told of (SilentTasks).
func (c *Client) Latencies(ctx context.Context, moduleName string) (map[string]eventtree.Latency, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, err
	}
	parts, err := c.allParts(ctx, b, &eventtree.Query{Drawn: true, List: 1})
	if err != nil {
		return nil, err
	}
	drawn := map[string][]eventtree.Drawn{}
	silent := 0
	for _, p := range parts {
		if p.Silent {
			silent++
		}
		for _, d := range p.Drawn {
			drawn[d.Topology] = append(drawn[d.Topology], d)
		}
	}
	all := map[string]eventtree.Latency{}
	for _, t := range b.plan.Streams {
		of := eventtree.OfRecords
		if t.Microbatch {
			of = eventtree.OfMicrobatches
		}
		l := eventtree.LatencyOf(of, drawn[t.Name])
		l.SilentTasks = silent
		all[t.Name] = l
	}
	return all, nil
}
