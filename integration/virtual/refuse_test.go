package virtual

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// passes are answers after which a broker may say yes to the same request.
var passes = map[kmsg.Key][]*kerr.Error{
	kmsg.Produce:        {kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.KafkaStorageError},
	kmsg.Fetch:          {kerr.NotLeaderForPartition, kerr.KafkaStorageError, kerr.OffsetNotAvailable, kerr.UnknownLeaderEpoch, kerr.UnknownTopicID, kerr.UnknownServerError},
	kmsg.ListOffsets:    {kerr.NotLeaderForPartition, kerr.LeaderNotAvailable},
	kmsg.Metadata:       {kerr.LeaderNotAvailable},
	kmsg.InitProducerID: {kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator},
}

// asked are the requests that passes refuses, in a fixed order: a seed draws the
// same faults again.
var asked = []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.InitProducerID}

// T20, T22, T32: a broker refuses any requests for any passing reasons, from before
// the worker starts. Every record counts exactly once.
func TestBrokersThatRefuseAtRandom(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		random := rand.New(rand.NewPCG(seed, 0xb20))
		var faults []*kfake.FaultHandle
		refuse := func() {
			key := asked[random.IntN(len(asked))]
			faults = append(faults, w.broker.Fault(kfake.Fault{
				Keys: []kmsg.Key{key}, TopLevel: key == kmsg.InitProducerID,
				Err: passes[key][random.IntN(len(passes[key]))], Count: 1 + random.IntN(4),
			}))
		}
		for range 3 { // more may outlast what a start waits for
			refuse()
		}
		m := &tally{}
		r := w.launch(m, launching{})
		u := w.user(m)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for range 40 {
				elapse(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
				refuse()
			}
		}()
		l := m.load(u)
		l.run(t.Context(), seed, 8, 10, 400*time.Millisecond)
		<-over
		r.stopped(t)
		w.launch(&tally{}, launching{})
		l.run(t.Context(), seed, 8, 10, 100*time.Millisecond)
		for _, f := range faults {
			seen.note("requests refused", f.Hits())
			f.Remove()
		}
		w.exactlyOnce(t, m, u, l, 4)
		if len(l.acked) != 160 {
			t.Errorf("%d of 160 clicks were acked, %d are unknown, %d were not done", len(l.acked), l.unknown, len(l.absent))
		}
	})
}
