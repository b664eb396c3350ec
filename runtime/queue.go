package runtime

import (
	"slices"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// try is one attempt at a record.
type try struct {
	source   *source
	record   *depot.Record
	attempt  uint16 // 1 for the first
	failures uint16 // earlier attempts that count toward MaxAttempts (R20)
	number   uint16 // what the slot says of them; 0: nothing (R20)
	again    uint16 // of what was put aside and is part of a microbatch: its number there
	run      uint64 // source.run when it began to run
	order    *order // that had a parked record run again
}

// item is one event to run: element index of a frame, a record of a source, or an
// order about a parked record.
type item struct {
	try
	command *order
	frame   *wire.Frame
	index   int
	inbox   *inbox // that the frame came by, of exactly-once topologies
	outside *call  // whose result the event takes
	part    *run   // the attempt at a microbatch that it belongs to
}

// guessed reports whether it is a record of a stream, whose event looks up what a guess says.
func (it *item) guessed() bool {
	return it.record != nil && it.source != nil && it.frame == nil && it.command == nil && it.part == nil
}

// lane is the frames of one sender, in order.
type lane struct {
	frames []*wire.Frame
	next   int   // event of the first frame
	spool  spool // frames behind these that are not in memory
}

// queue is what waits to run on a task: one lane per sender and one per source,
// served in turns (R43), and the items drawn from them for the open batch.
type queue struct {
	lanes   []*lane
	turn    int
	waiting int      // events in lanes, those in spools not counted
	bytes   int64    // that they take
	before  int      // what waited when more was drawn last
	coming  int      // events that are on their way here, about
	first   int      // of the sources, whose records begin first with the next draw
	streams int      // how many of those that are drawn are left to sources of streams
	most    int      // how many are drawn before others have their turn
	drawn   []item   // in the order of running
	at      int      // the next of drawn
	keys    [][]byte // scratch of warm
	// yielded are the keys of which an event has given the task up in the middle.
	yielded map[yieldKey]*yielded
	aside   int // events that wait for them
}

// Turn sizes: how many events one lane gives before the next has its turn, and
// how many are drawn ahead of running, which is how far look-ahead sees.
const (
	laneTurn   = 64
	sourceTurn = 16
	drawAhead  = 512
)

// lane is the lane of a sender, of so many.
func (q *queue) lane(from task.ID, tasks int) *lane {
	if q.lanes == nil {
		q.lanes = make([]*lane, tasks)
	}
	l := q.lanes[from]
	if l == nil {
		l = &lane{}
		l.spool.lane = l
		q.lanes[from] = l
	}
	return l
}

// push puts a frame with events into its sender's lane.
func (q *queue) push(l *lane, f *wire.Frame) {
	l.frames = append(l.frames, f)
	q.waiting += len(f.Events)
	q.bytes += f.Bytes()
}

// draw moves up to n events of the lane to the drawn items.
func (l *lane) draw(q *queue, n int) {
	for n > 0 && len(l.frames) > 0 {
		f := l.frames[0]
		for n > 0 && l.next < len(f.Events) {
			q.drawn = append(q.drawn, item{frame: f, index: l.next})
			l.next++
			n--
			q.waiting--
		}
		if l.next == len(f.Events) {
			q.bytes -= f.Bytes()
			l.frames[0] = nil
			l.frames = l.frames[1:]
			l.next = 0
		}
	}
	if len(l.frames) == 0 {
		l.frames = nil
	}
}

// peek returns the i-th drawn item from the next on.
func (q *queue) peek(i int) (*item, bool) {
	if q.at+i >= len(q.drawn) {
		return nil, false
	}
	return &q.drawn[q.at+i], true
}

// pop takes the next drawn item.
func (q *queue) pop() (item, bool) {
	if q.at == len(q.drawn) {
		return item{}, false
	}
	it := q.drawn[q.at]
	q.at++
	if q.at == len(q.drawn) {
		clear(q.drawn)
		q.drawn, q.at = q.drawn[:0], 0
	}
	return it, true
}

// remove takes back the drawn items of a source that have not begun to run.
func (q *queue) remove(s *source) (removed []try) {
	return q.drop(func(it *item) bool { return it.source == s && it.try.order == nil })
}

// drop takes back drawn items that have not begun to run.
func (q *queue) drop(which func(*item) bool) (removed []try) {
	q.eachAside(func(y *yielded) {
		y.waiting = slices.DeleteFunc(y.waiting, func(it item) bool {
			gone := which(&it)
			if gone {
				removed = append(removed, it.try)
				q.aside--
			}
			return gone
		})
	})
	kept := q.drawn[:q.at]
	for _, it := range q.drawn[q.at:] {
		if !which(&it) {
			kept = append(kept, it)
		} else {
			removed = append(removed, it.try)
		}
	}
	clear(q.drawn[len(kept):])
	q.drawn = kept
	if q.at == len(q.drawn) {
		clear(q.drawn)
		q.drawn, q.at = q.drawn[:0], 0
	}
	return removed
}

// drawMore fills the drawn items from the lanes and sources, in turns. Events
// of trees under way come first: they finish records. But they leave every source a turn,
// to the last item, so that one huge tree does not hold up all records that begin behind it.
func (t *Task) drawMore() {
	q := &t.queue
	sources, channels := t.turns()
	q.most = drawAhead - sources - channels
	for drawn := -1; q.waiting > 0 && len(q.drawn) < q.most && len(q.drawn) > drawn; {
		drawn = len(q.drawn) // of what a hold leaves behind nothing is drawn
		for range q.lanes {
			q.turn++
			if q.turn >= len(q.lanes) {
				q.turn = 0
			}
			if l := q.lanes[q.turn]; l != nil && len(l.frames) > 0 {
				l.draw(q, t.mayDraw(l, min(laneTurn, q.most-len(q.drawn))))
			}
			if len(q.drawn) >= q.most {
				break
			}
		}
	}
	t.recallAll()
	q.most = drawAhead - sources
	t.drawChannels()
	t.drawCalls()
	t.draws(len(q.drawn))
	t.drawOrders()
	t.drawSweeps()
	t.drawMicros()
	t.admitAll()
	t.warm()
}

// admitAll begins records. Where a source has more than there was room for, the one behind it is the first
// next time: one that has many would take all the room of each draw.
func (t *Task) admitAll() {
	n, cut, begun := len(t.streamed), -1, 0
	for i := range n {
		at := (t.queue.first + i) % n
		s := t.streamed[at]
		t.admit(s.topology, s)
		begun += s.pace.begun
		if cut < 0 && s.waits() && (len(t.queue.drawn) >= drawAhead || t.throttled(s.topology)) {
			cut = at
		}
	}
	if cut >= 0 && begun > 0 {
		t.queue.first = (cut + 1) % n
	}
}

// warm has the view look up what the records that are drawn will probably look up.
func (t *Task) warm() {
	if !t.view.Expects() {
		return
	}
	q := &t.queue
	q.keys = q.keys[:0]
	for i := q.at; i < len(q.drawn); i++ {
		if it := &q.drawn[i]; it.record != nil && it.frame == nil && len(it.record.Key) > 0 {
			q.keys = append(q.keys, it.record.Key)
		}
	}
	t.view.Warm(q.keys)
	clear(q.keys)
}

// turns is how many of the drawn items are left to the sources that have records to
// begin, and to the channels that have events. While the events under way become more, or
// do not find room, a source has one: what a record sets off may be hundreds of events.
func (t *Task) turns() (sources, channels int) {
	waiting, coming := t.queue.waiting, t.queue.waiting+t.sending()
	for i := range t.hops.in {
		if n := t.hops.in[i].Waiting(); n > 0 {
			waiting += n
			coming += t.hops.in[i].Pending()
			channels += sourceTurn
		}
	}
	turn := sourceTurn
	if waiting > t.queue.before || t.spills.kept > 0 {
		turn = 1
	}
	t.queue.before, t.queue.coming = waiting, coming+t.spills.events
	for _, m := range t.micros.all {
		if m.run != nil && m.run.next < len(m.run.records) {
			sources += turn
		}
	}
	streams := 0
	for _, s := range t.streamed {
		if s.pace.begun = 0; s.waits() && t.mayPace(&s.pace) {
			streams += turn
		}
	}
	t.queue.streams = min(streams, drawAhead/4)
	return min(sources+streams, drawAhead/4), min(channels, drawAhead/4)
}
