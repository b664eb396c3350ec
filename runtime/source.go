package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/stream"
)

// feed is the task's partition of one depot, read once for all its sources.
type feed struct {
	depot   string
	sources []*source
	next    int64 // offset behind the last record received
	paused  bool
	// generation of the last FeedFrom
	generation uint64
}

// source is one source of a topology on this task's partition.
type source struct {
	plan     *module.SourcePlan
	topology *topology
	feed     *feed

	known    bool
	progress stream.Progress // finished records, those of the batches under way included
	fetched  [][]depot.Record
	first    int   // of fetched[0]
	count    int   // records fetched and not begun
	seen     int64 // offset behind the last record taken from the feed
	retries  stream.RetryQueue
	results  results
}

func (s *source) forget() {
	s.known, s.progress, s.fetched, s.first, s.count, s.seen = false, stream.Progress{}, nil, 0, 0, 0
	s.retries = stream.RetryQueue{}
}

// startFeed begins to read a depot where the furthest behind of its sources is.
func (t *Task) startFeed(f *feed) {
	f.generation++
	order := Feed{Depot: f.depot, Order: FeedFrom, Generation: f.generation, Epoch: -1, Offset: -1}
	for _, s := range f.sources {
		s.seen = s.progress.Next
		if order.Offset < 0 || s.progress.Next < order.Offset {
			order.Offset, order.Topic, order.Epoch = s.progress.Next, s.progress.Topic, s.progress.Epoch
		}
	}
	f.next = order.Offset
	t.effects.Feeds = append(t.effects.Feeds, order)
}

// onRecords takes new records of a depot.
func (t *Task) onRecords(in *Records) {
	if t.phase != running || len(in.Records) == 0 {
		return
	}
	for _, f := range t.feeds {
		if f.depot != in.Depot || f.generation != in.Generation {
			continue
		}
		f.next = in.Records[len(in.Records)-1].Offset + 1
		for _, s := range f.sources {
			t.fetch(s, in.Records)
		}
		t.steer(f)
		return
	}
}

// fetch puts the records that a source has not seen into its buffer, and counts
// the gaps between offsets as finished.
func (t *Task) fetch(s *source, records []depot.Record) {
	for len(records) > 0 && records[0].Offset < s.seen {
		records = records[1:]
	}
	if len(records) == 0 {
		return
	}
	for i := range records {
		if o := records[i].Offset; o != s.seen {
			if o < s.seen {
				t.halt(fmt.Errorf("depot %s: offset %d came after %d", s.plan.Depot.Name, o, s.seen-1))
				return
			}
			s.progress.FinishRange(s.seen, o-1)
		}
		s.seen = records[i].Offset + 1
	}
	s.fetched = append(s.fetched, records)
	s.count += len(records)
}

// steer pauses a feed whose sources have enough, and resumes it when they have
// room again.
func (t *Task) steer(f *feed) {
	most := 0
	for _, s := range f.sources {
		most = max(most, s.count)
	}
	switch {
	case !f.paused && most >= t.options.DepotCacheCardinality:
		f.paused = true
		t.effects.Feeds = append(t.effects.Feeds, Feed{Depot: f.depot, Order: FeedPause})
	case f.paused && most <= t.options.DepotCacheCardinality/2:
		f.paused = false
		t.effects.Feeds = append(t.effects.Feeds, Feed{Depot: f.depot, Order: FeedResume})
	}
}

// admit begins records of a source, retries first, as far as the limit of
// executing records allows (promise 3.86).
func (t *Task) admit(topo *topology, s *source) {
	if t.finishing {
		return
	}
	limit := t.options.MaxExecutingPerTask
	for len(t.queue.drawn) < drawAhead && topo.executing < limit {
		r, ok := s.retries.Take(t.now)
		if !ok {
			break
		}
		topo.executing++
		t.queue.drawn = append(t.queue.drawn, item{try: try{s, r.Record, r.Attempt, r.Failures}})
	}
	for len(t.queue.drawn) < drawAhead && topo.executing < limit && s.retries.Len() < limit && s.count > 0 {
		chunk := s.fetched[0]
		r := &chunk[s.first]
		s.first++
		s.count--
		if s.first == len(chunk) {
			s.fetched[0] = nil
			s.fetched = s.fetched[1:]
			s.first = 0
		}
		if s.progress.Done(r.Offset) {
			continue
		}
		topo.executing++
		t.queue.drawn = append(t.queue.drawn, item{try: try{source: s, record: r, attempt: 1}})
	}
	if s.feed.paused {
		t.steer(s.feed)
	}
}

// finish marks a record as finished: its effects are in the store, or in the
// batch that is being sealed.
func (t *Task) finish(s *source, r *depot.Record) {
	s.progress.Finish(r.Offset)
	if r.LeaderEpoch > s.progress.Epoch {
		s.progress.Epoch = r.LeaderEpoch
	}
	s.topology.executing--
	s.topology.finished++
	s.topology.dirty = true
}
