package kafkadepot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// reader reads partitions by direct assignment.
type reader struct {
	log    *Log
	client *kgo.Client

	mu       sync.Mutex
	assigned map[place]*assignment
	paused   int    // how many of them are, by Pause
	rouse    func() // ends the poll under way; nil: none is that anything but its ctx has to end
	closed   bool
}

// assignment is a partition that is read.
type assignment struct {
	position depot.Position // next one expected of the client
	paused   bool           // by Pause
	held     held
	trouble  trouble
}

type place struct {
	topic     string
	partition int32
}

// Reader returns a reader without assignments.
func (l *Log) Reader(context.Context) (depot.Reader, error) { return l.newReader() }

// CommittedReader returns a reader that leaves out what transactions have not committed.
func (l *Log) CommittedReader(context.Context) (depot.Reader, error) {
	return l.newReader(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
}

func (l *Log) newReader(more ...kgo.Opt) (depot.Reader, error) {
	client, err := kgo.NewClient(append(l.config.reading(), more...)...)
	if err != nil {
		return nil, fmt.Errorf("kafkadepot: %w", err)
	}
	return &reader{log: l, client: client, assigned: map[place]*assignment{}}, nil
}

// Assign starts reading. Each position is checked against the log first: a
// client that is sent out of range takes the nearest boundary in silence (T22).
func (r *reader) Assign(positions ...depot.Position) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.log.config.CheckTimeout)
	defer cancel()
	if err := r.check(ctx, positions); err != nil {
		return err
	}
	add := map[string]map[int32]kgo.Offset{}
	r.mu.Lock()
	for _, p := range positions {
		r.forget(place{p.Topic, p.Partition})
		r.assigned[place{p.Topic, p.Partition}] = &assignment{position: p}
		if add[p.Topic] == nil {
			add[p.Topic] = map[int32]kgo.Offset{}
		}
		add[p.Topic][p.Partition] = kgo.NewOffset().At(p.Offset).WithEpoch(p.LeaderEpoch)
	}
	r.stir()
	r.mu.Unlock()
	r.client.AddConsumePartitions(add)
	return nil
}

// check compares the positions with the topics and their bounds.
func (r *reader) check(ctx context.Context, positions []depot.Position) error {
	var topics []string
	for _, p := range positions {
		topics = append(topics, p.Topic)
	}
	var details kadm.TopicDetails
	var starts, ends kadm.ListedOffsets
	err := together(
		func() (err error) {
			details, err = r.log.admin.ListTopics(ctx, topics...)
			return r.log.unless(err, "looking up topics")
		},
		func() (err error) {
			starts, err = r.log.admin.ListStartOffsets(ctx, topics...)
			return r.log.unless(err, "asking for the starts of topics")
		},
		func() (err error) {
			ends, err = r.log.admin.ListEndOffsets(ctx, topics...)
			return r.log.unless(err, "asking for the ends of topics")
		})
	if err != nil {
		return err
	}
	var wrong []error
	for _, p := range positions {
		wrong = append(wrong, r.checkOne(p, details, starts, ends))
	}
	return errors.Join(wrong...)
}

// together asks several questions at the same time: a task that has moved waits for the
// answers, and so do the others that are read here.
func together(questions ...func() error) error {
	errs := make([]error, len(questions))
	var group sync.WaitGroup
	for i, ask := range questions {
		group.Go(func() { errs[i] = ask() })
	}
	group.Wait()
	return errors.Join(errs...)
}

