package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// transfers is a bank as a microbatch topology: what leaves one account comes to another one,
// on any task, in the same microbatch.
type transfers struct {
	name     string
	Moves    module.Depot[transferred]
	Balances pstate.Map[string, int]
	IDs      pstate.Map[string, int] // by account: the microbatch that changed it last

	credit module.Step[transferred]
}

type transferred struct {
	From, To string
	Cents    int
}

func (m *transfers) ModuleName() string { return m.name }

func (m *transfers) Define(b *module.Builder) {
	module.HashDepot(b, &m.Moves, "moves", func(v transferred) string { return v.From })
	mb := b.Microbatch("bank")
	mb.PState(&m.Balances, "balances")
	mb.PState(&m.IDs, "ids")
	module.DeclareStep(mb, &m.credit, "credit", module.At(&m.Balances, func(v transferred) string { return v.To }), m.onCredit)
	module.DeclareSource(mb, m.Moves, m.onMove)
}

func (m *transfers) onMove(ev *module.Event, v transferred) error {
	have, err := m.Balances.Key(v.From).Get(ev)
	if err != nil {
		return err
	}
	if v.Cents > 1000 {
		return module.Reject(errors.New("too much at a time"))
	}
	m.Balances.Key(v.From).Set(ev, have-v.Cents)
	m.IDs.Key(v.From).Set(ev, int(ev.MicrobatchID()))
	m.credit.Send(ev, v)
	return nil
}

func (m *transfers) onCredit(ev *module.Event, v transferred) error {
	agg.Add(ev, m.Balances.Key(v.To), v.Cents)
	m.IDs.Key(v.To).Set(ev, int(ev.MicrobatchID()))
	return nil
}

const accounts = 20

func account(i int) string { return fmt.Sprintf("account%d", i%accounts) }

// total sums all accounts, of one snapshot.
func (m *transfers) total(ctx context.Context, c *client.Client) (sum int, id uint64, err error) {
	err = c.Snapshot(ctx, m.name, "bank", func(r pstate.Reader, at uint64) error {
		sum, id = 0, at // it may be called again
		for i := range accounts {
			n, err := m.Balances.Key(account(i)).Get(r)
			if err != nil {
				return err
			}
			sum += n
		}
		return nil
	})
	return sum, id, err
}

// promise 0.18, promise 0.24, promise 18.04: a microbatch moves money between tasks as a
// whole: at every snapshot the total is what it was, while records come and workers share
// the tasks.
func TestAMicrobatchIsAWhole(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &transfers{name: unique("Moves")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		const programs, each = 4, 50
		var group sync.WaitGroup
		for p := range programs {
			group.Go(func() {
				for i := range each {
					v := transferred{From: account(p + i), To: account(p + 3*i + 1), Cents: i}
					if _, err := m.Moves.Append(t.Context(), c.Client(), v); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { group.Wait(); close(done) }()
		snapshots, moved := 0, 0
		for more := true; more; {
			select {
			case <-done:
				more = false
			default:
			}
			sum, id, err := m.total(t.Context(), c.Client())
			switch {
			case errors.Is(err, client.ErrMoved):
				moved++
			case err != nil:
				t.Fatal(err)
			case sum != 0:
				t.Fatalf("at microbatch %d the total is %d", id, sum)
			default:
				snapshots++
			}
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, "bank", programs*each); err != nil {
			t.Fatal(err)
		}
		info, err := c.Client().Microbatches(t.Context(), m.name, "bank")
		if err != nil {
			t.Fatal(err)
		}
		if info.Records != programs*each {
			t.Errorf("%d records are processed, %d were appended", info.Records, programs*each)
		}
		if sum, id, err := m.total(t.Context(), c.Client()); err != nil || sum != 0 || id != info.Applied {
			t.Errorf("in the end, at microbatch %d of %d, the total is %d (%v)", id, info.Applied, sum, err)
		}
		t.Logf("%d records in %d microbatches, %d snapshots, %d that did not get through", info.Records, info.Applied, snapshots, moved)
	})
}

// placer appends without waiting for streams, and says where the record lies.
type placer struct {
	c  *client.Client
	at client.Place
}

func (p *placer) SendRecord(ctx context.Context, r module.Record) (acks module.Acks, err error) {
	p.at, err = p.c.Put(ctx, r)
	return acks, err
}

// How long microbatches take is known of each that its coordinator has seen from its beginning.
func TestMicrobatchesHaveALatency(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &transfers{name: unique("Timed")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3}); err != nil {
			t.Fatal(err)
		}
		p := &placer{c: c.Client()}
		for cents := range 25 { // one after another, each a microbatch
			if _, err := m.Moves.Append(t.Context(), p, transferred{From: "a", To: "b", Cents: cents}); err != nil {
				t.Fatal(err)
			}
			if err := c.Client().WaitProcessed(t.Context(), p.at); err != nil {
				t.Fatal(err)
			}
		}
		all, err := c.Client().Latencies(t.Context(), m.name)
		// The last one may be applied, and its coordinator not have heard so.
		if l := all["bank"]; err != nil || l.Of != eventtree.OfMicrobatches || l.Count < 24 || l.P50Seconds <= 0 || l.P95Seconds < l.P50Seconds || l.Why != "" {
			t.Errorf("25 microbatches: %+v, %v", l, err)
		}
	})
}

