package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
)

// feed is the task's partition of one depot, read for all its sources. Those that
// stand close together are read together; one that is far behind, as a new source is
// that begins at the beginning, is read apart from the others until it has caught
// up (promise 3x.01). So it does not hold them up, and from then on they process the
// same records together.
type feed struct {
	depot      string
	options    Options
	sources    []*source
	strands    [2]strand // the front, and what catches up with it
	waiting    int       // who waits for its records
	generation *uint64   // of the last FeedFrom of the depot
}

// strand is one reading of a feed.
type strand struct {
	feed       *feed
	number     int
	sources    []*source // none: it does not read
	next       int64     // offset behind the last record received
	paused     bool
	generation uint64 // of its FeedFrom
}

// The strands of a feed.
const (
	front  = 0
	behind = 1
)

// Strands are numbered from 0. Those of microbatches come behind those of streams: they
// have a pace of their own, and do not hold streams up.
const (
	StreamStrands = 2
	Strands       = 4
)

// newFeed returns the feed of a depot whose strands are numbered from first on.
func newFeed(depot string, options Options, first int, generation *uint64) *feed {
	f := &feed{depot: depot, options: options, generation: generation}
	for i := range f.strands {
		f.strands[i].feed, f.strands[i].number = f, first+i
	}
	return f
}

// allFeeds lists those of streams and those of microbatches.
func (t *Task) allFeeds() []*feed {
	if len(t.micros.feed) == 0 {
		return t.feeds
	}
	return append(t.feeds[:len(t.feeds):len(t.feeds)], t.micros.feed...)
}

// forget forgets what was read.
func (f *feed) forget() {
	for i := range f.strands {
		st := &f.strands[i]
		st.sources, st.next, st.paused = nil, 0, false
	}
}

// near is how many offsets sources may stand apart and be read together.
func (f *feed) near() int64 { return int64(max(f.options.DepotCacheCardinality/2, 1)) }

// startFeed begins to read a depot where its sources are.
func (t *Task) startFeed(f *feed) {
	if err := f.oneTopic(); err != nil {
		t.halt(err)
		return
	}
	var first int64
	for _, s := range f.sources {
		s.seen, s.begun = s.progress.Next, s.progress.Next
		first = max(first, s.progress.Next)
	}
	for _, s := range f.sources {
		n := front
		if s.progress.Next < first-f.near() {
			n = behind
		}
		s.strand = &f.strands[n]
		s.strand.sources = append(s.strand.sources, s)
	}
	for i := range f.strands {
		t.startStrand(&f.strands[i])
	}
}

// oneTopic looks whether the sources of a depot mean one topic: where one began after
// the topic was made again, the others' offsets are of records that are gone (T23).
func (f *feed) oneTopic() error {
	var known *source
	for _, s := range f.sources {
		if s.progress.Topic == ([16]byte{}) {
			continue
		}
		if known != nil && s.progress.Topic != known.progress.Topic {
			return fmt.Errorf("%w: depot %s: source %s has read the topic of id %x, source %s that of id %x", depot.ErrRecreated, f.depot, known.plan.Name, known.progress.Topic, s.plan.Name, s.progress.Topic)
		}
		known = s
	}
	return nil
}

// startStrand begins to read where the furthest behind of the sources is.
func (t *Task) startStrand(st *strand) {
	if len(st.sources) == 0 {
		return
	}
	first := st.sources[0].progress.Next
	for _, s := range st.sources {
		first = min(first, s.progress.Next)
	}
	t.feedFrom(st, first)
}

// feedFrom begins to read from an offset on. The position has the leader epoch of the
// source that has met the oldest (T20): all that a source has dealt with is of its epoch
// or an older one, so where the log was cut below that and has grown again, what it holds
// of the epoch ends before the offset. A newer epoch of another source may be that of the
// records which took the place of those that were lost.
func (t *Task) feedFrom(st *strand, offset int64) {
	order := Feed{Depot: st.feed.depot, Strand: st.number, Order: FeedFrom, Offset: offset, Epoch: -1}
	for _, s := range st.sources {
		if e := s.progress.Epoch; e >= 0 && (order.Epoch < 0 || e < order.Epoch) {
			order.Epoch = e
		}
		order.Reached = max(order.Reached, s.seen, s.claimed.below)
		if s.progress.Topic != ([16]byte{}) {
			order.Topic = s.progress.Topic
		}
		order.Back = int64(s.plan.Depot.IDWindow)
		s.ids.forget()
	}
	*st.feed.generation++
	st.generation, st.paused, st.next = *st.feed.generation, false, order.Offset
	order.Generation = st.generation
	t.effects.Feeds = append(t.effects.Feeds, order)
}