func (r *reader) checkOne(p depot.Position, details kadm.TopicDetails, starts, ends kadm.ListedOffsets) error {
	if d, ok := details[p.Topic]; ok && p.TopicID != ([16]byte{}) {
		switch {
		case errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			return vanished(p.Topic)
		case d.Err != nil: // and no id, which says nothing of the topic's
			return r.log.failed("looking up topic "+p.Topic, d.Err)
		case d.ID != kadm.TopicID(p.TopicID):
			return recreated(p.Topic, p.TopicID, d.ID)
		}
	}
	start, err := r.log.listed(starts, p.Topic, p.Partition)
	if err != nil {
		return err
	}
	end, err := r.log.listed(ends, p.Topic, p.Partition)
	if err != nil {
		return err
	}
	if p.Reached > end {
		return fmt.Errorf("%w: topic %s partition %d: records up to %d were read, and the log ends at %d; the log was truncated", depot.ErrOutOfRange, p.Topic, p.Partition, p.Reached, end)
	}
	if p.Offset < start || p.Offset > end {
		return fmt.Errorf("%w: topic %s partition %d: the next record is number %d, and the log holds %d to %d; records were deleted or the log was cut",
			depot.ErrOutOfRange, p.Topic, p.Partition, p.Offset, start, end-1)
	}
	return nil
}

func vanished(topic string) error {
	return fmt.Errorf("%w: topic %s does not exist any more", depot.ErrRecreated, topic)
}

func recreated(topic string, was, is [16]byte) error {
	return fmt.Errorf("%w: topic %s had the id %x and has %x: its positions mean other records now", depot.ErrRecreated, topic, was, is)
}

// forget ends an assignment and its pauses: they outlive it in the client (T32).
// The caller holds r.mu.
func (r *reader) forget(at place) {
	if a := r.assigned[at]; a != nil {
		a.trouble.end()
		r.setPaused(a, false)
		delete(r.assigned, at)
		r.client.ResumeFetchPartitions(at.partitions())
	}
}

func (p place) partitions() map[string][]int32 { return map[string][]int32{p.topic: {p.partition}} }

// Unassign stops reading a partition.
func (r *reader) Unassign(topic string, partition int32) {
	at := place{topic, partition}
	r.client.RemoveConsumePartitions(at.partitions())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(at)
	r.stir()
}

// Pause stops the delivery of a partition. The client is not told: it would throw away
// what it has fetched, and fetch it again later.
func (r *reader) Pause(topic string, partition int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.assigned[place{topic, partition}]; a != nil {
		r.setPaused(a, true)
	}
}

// Resume ends a pause.
func (r *reader) Resume(topic string, partition int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := place{topic, partition}
	if a := r.assigned[at]; a != nil {
		r.setPaused(a, false)
		r.refill(at, a)
		r.stir()
	}
}

// refill has the client fetch again, if what is held of a partition leaves room. The caller
// holds r.mu.
func (r *reader) refill(at place, a *assignment) {
	if a.held.full && a.held.bytes <= r.heldShare() {
		a.held.full = false
		r.fetch(at, a)
	}
}

// setPaused notes whether an assignment is paused. The caller holds r.mu.
func (r *reader) setPaused(a *assignment, paused bool) {
	switch {
	case paused && !a.paused:
		r.paused++
	case !paused && a.paused:
		r.paused--
	}
	if a.paused = paused; paused && a.held.bytes > r.heldShare() && !a.held.full && a.held.since.IsZero() {
		a.held.since = time.Now()
	} else if !paused {
		a.held.since = time.Time{}
	}
}

// fetch has the client fetch a partition, unless something holds it. The caller
// holds r.mu.
func (r *reader) fetch(at place, a *assignment) {
	if !a.held.full && !a.trouble.holds() {
		r.client.ResumeFetchPartitions(at.partitions())
	}
}

// Poll waits for records or faults and delivers them.
func (r *reader) Poll(ctx context.Context, recordsMax int, deliver func(depot.Delivery)) error {
	for {
		if r.release(recordsMax, deliver) {
			return nil
		}
		pollCtx, cancel, next := r.listen(ctx)
		switch next {
		case again:
			cancel()
			continue
		case wait, drain:
			if next == drain {
				r.drain(pollCtx)
			} else {
				<-pollCtx.Done()
			}
			cancel()
			if err := ctx.Err(); err != nil {
				return err
			}
			continue
		}
		some, err := r.poll(pollCtx, recordsMax, deliver)
		roused := pollCtx.Err() != nil && ctx.Err() == nil
		cancel()
		if some || !roused || !errors.Is(err, context.Canceled) {
			return err
		}
	}
}

