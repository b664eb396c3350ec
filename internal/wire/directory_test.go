package wire_test

import (
	"slices"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// names is a plan as parcels know it: steps by number, and the sources of the one
// topology that they are in.
type names struct {
	steps   []string
	sources []string
	former  map[string]string // names that steps had
}

func (d *names) StepName(step uint16) string        { return d.steps[step] }
func (d *names) SourceName(_, source uint16) string { return d.sources[source] }
func (d *names) Stem(_, source uint16, partition task.ID) uint64 {
	return acker.Stem("topology", d.sources[source], int32(partition))
}

// root is the seed of the root event of a record.
func (d *names) root(o *wire.Origin) uint64 {
	return acker.Root(d.Stem(0, o.Source, o.Root), o.Offset)
}

func (d *names) Column(uint16) wire.Column                   { return wire.NewColumn(texts, true) }
func (d *names) Step(name string) (uint16, bool)             { return place(d.steps, d.present(name)) }
func (d *names) Source(_ uint16, name string) (uint16, bool) { return place(d.sources, name) }

func (d *names) present(name string) string {
	if now, ok := d.former[name]; ok {
		return now
	}
	return name
}

func place(all []string, name string) (uint16, bool) {
	i := slices.Index(all, name)
	return uint16(max(i, 0)), i >= 0
}

var plan = &names{steps: []string{"split", "count", "total"}, sources: []string{"lines", "late"}}
