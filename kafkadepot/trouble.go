package kafkadepot

import (
	"fmt"
	"time"
)

// trouble is what a reader knows of a partition that brokers refuse to give out,
// for a reason that may pass. The client tries such a partition again in the same
// instant: as many requests as there are round trips, for as long as it lasts.
// Here each try is behind a pause, and the other partitions go on.
type trouble struct {
	tries int         // refused in a row
	timer *time.Timer // ends the pause before the next try; nil: not in one
}

// troubleTold is after how many tries in a row a refusal is told, again and again:
// the first time after about 3 s, later every 16 s.
const troubleTold = 16

// holds reports whether the partition is in a pause.
func (t *trouble) holds() bool { return t.timer != nil }

// end ends a pause for good.
func (t *trouble) end() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// over says that the partition gives out records again.
func (t *trouble) over() { t.tries = 0 }

// passing holds a partition back that was refused, and has it tried again after a
// pause. It returns an error when the refusals have lasted so long that somebody
// should know.
func (r *reader) passing(at place, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.assigned[at]
	if a == nil {
		return nil
	}
	a.trouble.end()
	a.trouble.tries++
	r.client.PauseFetchPartitions(at.partitions())
	a.trouble.timer = time.AfterFunc(retryPause(a.trouble.tries), func() { r.tryAgain(at, a) })
	if a.trouble.tries%troubleTold != 0 {
		return nil
	}
	return r.log.failed(fmt.Sprintf("reading topic %s partition %d from offset %d on was refused %d times in a row", at.topic, at.partition, a.position.Offset, a.trouble.tries), err)
}

// tryAgain ends the pause of a partition that is still assigned as it was.
func (r *reader) tryAgain(at place, a *assignment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.assigned[at] == a {
		a.trouble.timer = nil
		r.fetch(at, a)
	}
}
