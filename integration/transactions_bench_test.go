package integration

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/examples/componentsexact"
	"github.com/coppice-run/coppice/examples/componentsmicrobatch"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// transactionTasks is how many tasks the modules of BenchmarkTransactions have.
const transactionTasks = 4

// solution is one way to keep the forest of components.
type solution struct {
	name   string
	launch func(ctx context.Context, c *localcluster.Cluster) (create func(ctx context.Context, a module.Appender, id, parent string) error, err error)
	micro  bool
}

// solutions are the three of docs/guides/transactions.md.
func solutions() []solution {
	launch := localcluster.LaunchConfig{Tasks: transactionTasks}
	type create = func(ctx context.Context, a module.Appender, id, parent string) error
	return []solution{
		{"stream", func(ctx context.Context, c *localcluster.Cluster) (create, error) {
			m := &components.Module{Name: unique("Components")}
			return func(ctx context.Context, a module.Appender, id, parent string) error {
				_, err := m.Changes.Append(ctx, a, components.Create{ID: id, Parent: parent, Text: "some"})
				return err
			}, c.Launch(ctx, m, launch)
		}, false},
		{"exact", func(ctx context.Context, c *localcluster.Cluster) (create, error) {
			m := &componentsexact.Module{Name: unique("Components")}
			return func(ctx context.Context, a module.Appender, id, parent string) error {
				_, err := m.Changes.Append(ctx, a, componentsexact.Create{ID: id, Parent: parent, Text: "some"})
				return err
			}, c.Launch(ctx, m, launch)
		}, false},
		{"microbatch", func(ctx context.Context, c *localcluster.Cluster) (create, error) {
			m := &componentsmicrobatch.Module{Name: unique("Components")}
			return func(ctx context.Context, a module.Appender, id, parent string) error {
				_, err := m.Changes.Append(ctx, a, componentsmicrobatch.Create{ID: id, Parent: parent, Text: "some"})
				return err
			}, c.Launch(ctx, m, launch)
		}, true},
	}
}

// BenchmarkTransactions measures the three solutions of docs/guides/transactions.md on the
// servers that are there: how long a creation takes that is alone, from its append until its
// effects can be read, and how many there are a second where 64 programs create at once.
//
//	go run ./cmd/stack run -- go test -run '^$' -bench Transactions -benchtime 1000x ./integration/
func BenchmarkTransactions(b *testing.B) {
	for _, w := range worlds() {
		for _, s := range solutions() {
			b.Run(fmt.Sprint(w.name, "/", s.name, "/alone"), func(b *testing.B) { alone(b, w, s) })
			b.Run(fmt.Sprint(w.name, "/", s.name, "/many"), func(b *testing.B) { many(b, w, s) })
		}
	}
}

// planted starts a solution with a few parents.
func planted(b *testing.B, w world, s solution) (c *localcluster.Cluster, create func(a module.Appender, i int) error) {
	b.Helper()
	c = start(b, w)
	send, err := s.launch(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	const parents = 100
	for i := range parents {
		if err := send(b.Context(), processed{c.Client()}, fmt.Sprint("p", i), ""); err != nil {
			b.Fatal(err)
		}
	}
	return c, func(a module.Appender, i int) error {
		return send(b.Context(), a, fmt.Sprint("c", i), fmt.Sprint("p", i%parents))
	}
}

func alone(b *testing.B, w world, s solution) {
	c, create := planted(b, w, s)
	var took []time.Duration
	for i := range b.N {
		begin := time.Now()
		if err := create(processed{c.Client()}, i); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}

func many(b *testing.B, w world, s solution) {
	c, create := planted(b, w, s)
	const programs = 64
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range programs {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				var a module.Appender = c.Client()
				if s.micro && i < int64(b.N)-programs {
					a = appended{c.Client()} // and wait for the last ones
				} else if s.micro {
					a = processed{c.Client()}
				}
				if err := create(a, int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creations/s")
}

// appended is an Appender that waits until a record is in its depot.
type appended struct{ a module.Appender }

func (a appended) SendRecord(ctx context.Context, r module.Record) (module.Acks, error) {
	r.Level = module.AckAppend
	return a.a.SendRecord(ctx, r)
}
