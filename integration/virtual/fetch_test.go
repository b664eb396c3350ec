package virtual

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
)

// T20, T22: what a broker may answer to a fetch. All of these may pass: they are
// waited for, and nothing is skipped meanwhile. The waiting costs the broker few
// requests, and the operator is told of what lasts.
func TestFetchesThatBrokersRefuse(t *testing.T) {
	t.Parallel()
	for _, err := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.ReplicaNotAvailable, kerr.KafkaStorageError, kerr.OffsetNotAvailable, kerr.UnknownLeaderEpoch,
		kerr.FencedLeaderEpoch, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.CorruptMessage, kerr.UnknownServerError, kerr.TopicAuthorizationFailed,
	} {
		t.Run(err.Message, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				const away = 20 * time.Second
				w := newWorld(t, 1)
				m := &tally{}
				var told journal
				r := w.launch(m, launching{logger: told.logger()})
				r.kafka.follow(plan{latencyMax: 2 * time.Millisecond}) // so that trying hard takes time
				u := w.user(m)
				l := m.load(u)
				l.run(t.Context(), 1, 2, 10, 10*time.Millisecond)
				fault := w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: clicksTopic, Err: err, Count: -1})
				time.AfterFunc(away, fault.Remove)
				l.run(t.Context(), 1, 2, 10, 10*time.Millisecond)
				w.exactlyOnce(t, m, u, l, 4)
				if took := time.Since(w.began); took < away || took > away+15*time.Second {
					t.Errorf("all was done after %v; the broker refused for %v", took, away)
				}
				if perSecond := fault.Hits() / int(away/time.Second); perSecond > 100 {
					t.Errorf("the reader asked the broker %d times a second while it refused", perSecond)
				}
				// A fenced epoch is between the client and the broker: it looks for the
				// leader by itself.
				if lines := told.lines("level=WARN", clicksTopic, err.Message); len(lines) == 0 && err != kerr.FencedLeaderEpoch {
					t.Error("the operator was not told")
				}
			})
		})
	}
}

// T22: a fetch that is out of range would have lost records: the task halts, says
// where, and answers who waits; the others go on.
func TestAFetchOutOfRangeHaltsItsTask(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &tally{}
		var told journal
		w.launch(m, launching{logger: told.logger()})
		u := w.user(m)
		l := m.load(u)
		l.run(t.Context(), 1, 2, 10, 10*time.Millisecond)
		halts, goesOn := 0, 1
		for partitionOf(goesOn) == partitionOf(halts) {
			goesOn++
		}
		w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: clicksTopic, Partitions: []int32{partitionOf(halts)}, Err: kerr.OffsetOutOfRange})
		_, err := m.Clicks.Append(t.Context(), u.Client, click{halts, 1000})
		var unknown *client.UnknownError
		if !errors.As(err, &unknown) || unknown.Place.Partition != partitionOf(halts) {
			t.Errorf("an append to the task that halts: %v", err)
		}
		if _, err := m.Clicks.Append(t.Context(), u.Client, click{goesOn, 1001}); err != nil {
			t.Errorf("an append to another task: %v", err)
		}
		if lines := told.lines("level=ERROR", "task halted", clicksTopic, "OFFSET_OUT_OF_RANGE"); len(lines) != 1 {
			t.Errorf("the operator was told %q", lines)
		}
	})
}

// T22: records are deleted that a task has not processed, while no worker runs. The
// next owner does not begin behind them: it halts and says so, again and again.
func TestRecordsDeletedBeforeTheyWereProcessed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &tally{}
		r := w.launch(m, launching{tasks: 1})
		u := w.user(m)
		l := m.load(u)
		l.run(t.Context(), 1, 1, 5, time.Millisecond)
		r.stopped(t)
		for i := range 5 {
			if _, err := m.Clicks.Append(t.Context(), u.Client, click{0, 100 + i}, module.Wait(module.AckAppend)); err != nil {
				t.Fatal(err)
			}
		}
		u.deleteBelow(t, 8)
		for range 2 {
			var told journal
			r = w.launch(&tally{}, launching{tasks: 1, logger: told.logger()})
			_, err := u.Await(t.Context(), client.Place{Module: m.ModuleName(), Depot: "clicks", Offset: 9})
			if !errors.Is(err, client.ErrUnknown) || !strings.Contains(err.Error(), "number 5") || !strings.Contains(err.Error(), "8 to 9") {
				t.Errorf("a record behind the lost ones: %v", err)
			}
			if len(told.lines("level=ERROR", "task halted", clicksTopic)) != 1 {
				t.Errorf("the operator was told %q", told.text.String())
			}
			r.stopped(t)
		}
		counted, err := m.counted(u.At(t.Context()))
		if err != nil || len(counted) != 5 {
			t.Errorf("%d clicks were counted (%v), want the 5 from before", len(counted), err)
		}
	})
}

// deleteBelow deletes the records of partition 0 below an offset.
func (u *user) deleteBelow(t *testing.T, offset int64) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(u.w.broker.ListenAddrs()...), kgo.Dialer(u.w.kafka.DialContext))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	offsets := kadm.Offsets{}
	offsets.AddOffset(clicksTopic, 0, offset, -1)
	if deleted, err := kadm.NewClient(c).DeleteRecords(t.Context(), offsets); err != nil || deleted.Error() != nil {
		t.Fatal(err, deleted.Error())
	}
}

// A broker that takes a fetch in and never answers, T11 of polls that hang: the
// fetch is given up when its request has timed out, and asked again.
func TestAFetchThatIsNotAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &tally{}
		w.launch(m, launching{})
		u := w.user(m)
		l := m.load(u)
		for range 3 {
			w.broker.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, true })
			l.run(t.Context(), 1, 2, 5, 10*time.Millisecond)
		}
		w.exactlyOnce(t, m, u, l, 4)
		if took := time.Since(w.began); took > time.Minute {
			t.Errorf("three fetches without an answer cost %v", took)
		}
	})
}
