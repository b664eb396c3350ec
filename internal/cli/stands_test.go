package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// calling waits for a call to the outside that does not come back; its tasks answer meanwhile.
type calling struct {
	Orders  module.Depot[string]
	ship    module.Call[string]
	entered chan struct{}
}

func (m *calling) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders", module.Text())
	s := b.Stream("fulfil")
	module.DeclareCall[string, string](s, &m.ship, "ship", func(ctx context.Context, _ string) (string, error) {
		m.entered <- struct{}{}
		<-ctx.Done()
		return "", ctx.Err()
	}, nil)
	module.DeclareSource(s, m.Orders, func(ev *module.Event, order string) error {
		m.ship.Start(ev, order)
		return nil
	})
}

// watch is a clock that stands but for the waits between two looks.
type watch struct {
	at    time.Time
	waits int
}

func (w *watch) examiner(flags []string) *examiner {
	r := &remote{}
	for _, flag := range flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		switch name {
		case "kafka":
			r.servers.Kafka.Brokers = strings.Split(value, ",")
		case "redis":
			r.servers.Redis.Addresses = strings.Split(value, ",")
		}
	}
	return &examiner{r: r, now: func() time.Time { return w.at }, wait: func(_ context.Context, d time.Duration) error {
		w.waits++
		w.at = w.at.Add(d)
		return nil
	}}
}

// What stands still is told by the doctor and in a dump, with what it waits for, though every
// task answers; where nothing is to be done nobody waits for a second look.
func TestDoctorTellsWhatStandsStill(t *testing.T) {
	t.Parallel()
	c, flags := remoteFlags(t)
	m := &calling{entered: make(chan struct{}, 1)}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	idle := &watch{at: time.Now()}
	if f := idle.examiner(flags).examine(t.Context()); idle.waits != 0 || strings.Contains(whats(f), "stands still") {
		t.Errorf("with nothing to do it waited %d times, and found\n%s", idle.waits, whats(f))
	}
	if _, err := m.Orders.Append(t.Context(), c.Client(), "tea", module.Wait(module.AckAppend)); err != nil {
		t.Fatal(err)
	}
	<-m.entered
	w := &watch{at: time.Now()}
	f := w.examiner(flags).examine(t.Context())
	if text := whats(f); w.waits != 1 || !strings.Contains(text, "risky topology fulfil stands still, with 1 record to do; it waits for ") || !strings.Contains(text, "ship") || strings.Contains(text, "does not answer") {
		t.Errorf("after %d waits it found\n%s", w.waits, text)
	}
	files, err := w.examiner(flags).collect(t.Context(), newMasker(false))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if (file.name == "doctor.json" || strings.HasSuffix(file.name, "overview.json")) && !strings.Contains(string(file.data), "topology fulfil stands still") {
			t.Errorf("%s does not say what stands still:\n%s", file.name, file.data)
		}
	}
	if w.waits != 2 {
		t.Errorf("a dump waited %d times, want once", w.waits-1)
	}
}

// whats is a finding on each line.
func whats(f findings) string {
	var out strings.Builder
	for _, one := range f {
		out.WriteString(one.Level + " " + one.What + "\n")
	}
	return out.String()
}
