package virtual

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// failures notes the attempts that failed.
type failures struct {
	mu  sync.Mutex
	all []runtime.RecordInfo
	at  []time.Time
}

func (f *failures) listener() *runtime.Listener {
	return &runtime.Listener{RecordFailed: func(i runtime.RecordInfo) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.all = append(f.all, i)
		f.at = append(f.at, time.Now())
	}}
}

// because counts the attempts that failed for a reason.
func (f *failures) because(text string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.all {
		if strings.Contains(i.Err, text) {
			n++
		}
	}
	return n
}

// R19, promise 3.61, promise 3.64: two workers are parted for longer than a tree may
// take, and nobody tells them. The trees that span both fail by their timeout, again
// and again, and complete when the workers are together again; those within one
// worker never notice. Nothing acked is lost.
func TestWorkersThatAreParted(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		const timeout, parted = 10 * time.Second, 35 * time.Second
		w := newWorld(t, seed)
		m := &spread{}
		var failed failures
		w.launchTwo(m, launching{options: runtime.Options{TreeTimeout: timeout}, listener: failed.listener()})
		u := w.user(m)
		time.AfterFunc(time.Second, func() { w.network.part("worker-0", "worker-1") })
		time.AfterFunc(time.Second+parted, func() { w.network.join("worker-0", "worker-1") })
		l := m.load(u)
		l.run(t.Context(), seed, 6, 10, 2*time.Second)
		repeats := w.atLeastOnce(t.Context(), t, m, u, l, 4)
		if took := time.Since(w.began); took < parted {
			t.Errorf("all was done after %v, while the workers were parted", took)
		}
		if len(l.acked) != 60 {
			t.Errorf("%d of 60 clicks were acked", len(l.acked))
		}
		seen.note("trees that timed out", failed.because("not complete within 10s"))
		seen.note("frames lost", w.network.losses())
		seen.note("arrivals that were repeats", repeats)
	})
}

// promise 3.61, promise 3.99: the timeout is that of the option, to the nanosecond,
// and the attempt after it begins when the pause is over.
func TestATreeTimesOutWhenItSays(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const timeout = 10 * time.Second
		w := newWorld(t, 1)
		m := &spread{}
		var failed failures
		w.launchTwo(m, launching{options: runtime.Options{TreeTimeout: timeout, AckFailureOnRetryOnly: true}, listener: failed.listener()})
		u := w.user(m)
		w.network.part("worker-0", "worker-1")
		begun := time.Now()
		time.AfterFunc(4*timeout, func() { w.network.join("worker-0", "worker-1") })
		_, err := m.Clicks.Append(t.Context(), u.Client, spanning(4))
		if err := u.settled(t.Context(), err); err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun)
		if took < 4*timeout || took > 5*timeout {
			t.Errorf("the append was answered after %v; the workers were parted for %v", took, 4*timeout)
		}
		failed.mu.Lock()
		defer failed.mu.Unlock()
		at := begun
		for i, info := range failed.all {
			if !strings.Contains(info.Err, "not complete within") {
				continue
			}
			// Between the append and the first attempt lies a fetch, later a pause.
			if pause := failed.at[i].Sub(at) - timeout; pause < 0 || pause > time.Second {
				t.Errorf("attempt %d failed %v after the one before, want %v and the pause", info.Attempt, failed.at[i].Sub(at), timeout)
			}
			at = failed.at[i]
		}
		if len(failed.all) < 3 {
			t.Errorf("%d attempts failed in %v, want at least 3", len(failed.all), took)
		}
	})
}

// spanning is a click whose tree spans both of two workers.
func spanning(tasks int) click {
	worker := func(key int) int { return int(task.Of([]byte(strconv.Itoa(key)), tasks)) % 2 }
	for n := 0; ; n++ {
		c := click{n % keys, n}
		if worker(c.Key) == 0 && worker(c.leaves()[0].Group) == 1 {
			return c
		}
	}
}

// partitionOf is the partition, of four, that a key belongs to.
func partitionOf(key int) int32 { return int32(task.Of([]byte(strconv.Itoa(key)), 4)) }