// 14.11, 14.17, 18.05: a topology that is paused begins no microbatch until it is resumed;
// WaitProcessed waits for one record.
func TestAMicrobatchTopologyIsPaused(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &transfers{name: unique("Paused")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3}); err != nil {
			t.Fatal(err)
		}
		p := &placer{c: c.Client()}
		put := func(cents int) {
			if _, err := m.Moves.Append(t.Context(), p, transferred{From: "a", To: "b", Cents: cents}); err != nil {
				t.Fatal(err)
			}
		}
		want := func(cents int) {
			t.Helper()
			if err := c.Client().WaitProcessed(t.Context(), p.at); err != nil {
				t.Fatal(err)
			}
			if n, err := m.Balances.Key("b").Get(c.Client().At(t.Context())); err != nil || n != cents {
				t.Fatalf("the balance is %d (%v), want %d", n, err, cents)
			}
		}
		put(5)
		want(5)
		if err := c.Client().PauseMicrobatches(t.Context(), m.name, "bank"); err != nil {
			t.Fatal(err)
		}
		put(6)
		if err := c.Client().WaitReady(t.Context(), m.name, "bank", 1); err != nil {
			t.Fatal(err)
		}
		if s, err := c.Client().TaskStatus(t.Context(), m.name, 0); err != nil || len(s.Microbatches) != 1 || !s.Microbatches[0].Between || s.Microbatches[0].Ready != 1 {
			t.Errorf("paused, with one record ready, the coordinator is at %+v, %v", s.Microbatches, err)
		}
		if err := c.Client().ResumeMicrobatches(t.Context(), m.name, "bank"); err != nil {
			t.Fatal(err)
		}
		put(7)
		want(18)
		if err := c.Client().PauseMicrobatches(t.Context(), m.name, "nothing"); !errors.Is(err, client.ErrNoMicrobatches) {
			t.Errorf("a topology that is not there is paused: %v", err)
		}
		if _, err := c.Client().Microbatches(t.Context(), m.name, "nothing"); !errors.Is(err, client.ErrNoMicrobatches) {
			t.Errorf("a topology that is not there is at %v", err)
		}
	})
}

// BenchmarkLoneRecord appends one record after another and waits until what it wrote on
// another task can be read: from the append to that, p50 and p99. Ratios are worth more
// than the numbers: "append" is the append alone.
func BenchmarkLoneRecord(b *testing.B) {
	for _, w := range worlds() {
		b.Run(w.name, func(b *testing.B) {
			c := start(b, w)
			m := &transfers{name: unique("Lone")}
			if err := c.Launch(b.Context(), m, localcluster.LaunchConfig{Tasks: 4, ShareValues: true}); err != nil {
				b.Fatal(err)
			}
			p := &placer{c: c.Client()}
			var appends, visible []time.Duration
			want := 0
			for b.Loop() {
				want++
				begun := time.Now()
				if _, err := m.Moves.Append(b.Context(), p, transferred{From: "a", To: "b", Cents: 1}); err != nil {
					b.Fatal(err)
				}
				appends = append(appends, time.Since(begun))
				for {
					n, err := m.Balances.Key("b").Get(c.Client().At(b.Context()))
					if err != nil {
						b.Fatal(err)
					}
					if n == want {
						break
					}
				}
				visible = append(visible, time.Since(begun))
			}
			slices.Sort(appends)
			slices.Sort(visible)
			at := func(all []time.Duration, percent int) float64 {
				return float64(all[len(all)*percent/100]) / float64(time.Millisecond)
			}
			b.ReportMetric(at(visible, 50), "visible-p50-ms")
			b.ReportMetric(at(visible, 99), "visible-p99-ms")
			b.ReportMetric(at(appends, 50), "append-p50-ms")
			b.ReportMetric(at(appends, 99), "append-p99-ms")
		})
	}
}
