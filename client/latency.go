package client

import (
	"context"

	"github.com/coppice-run/coppice/eventtree"
)

// Latencies says how long records of each stream topology of a module took, from the beginning
// of their first attempt to the end of their trees. It is of the records that workers drew for
// their sample (telemetry.TreesConfig.Every) and of no others that they keep, and of the last of
// them. A worker that does not answer is left out.
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
	for _, p := range parts {
		for _, d := range p.Drawn {
			drawn[d.Topology] = append(drawn[d.Topology], d)
		}
	}
	all := map[string]eventtree.Latency{}
	for _, t := range b.plan.Streams {
		all[t.Name] = eventtree.LatencyOf(drawn[t.Name])
	}
	return all, nil
}