// poll has the client wait for records or faults, and delivers them or holds them back.
func (r *reader) poll(ctx context.Context, recordsMax int, deliver func(depot.Delivery)) (some bool, failure error) {
	fetches := r.client.PollRecords(ctx, recordsMax)
	if fetches.IsClientClosed() {
		return false, fmt.Errorf("reader is closed: %w", kgo.ErrClientClosed)
	}
	var gone []string
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		at := place{p.Topic, p.Partition}
		position, ok := r.expected(at)
		if !ok {
			if p.Err != nil && p.Topic == "" {
				failure = p.Err // the poll itself: ctx ended
			}
			return
		}
		d := depot.Delivery{Topic: p.Topic, Partition: p.Partition}
		if p.Err != nil {
			if d.Fault = r.fault(ctx, position, p.Err); d.Fault == nil {
				failure = errors.Join(failure, r.passing(at, p.Err))
			}
		}
		if d.Fault == nil && len(p.Records) > 0 {
			d.Records = converted(p.Records)
		}
		if d.Fault == nil && len(d.Records) == 0 || r.received(at, &d) {
			return
		}
		some = true
		if gone = r.over(&d, gone); d.Fault != nil || len(d.Records) > 0 {
			deliver(d)
		}
	})
	r.purge(gone)
	return some, failure
}

// over ends the assignment of a partition that is at fault, and notes topics that are gone.
func (r *reader) over(d *depot.Delivery, gone []string) []string {
	if d.Fault == nil {
		return gone
	}
	r.Unassign(d.Topic, d.Partition)
	if errors.Is(d.Fault, depot.ErrRecreated) {
		gone = append(gone, d.Topic)
	}
	return gone
}

// purge has the client forget topics: it never adopts a topic's new id.
func (r *reader) purge(gone []string) { r.client.PurgeTopicsFromConsuming(gone...) }

// expected is the next position of a partition that is assigned.
func (r *reader) expected(at place) (position depot.Position, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.assigned[at]; a != nil {
		return a.position, true
	}
	return position, false
}

// fault tells what ends an assignment from what passes.
func (r *reader) fault(ctx context.Context, p depot.Position, err error) error {
	var loss *kgo.ErrDataLoss
	switch {
	case errors.As(err, &loss), errors.Is(err, kerr.OffsetOutOfRange):
		return fmt.Errorf("%w: topic %s partition %d at offset %d: %w", depot.ErrOutOfRange, p.Topic, p.Partition, p.Offset, err)
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.InconsistentTopicID):
		return r.gone(ctx, p)
	}
	return nil // it passes: the partition is tried again
}

// gone looks whether a topic that a broker does not know was deleted or made
// again. A broker that only has not heard of it yet is no fault, nor is a leader that
// is being elected.
func (r *reader) gone(ctx context.Context, p depot.Position) error {
	topic, err := r.log.look(ctx, p.Topic)
	switch {
	case err != nil:
		return nil
	case topic.Partitions == 0:
		return vanished(p.Topic)
	case p.TopicID != ([16]byte{}) && topic.ID != p.TopicID:
		return recreated(p.Topic, p.TopicID, topic.ID)
	}
	return nil
}

// Close ends the reader.
func (r *reader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.stir()
	all := map[string][]int32{}
	for at, a := range r.assigned {
		a.trouble.end()
		all[at.topic] = append(all[at.topic], at.partition)
	}
	r.mu.Unlock()
	// The client closes its fetch sessions while a fetch may be about to begin; without
	// partitions none begins.
	r.client.RemoveConsumePartitions(all)
	r.client.Close()
	return nil
}
