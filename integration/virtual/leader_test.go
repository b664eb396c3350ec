package virtual

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const metaTopic = "coppice.Tally.__meta"

// leaderless has a topic's first partition be without a leader for a time.
func (w *world) leaderless(topic string, d time.Duration) {
	fault := w.broker.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Metadata}, Topic: topic, Partitions: []int32{0}, Err: kerr.LeaderNotAvailable, Count: -1,
	})
	time.AfterFunc(d, fault.Remove)
}

// T20, T23: a topic whose leader is being elected is neither gone nor made again,
// also while brokers that lag behind do not know its id: no task halts.
func TestATopicWithoutALeaderIsNotGone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const away = 3 * time.Second
		w := newWorld(t, 1)
		m := &tally{}
		var told journal
		w.launch(m, launching{logger: told.logger()})
		u := w.user(m)
		l := m.load(u)
		l.run(t.Context(), 1, 2, 10, 10*time.Millisecond)
		w.leaderless(clicksTopic, away)
		fault := w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: clicksTopic, Err: kerr.UnknownTopicID, Count: -1})
		time.AfterFunc(away, fault.Remove)
		l.run(t.Context(), 1, 2, 10, 200*time.Millisecond)
		w.exactlyOnce(t, m, u, l, 4)
		if halts := told.lines("task halted"); len(halts) != 0 || fault.Hits() == 0 {
			t.Errorf("%d fetches were refused: %q", fault.Hits(), halts)
		}
	})
}

// T23: the same where a task assigns its partition anew in that time, and where the
// broker's answer names no topic id, since it is an error.
func TestATopicWithoutALeaderIsAssignedLater(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const away = 3 * time.Second
		w := newWorld(t, 1)
		m := &tally{}
		var told journal
		r := w.launch(m, launching{logger: told.logger()})
		u := w.user(m)
		l := m.load(u)
		l.run(t.Context(), 1, 2, 10, 10*time.Millisecond)
		fault := w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: clicksTopic, Err: kerr.LeaderNotAvailable, Count: -1})
		time.AfterFunc(away, fault.Remove)
		r.redis.cut() // all tasks begin anew
		elapse(100 * time.Millisecond)
		r.redis.mend()
		l.run(t.Context(), 1, 2, 10, 10*time.Millisecond)
		w.exactlyOnce(t, m, u, l, 4)
		if halts := told.lines("task halted"); len(halts) != 0 || fault.Hits() == 0 {
			t.Errorf("%d look-ups were refused: %q", fault.Hits(), halts)
		}
	})
}

// R22: while the meta topic has no leader, nobody takes it for empty: a program that
// binds a module waits for the leader, and so does a worker that starts.
func TestAMetaTopicWithoutALeaderIsNotEmpty(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const away = 3 * time.Second
		w := newWorld(t, 1)
		m := &tally{}
		w.launch(m, launching{}).stopped(t)
		for _, topic := range []string{metaTopic, clicksTopic} {
			w.leaderless(topic, away)
			begun := time.Now()
			w.user(&tally{})
			if took := time.Since(begun); topic == metaTopic && took < away {
				t.Errorf("the module was bound after %v, without its leader", took)
			}
			elapse(away)
			w.leaderless(topic, away)
			begun = time.Now()
			w.launch(&tally{}, launching{}).stopped(t)
			if took := time.Since(begun); took < away || took > 2*away {
				t.Errorf("the worker started after %v; topic %s had no leader for %v", took, topic, away)
			}
		}
	})
}
