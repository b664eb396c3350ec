package virtual

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/client"
)

const clicksTopic = "coppice.Tally.clicks"

// T26, T28, T32, promise 3.17: what a broker may answer to an append, and what the
// appender is told. What passes is tried again and is in the depot once, also where
// the broker did the work and said that it had not; what does not pass is an error
// that says whether the record is in the depot.
func TestAppendsThatBrokersRefuse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err   *kerr.Error
		times int
		want  error // nil: done
	}{
		{kerr.NotLeaderForPartition, 3, nil},
		{kerr.LeaderNotAvailable, 3, nil},
		{kerr.UnknownTopicOrPartition, 2, nil},
		{kerr.KafkaStorageError, 3, nil},
		{kerr.NotEnoughReplicas, 3, nil},
		{kerr.RequestTimedOut, 3, nil},              // and the work is done
		{kerr.NotEnoughReplicasAfterAppend, 3, nil}, // the same
		{kerr.NotLeaderForPartition, -1, client.ErrUnknown},
		{kerr.MessageTooLarge, 1, client.ErrNotAppended},
		{kerr.InvalidRecord, 1, client.ErrNotAppended},
		{kerr.TopicAuthorizationFailed, 1, client.ErrNotAppended},
		{kerr.ClusterAuthorizationFailed, 1, client.ErrNotAppended},
		{kerr.UnknownServerError, 1, client.ErrUnknown},
	} {
		name := test.err.Message
		if test.times < 0 {
			name += " for good"
		}
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, 1)
				m := &tally{}
				w.launch(m, launching{})
				u := w.user(m)
				fault := w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: clicksTopic, Err: test.err, Count: test.times})
				l := m.load(u)
				begun := time.Now()
				err := l.one(t.Context(), click{1, 1})
				if !errors.Is(err, test.want) {
					t.Errorf("the append ended after %v with %v, want %v", time.Since(begun), err, test.want)
				}
				if fault.Hits() == 0 {
					t.Error("the broker refused nothing")
				}
				fault.Remove()
				// Whatever was refused, the next record is taken.
				_ = l.one(t.Context(), click{1, 2})
				if !l.acked[click{1, 2}] {
					t.Error("the append behind it did not succeed")
				}
				w.exactlyOnce(t, m, u, l, 4)
			})
		})
	}
}

// T32: a broker that takes an append in and never answers. The append is sent again
// when its request has timed out, after 20 s, and the record is in the depot once.
func TestAnAppendThatIsNotAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &tally{}
		w.launch(m, launching{})
		u := w.user(m)
		w.broker.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, true })
		l := m.load(u)
		begun := time.Now()
		_ = l.one(t.Context(), click{1, 1})
		if took := time.Since(begun); !l.acked[click{1, 1}] || took < 20*time.Second || took > 25*time.Second {
			t.Errorf("the append ended after %v: %v, %d unknown", took, l.other, l.unknown)
		}
		w.exactlyOnce(t, m, u, l, 4)
	})
}
