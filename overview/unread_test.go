package overview

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
)

// torn is a town of which a partition cannot be read.
type torn struct {
	*town
	partitions int
	why        string
	options    error
}

func (c *torn) Progress(ctx context.Context, module, topology string) ([]client.SourceProgress, error) {
	all, _ := c.town.Progress(ctx, module, topology)
	for i := range all {
		if all[i].Topic = "coppice.m.d"; i < c.partitions {
			all[i].Error, all[i].End, all[i].Lag = c.why, 0, 0
		}
	}
	if c.partitions > 0 {
		return all, errors.New(c.why)
	}
	return all, nil
}

func (c *torn) Option(ctx context.Context, module string, scope client.OptionScope, name string) (client.OptionValue, error) {
	if c.options != nil {
		return client.OptionValue{}, c.options
	}
	return c.town.Option(ctx, module, scope, name)
}

func (c *torn) Describe(ctx context.Context, module string) (client.Description, error) {
	if c.options != nil && c.partitions > 0 {
		return client.Description{}, c.options
	}
	return c.town.Describe(ctx, module)
}

// A log that does not answer for anything leaves what the store and the workers know.
func TestLogDoesNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.look(0)
	c := &torn{town: r.town, partitions: 3, why: "no broker answers", options: errors.New("no broker answers")}
	r.o.config.Cluster = c
	if g, err := r.o.Graph(t.Context(), "m"); err != nil || len(g.Nodes) == 0 {
		t.Errorf("%+v, %v", g, err)
	}
	if m := r.look(2); len(m.Tasks) != 3 || m.Tasks[1].State != TaskRuns || m.Parked != 3 || m.Findings[0].Waits != c.why {
		t.Errorf("%+v", m)
	}
	c.partitions = 0
	if _, err := r.o.Module(t.Context(), "m"); err != nil {
		t.Error(err) // within the period
	}
	r.o.Forget("m")
	if _, err := r.o.Module(t.Context(), "m"); !errors.Is(err, c.options) {
		t.Errorf("options alone cannot be read: %v", err)
	}
}

// A depot that cannot be read hides nothing else, and is told of by name; no rate is made of
// what is missing.
func TestUnreadableDepot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := &torn{town: r.town}
	r.o.config.Cluster = c
	r.look(0)
	c.partitions, c.why = 2, "it is gone"
	m := r.look(2)
	f := m.Findings[0]
	if f.Severity != Broken || f.What != "the progress with depot d cannot be read: topic coppice.m.d, partitions 0, 1" || f.Waits != "it is gone" || !strings.Contains(f.Mend, "coppice.m.d is there") || f.Topology != "t" {
		t.Errorf("found %+v", f)
	}
	if len(m.Tasks) != 3 || m.Parked != 3 || len(m.Findings) != 2 {
		t.Errorf("the rest is not told: %+v", m)
	}
	s := m.Topologies[0].Sources[0]
	if s.Error != "it is gone" || s.Partitions[1].Error == "" || s.Partitions[2].Error != "" || s.Partitions[2].Lag != 100 {
		t.Errorf("%+v", s)
	}
	c.partitions = 0
	r.look(2)
	if m := r.look(2); len(m.Findings) != 1 || m.AppendedPerSecond() != 0 || len(m.Course()) != 1 {
		t.Errorf("readable again: %+v", m)
	}
	c.partitions = 1
	if m := r.look(2); !strings.HasSuffix(m.Findings[0].What, ", partition 0") {
		t.Errorf("found %+v", m.Findings[0])
	}
}
