package virtual

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// load appends clicks from several writers at a time and notes what became of
// them.
type load struct {
	u      *user
	append func(ctx context.Context, c click) error
	// visible reports whether a click's effects are there for readers.
	visible func(r pstate.Reader, c click) (bool, error)

	mu      sync.Mutex
	next    int            // number of the next run's first click
	acked   map[click]bool // done with, as the client was told
	absent  map[click]bool // not in the depot, as the client was told
	unseen  []click        // acked, and a read behind the ack did not see it
	unknown int            // perhaps in the depot
	other   []error
}

// loadTimeout is how long a run may take, in virtual time, with all that is to be
// waited for.
const loadTimeout = 10 * time.Minute

func newLoad(u *user, clicks *module.Depot[click], visible func(pstate.Reader, click) (bool, error)) *load {
	return &load{u: u, visible: visible, acked: map[click]bool{}, absent: map[click]bool{}, append: func(ctx context.Context, c click) error {
		_, err := clicks.Append(ctx, u.Client, c)
		return err
	}}
}

// run appends writers times each clicks, with pauses of up to pauseMax, and returns
// when the outcome of all is known. Behind each ack it reads what was acked.
func (l *load) run(ctx context.Context, seed uint64, writers, each int, pauseMax time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	first := l.next
	l.next += writers * each
	var group sync.WaitGroup
	for n := range writers {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		group.Go(func() {
			for i := range each {
				elapse(time.Duration(random.Int64N(int64(pauseMax))))
				c := click{random.IntN(keys), first + n*each + i}
				_ = l.one(ctx, c)
			}
		})
	}
	group.Wait()
}

// one appends a click and notes what became of it, which it returns.
func (l *load) one(ctx context.Context, c click) error {
	err := l.u.settled(ctx, l.append(ctx, c))
	seen := true
	if err == nil {
		seen, err = l.sees(ctx, c)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acked[c] = true
		if !seen {
			l.unseen = append(l.unseen, c)
		}
	case errors.Is(err, client.ErrNotAppended):
		l.absent[c] = true
	case errors.Is(err, client.ErrUnknown):
		l.unknown++
	default:
		l.other = append(l.other, err)
	}
	return err
}

// sees reads whether a click's effects are there, over lines that may break.
func (l *load) sees(ctx context.Context, c click) (seen bool, err error) {
	for range 20 {
		if seen, err = l.visible(l.u.At(ctx), c); err == nil {
			break
		}
		elapse(100 * time.Millisecond)
	}
	return seen, err
}

// check compares what the clients were told with the depot: no click is there
// twice, those that were acked are there and were seen behind their acks, those that
// were not appended are not there.
func (l *load) check(t *testing.T, inDepot map[click]int) {
	t.Helper()
	for c, n := range inDepot {
		if n != 1 {
			t.Errorf("click %v is in the depot %d times", c, n)
		}
		if l.absent[c] {
			t.Errorf("click %v is in the depot, and its append said that it is not", c)
		}
	}
	for c := range l.acked {
		if inDepot[c] == 0 {
			t.Errorf("click %v was acked and is not in the depot", c)
		}
	}
	for _, c := range l.unseen {
		t.Errorf("click %v was acked, and a read behind it did not see it", c)
	}
	for _, err := range l.other {
		t.Errorf("append: %v", err)
	}
}

// inDepot reads a depot of clicks from its beginning to its end.
func (w *world) inDepot(ctx context.Context, p *party, moduleName, name string, partitions int) map[click]int {
	w.t.Helper()
	all := map[click]int{}
	reader, err := p.log.Reader(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer reader.Close()
	topic := depot.TopicName(moduleName, name)
	left := map[int32]int64{}
	for i := range int32(partitions) {
		start, end, err := p.log.Bounds(ctx, topic, i)
		if err != nil {
			w.t.Fatal(err)
		}
		if start < end {
			left[i] = end
			if err := reader.Assign(depot.Position{Topic: topic, Partition: i, Offset: start, LeaderEpoch: -1}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for len(left) > 0 {
		if err := reader.Poll(ctx, 0, func(d depot.Delivery) {
			if d.Fault != nil {
				w.t.Fatal(d.Fault)
			}
			for _, r := range d.Records {
				var c click
				if err := json.Unmarshal(r.Value, &c); err != nil {
					w.t.Fatal(err)
				}
				all[c]++
				if r.Offset+1 >= left[d.Partition] {
					delete(left, d.Partition)
				}
			}
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	return all
}

// processed waits until every record that is in a depot is done with.
func (u *user) processed(ctx context.Context, moduleName, name string, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	for i := range int32(partitions) {
		_, end, err := u.log.Bounds(ctx, depot.TopicName(moduleName, name), i)
		if err != nil {
			return err
		}
		for offset := range end {
			_, err := u.Await(ctx, client.Place{Module: moduleName, Depot: name, Partition: i, Offset: offset})
			if err := u.settled(ctx, err); err != nil {
				return err
			}
		}
	}
	return nil
}
