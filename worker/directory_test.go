package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// slowHeads answers reads of heads when it is told to.
type slowHeads struct {
	store.Store
	open    chan struct{}
	address string // that they name
}

func (s *slowHeads) Read(ctx context.Context, _ store.Slot, _ []store.Read) (task.Head, error) {
	select {
	case <-s.open:
	case <-ctx.Done():
	}
	return task.Head{Address: s.address}, ctx.Err()
}

// leaving notes what is sent.
type leaving struct {
	transport.Link
	sent chan []byte
}

func (l *leaving) Address() string             { return "here" }
func (l *leaving) Send(_ string, frame []byte) { l.sent <- frame }

// promise 0.12: frames of one task to another leave in their order, also when the owner
// greets while one of them waits for a look at the head.
func TestNoFrameGoesPastOneThatIsKept(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	heads, link := &slowHeads{open: make(chan struct{}), address: "there"}, &leaving{sent: make(chan []byte, 8)}
	w := &Worker{config: Config{Store: heads, Logger: slog.New(slog.DiscardHandler)}, link: link, ctx: ctx}
	l := &loaded{ctx: ctx, plan: &module.Plan{Module: "m"}, tasks: 4, slots: slotsOf("m", 4), drivers: make([]atomic.Pointer[driver], 4)}
	l.owners = newDirectory(w, l)
	from := &driver{w: w, loaded: l, log: w.config.Logger, mail: newMailbox()}
	var want, got [][]byte
	for n := range uint64(4) {
		f := &wire.Frame{From: 0, To: 3, Number: n + 5, Receipt: &wire.Receipt{Number: n + 5}}
		raw, err := f.Append(wire.AppendEnvelope(nil, "m"))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, raw)
		l.owners.ship(from, f)
		switch n {
		case 0:
			l.owners.learn(3, "there") // the new owner greets
		case 2:
			close(heads.open)
			got = append(got, <-link.sent)
		}
	}
	for len(got) < len(want) {
		got = append(got, <-link.sent)
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%d frames left, in another order than they were sent", len(got))
	}
	cancel()
	w.background.Wait()
}

// What comes for a task between two owners of it on the same worker is for the second one: the head
// names this worker all the time.
func TestFramesWaitForTheNextOwnerHere(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heads, link := &slowHeads{open: make(chan struct{}), address: "here"}, &leaving{sent: make(chan []byte, 8)}
	close(heads.open)
	w := &Worker{config: Config{Store: heads, Logger: slog.New(slog.DiscardHandler)}, link: link, ctx: ctx}
	l := &loaded{ctx: ctx, plan: &module.Plan{Module: "m"}, tasks: 4, slots: slotsOf("m", 4), drivers: make([]atomic.Pointer[driver], 4)}
	l.owners = newDirectory(w, l)
	w.modules = map[string]*loaded{"m": l}
	from := &driver{w: w, loaded: l, log: w.config.Logger, mail: newMailbox()}
	l.owners.learn(3, "here")
	for n := range uint64(3) {
		l.owners.ship(from, &wire.Frame{From: 0, To: 3, Number: n + 5, Receipt: &wire.Receipt{Number: n + 5}})
	}
	next := &driver{w: w, loaded: l, log: w.config.Logger, mail: newMailbox()}
	l.drivers[3].Store(next)
	var got []uint64
	for len(got) < 3 {
		<-next.mail.signal
		for _, m := range next.mail.take(nil) {
			if in, ok := m.in.(*runtime.FrameIn); ok {
				got = append(got, in.Frame.Number)
			}
		}
	}
	if !slices.Equal(got, []uint64{5, 6, 7}) {
		t.Errorf("the next owner got frames %v, want 5, 6, 7", got)
	}
	l.background.Wait()
}
