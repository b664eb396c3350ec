package telemetry

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
)

// latency is what a worker tells of topology t.
func latency(k *Trees) eventtree.Latency {
	return eventtree.LatencyOf(eventtree.OfRecords, k.Part("m", "w", &eventtree.Query{Drawn: true, List: 1}).Drawn)
}

func recordAt(offset int64, took time.Duration) runtime.RecordInfo {
	return runtime.RecordInfo{TaskInfo: runtime.TaskInfo{Module: "m"}, Topology: "t", Source: "s", Depot: "d", Offset: offset, Attempt: 1, Took: took}
}

// Records that are kept because they were slow do not make the others look slow: of records of
// which one in 1,000 takes longer than a second, nearly all take 20 ms at most.
func TestLatencyIsOfTheSample(t *testing.T) {
	t.Parallel()
	k := NewTrees(TreesConfig{})
	l := k.Listener()
	random := rand.New(rand.NewPCG(1, 2))
	slow := 0
	for offset := range int64(500_000) {
		i := recordAt(offset, time.Duration(1+random.IntN(20))*time.Millisecond)
		if i.Slow = random.IntN(1000) == 0; i.Slow {
			i.Took = 3 * time.Second
			slow++
		}
		if i.Slow || runtime.Sampled(0, offset, l.Every) { // of others a listener hears nothing
			l.TreeOver(i)
		}
	}
	got := latency(k)
	if slow < 300 || got.Count < 300 || got.P50Seconds > 0.013 || got.P95Seconds > 0.021 || got.P99Seconds > 0.021 {
		t.Errorf("with %d slow records: %+v", slow, got)
	}
}

// A record that was tried again took as long as all its attempts. Failures of others, however
// many, take nothing from what is known.
func TestLatencyIsOverAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := NewTrees(TreesConfig{Every: 1, Records: 10})
		l := k.Listener()
		for offset := range int64(30) {
			i := recordAt(offset, time.Second)
			i.Err = errors.New("no").Error()
			l.RecordFailed(i)
			time.Sleep(5 * time.Second)
			i = recordAt(offset, 2*time.Second)
			i.Attempt = 2
			l.TreeOver(i)
		}
		for offset := range int64(1000) {
			i := recordAt(offset+100, 0)
			i.Err = "no"
			l.RecordParked(i)
		}
		if got := latency(k); got.Count != 30 || got.P50Seconds != 6 || got.P95Seconds != 6 {
			t.Errorf("of attempts of 1 s and 2 s, 6 s in all: %+v", got)
		}
	})
}

// Of many records the last ones are kept, in their order.
func TestLastDrawnAreKept(t *testing.T) {
	t.Parallel()
	k := NewTrees(TreesConfig{Every: 1})
	l := k.Listener()
	for offset := range int64(drawnKept + 10) {
		l.TreeOver(recordAt(offset, time.Duration(offset)*time.Millisecond+time.Microsecond))
	}
	d := k.Part("m", "w", &eventtree.Query{Drawn: true}).Drawn[0]
	if len(d.Each) != drawnKept || !d.Full || d.Each[0][1] != 10_001 || d.Each[drawnKept-1][1] != (drawnKept+9)*1000+1 {
		t.Errorf("%d are kept, full %t, from %v to %v", len(d.Each), d.Full, d.Each[0], d.Each[len(d.Each)-1])
	}
	if other := k.Part("other", "w", &eventtree.Query{Drawn: true}); other.Drawn != nil {
		t.Error("another module has them")
	}
}

// A microbatch takes from its first attempt until its coordinator is idle or at the next one,
// however many attempts it has. One that a former owner began does not count.
func TestMicrobatchesTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := NewTrees(TreesConfig{Every: -1})
		l := k.Listener()
		hear := func(id uint64, phase string, then time.Duration) {
			l.Microbatch(runtime.MicrobatchInfo{TaskInfo: runtime.TaskInfo{Module: "m"}, Topology: "t", Coordinate: true, ID: id, Phase: phase})
			time.Sleep(then)
		}
		took := func() (all []time.Duration) {
			for _, d := range k.Part("m", "w", &eventtree.Query{Drawn: true, List: 1}).Drawn {
				for _, one := range d.Each {
					all = append(all, time.Duration(one[1])*time.Microsecond)
				}
			}
			return all
		}
		hear(4, "applying", time.Second) // of a former owner
		hear(4, "idle", time.Minute)
		hear(5, "joining", time.Second)
		hear(5, "running", time.Second)
		hear(5, "resting", time.Second)
		hear(5, "joining", time.Second)
		hear(5, "running", time.Second)
		l.Microbatch(runtime.MicrobatchInfo{TaskInfo: runtime.TaskInfo{Module: "m"}, Topology: "t", ID: 5, Step: "joined"}) // of a task that takes part
		hear(6, "joining", 2*time.Second)
		hear(6, "idle", time.Hour)
		if got := took(); !slices.Equal(got, []time.Duration{5 * time.Second, 2 * time.Second}) {
			t.Errorf("microbatches 5 and 6 took %v, want 5 s and 2 s", got)
		}
		hear(7, "joining", time.Second)
		l.Dropped(runtime.DroppedInfo{TaskInfo: runtime.TaskInfo{Module: "m", Task: 3}, Cause: errors.New("lost")}) // another task
		l.Dropped(runtime.DroppedInfo{TaskInfo: runtime.TaskInfo{Module: "m"}, Cause: errors.New("lost")})
		hear(7, "applying", time.Second)
		hear(7, "idle", time.Second)
		hear(9, "joining", time.Second) // 8 was on another worker
		hear(9, "idle", 0)
		if got := took(); !slices.Equal(got, []time.Duration{5 * time.Second, 2 * time.Second, time.Second}) {
			t.Errorf("beside, microbatch 9 took %v, want 1 s", got)
		}
	})
}