// feedAgain reads from an offset on once more, or from where the last of the sources
// is that went back before and has not yet come so far: it would take what is left
// out for a gap in the log. The others skip what they have seen.
func (t *Task) feedAgain(st *strand, offset int64) {
	t.stopStrand(st)
	for _, s := range st.sources {
		offset = min(offset, s.seen)
	}
	t.feedFrom(st, offset)
}

func (t *Task) stopStrand(st *strand) {
	t.effects.Feeds = append(t.effects.Feeds, Feed{Depot: st.feed.depot, Strand: st.number, Order: FeedStop, Generation: st.generation})
}

// stopFeeds has the depots no longer read.
func (t *Task) stopFeeds() {
	for _, f := range t.allFeeds() {
		for i := range f.strands {
			if len(f.strands[i].sources) > 0 {
				t.stopStrand(&f.strands[i])
			}
		}
	}
}

// onRecords takes new records of a depot.
func (t *Task) onRecords(in *Records) {
	if t.phase != running || len(in.Records) == 0 || t.doom != nil {
		return
	}
	if st := t.strandOf(in.Depot, in.Generation); st != nil {
		t.received(st, in.Records)
	}
}

// onDepotFault has the task halt: its place in the log is gone, and going on from
// another would lose records in silence.
func (t *Task) onDepotFault(in *DepotFault) {
	if t.phase == running && t.strandOf(in.Depot, in.Generation) != nil {
		t.haltIfOwner(fmt.Errorf("depot %s: %w", in.Depot, in.Err))
	}
}

// strandOf finds the reading that an order began; nil if it is over.
func (t *Task) strandOf(depotName string, generation uint64) *strand {
	for _, f := range t.allFeeds() {
		if f.depot != depotName {
			continue
		}
		for i := range f.strands {
			if st := &f.strands[i]; len(st.sources) > 0 && st.generation == generation {
				return st
			}
		}
	}
	return nil
}

func (t *Task) received(st *strand, records []depot.Record) {
	st.next = max(st.next, records[len(records)-1].Offset+1)
	for _, s := range st.sources {
		if t.fetch(s, records); t.phase == halted || t.doom != nil {
			return
		}
	}
	t.steer(st)
	t.followFirst(st, records)
	t.join(st.feed)
}

// join has the sources that caught up read together with the front.
func (t *Task) join(f *feed) {
	ahead, late := &f.strands[front], &f.strands[behind]
	if len(late.sources) == 0 || t.phase != running || late.next < ahead.next-f.near() {
		return
	}
	t.stopStrand(late)
	if t.listener.Joined != nil {
		t.listener.Joined(JoinedInfo{TaskInfo: t.info, Depot: f.depot, Sources: len(late.sources), Offset: late.next})
	}
	for _, s := range late.sources {
		s.strand = ahead
	}
	ahead.sources = append(ahead.sources, late.sources...)
	late.sources = nil
	t.feedAgain(ahead, ahead.next) // from where those that come are, if that is before
}

// steer pauses a strand whose sources have enough, and resumes it when they have
// room again.
func (t *Task) steer(st *strand) {
	most := 0
	for _, s := range st.sources {
		if s.seen >= s.wantTo {
			most = max(most, s.count)
		}
	}
	switch options := &st.feed.options; {
	case !st.paused && most >= options.DepotCacheCardinality:
		st.paused = true
		t.effects.Feeds = append(t.effects.Feeds, Feed{Depot: st.feed.depot, Strand: st.number, Order: FeedPause})
	case st.paused && most <= options.DepotCacheCardinality/2:
		st.paused = false
		t.effects.Feeds = append(t.effects.Feeds, Feed{Depot: st.feed.depot, Strand: st.number, Order: FeedResume})
	}
}
